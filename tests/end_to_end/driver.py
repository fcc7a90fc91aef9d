"""A program that starts a sandbox, says so, and waits to be killed. Run by `test_processes.py`."""

import asyncio
import json

from emulator import Sandbox


async def main() -> None:
    """Print the emulator's process id when the sandbox is ready, then do nothing."""
    async with Sandbox() as sandbox:
        print(json.dumps({"pid": sandbox.state.pid, "run_folder": sandbox.state.run_folder}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
