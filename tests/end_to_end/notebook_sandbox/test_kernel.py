"""In a Jupyter kernel: cells that start, replace, interrupt and fail, and the kernel's end."""

import ast
import asyncio
from typing import Any

START = "from emulator import Sandbox\nsandbox = await Sandbox.start(execution='inline')"
CONNECT = "client = await sandbox.connect()"


async def test_a_start_is_shown_and_a_second_replaces_it(kernel: Any) -> None:
    """The cell says that the sandbox is ready; started again, the first one is gone."""
    assert "The sandbox is ready." in await kernel.run(START)
    await kernel.run("first = sandbox; pid = sandbox.state.pid")
    assert "has been stopped" in await kernel.run(START)
    shown = await kernel.run(
        "import psutil; print([first.is_running, psutil.pid_exists(pid), sandbox.is_running])"
    )
    assert ast.literal_eval(shown.strip()) == [False, False, True]


async def test_an_error_is_short(kernel: Any) -> None:
    """A cell shows the sentence, the function and the end of its log, and no frame of ours."""
    await kernel.run(START)
    await kernel.run(CONNECT)
    await kernel.run("@sandbox.add_action\ndef broken(payload):\n    return payload['missing']")
    shown = await kernel.run("await client.request('broken', {})")
    assert "RequestFailed: broken failed with" in shown
    assert "It failed in streamer-router" in shown
    assert "KeyError: 'missing'" in shown
    assert "Traceback (most recent call last)" in shown
    assert len(shown.splitlines()) < 12
    shown = await kernel.run("await sandbox.table('nothing')")
    assert shown.startswith("EmulatorError: There is no table 'nothing'")
    assert len(shown.splitlines()) == 1


async def test_an_interrupt_leaves_the_sandbox_alive(kernel: Any) -> None:
    """An interrupted cell ends; emulator, functions and connections go on."""
    await kernel.run(START)
    await kernel.run(CONNECT)
    await kernel.run("def block():\n    print('blocking', flush=True)\n    import time\n    time.sleep(60)")
    began = asyncio.Event()

    def show(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            began.set()

    cell = asyncio.create_task(kernel.client.execute_interactive("block()", output_hook=show, timeout=30))
    await began.wait()
    await kernel.manager.interrupt_kernel()
    assert (await cell)["content"]["ename"] == "KeyboardInterrupt"
    assert await kernel.run("(await client.request('echo', {'a': 1}))['echo']") == "{'a': 1}"


async def test_a_blocking_cell_does_not_stop_inline_functions(kernel: Any) -> None:
    """A cell that blocks the kernel's event loop is answered by the gateway and by functions meanwhile."""
    await kernel.run(START)
    shown = await kernel.run(
        "import json\n"
        "from websockets.sync.client import connect\n"
        "headers = {'Authorization': f'Bearer {sandbox.token()}'}\n"
        "with connect(sandbox.addresses.websocket, additional_headers=headers, proxy=None) as socket:\n"
        '    socket.send(\'{"action": "echo"}\')\n'
        "    print(json.loads(socket.recv(10))['type'])"
    )
    assert shown.strip() == "response"


async def test_a_killed_kernel_leaves_no_process(kernel: Any, family: Any, eventually: Any) -> None:
    """SIGKILL of the kernel ends the emulator, LocalStack and everything else."""
    await kernel.run(START)
    emulator = family(int(await kernel.run("print(sandbox.state.pid)")))
    assert len(emulator.look()) >= 2
    await kernel.manager.signal_kernel(9)
    await eventually(lambda: not emulator.alive())


async def test_a_breakpoint_takes_commands_from_the_notebook(kernel: Any) -> None:
    """`breakpoint()` in an action asks in the notebook, and what is changed there changes the answer."""
    await kernel.run(START)
    await kernel.run(CONNECT)
    await kernel.run(
        "@sandbox.add_action\ndef stop(payload):\n    number = 41\n    breakpoint()\n    return number + 1"
    )
    commands = iter(["number = 10", "c"])

    def answer(_request: dict[str, Any]) -> None:
        kernel.client.input(next(commands))

    shown: list[str] = []
    await kernel.client.execute_interactive(
        "print(await client.request('stop'))",
        allow_stdin=True,
        stdin_hook=answer,
        output_hook=lambda message: shown.append(message["content"].get("text", "")),
        timeout=30,
    )
    assert "".join(shown).splitlines()[-1] == "11"
