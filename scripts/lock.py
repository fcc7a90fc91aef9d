"""Makes the hashed locks anew from pyproject.toml: `python3 scripts/lock.py [--upgrade]`.

LocalStack's lock is made from the pins in `emulator/localstack/requirements.in`: later releases of
its dependencies break it, so it is changed by hand only.
"""

import subprocess
import sys

from prepare import DEVELOPMENT_LOCK, ENVIRONMENT, NOTEBOOKS_LOCK, ROOT, RUNTIME_LOCK, prepare

OPTIONS = [
    "--quiet",
    "--universal",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--python-version",
    "3.11",
]


def compile_lock(*arguments: str) -> None:
    """Run uv's resolver; it writes no download address."""
    subprocess.run(
        [str(ENVIRONMENT / "bin" / "uv"), "pip", "compile", *OPTIONS, *arguments], cwd=ROOT, check=True
    )


if __name__ == "__main__":
    prepare(DEVELOPMENT_LOCK)
    extra = sys.argv[1:]
    compile_lock("pyproject.toml", "--extra", "emulator", "-o", str(RUNTIME_LOCK), *extra)
    # Each environment contains the one before, so that one serves the programs of all below it.
    for extra_name, base, lock in (
        ("notebooks", RUNTIME_LOCK, NOTEBOOKS_LOCK),
        ("dev", NOTEBOOKS_LOCK, DEVELOPMENT_LOCK),
    ):
        compile_lock("pyproject.toml", "--extra", extra_name, "-c", str(base), "-o", str(lock), *extra)
