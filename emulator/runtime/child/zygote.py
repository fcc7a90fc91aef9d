"""The program that starts environments, reaps them and reports their ends. Standard library alone.

One thread, one loop over a socket to the emulator. When that socket closes, because the emulator stopped
or was killed, every process group that was started here is killed, and this process ends.

An environment's process is the parent of whatever its handler leaves without one, so what ends up as a child
of this process was left by an environment that has ended, in whatever session it is, and is killed. The same
does for this process a guard, which is its parent and knows nothing else (Linux).

Shape:
    Both directions: 4 bytes of length (big-endian), then JSON.
    in  `{"start": key, "variables": {...}, "code": "...", "client": "..."}` with one descriptor, the
        write end of the environment's output; `{"kill": key}`.
    out `{"ready": {"pid": n, "missing": [...], "ms": n}}`, `{"started": key, "pid": n}`,
        `{"refused": key, "why": "..."}`, `{"exited": key, "status": n, "max_rss_kb": n}`
        (status below 0: minus the signal's number).
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time

# Beside this script; a function may not find them.
import emulator_environment  # type: ignore[import-not-found]
from emulator_children import (  # type: ignore[import-not-found]
    children,
    end_children,
    hear_of_ends_only,
    kill,
    kill_group,
)
from emulator_preloading import RUNTIME_NEEDS, preload  # type: ignore[import-not-found]

_MAX_DESCRIPTORS = 32
_OWN_MODULES = ("emulator_children", "emulator_environment", "emulator_preloading")


class Zygote:
    """Starts environments by fork or by spawn and answers for them."""

    def __init__(self, control: socket.socket, *, fork: bool, code: str, client_path: str) -> None:
        self._control = control
        self._fork = fork
        self._code = code
        self._client_path = client_path
        self._pids: dict[str, int] = {}
        self._keys: dict[int, str] = {}
        self._own: set[int] = set()
        self._buffer = b""
        self._descriptors: list[int] = []
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        os.set_blocking(self._wake_read, False)

    def serve(self) -> None:
        """Work until the emulator's end of the socket closes, then kill what is left."""
        emulator_environment.adopt_orphans()
        self._own = set(children())  # of modules that were preloaded
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        hear_of_ends_only()
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        try:
            while True:
                for descriptor, _ in poll.poll():
                    if descriptor == self._wake_read:
                        with contextlib.suppress(BlockingIOError):
                            os.read(self._wake_read, 4096)
                        self._reap()
                    elif not self._receive():
                        return
        finally:
            for pid in self._keys:
                kill_group(pid)
            for pid in self._keys:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
            end_children()

    def say(self, **message: object) -> None:
        data = json.dumps(message).encode()
        self._control.sendall(len(data).to_bytes(4, "big") + data)

    def _receive(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, 65536, _MAX_DESCRIPTORS)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        self._descriptors += descriptors
        self._buffer += data
        while len(self._buffer) >= 4:
            end = 4 + int.from_bytes(self._buffer[:4], "big")
            if len(self._buffer) < end:
                break
            message = json.loads(self._buffer[4:end])
            self._buffer = self._buffer[end:]
            self._obey(message)
        return bool(data)

    def _obey(self, message: dict) -> None:  # type: ignore[type-arg]
        if "kill" in message:
            pid = self._pids.get(message["kill"])
            if pid is not None:
                kill_group(pid)
            return
        key = message["start"]
        output = self._descriptors.pop(0)
        start = self._start_by_fork if self._fork else self._start_by_spawn
        try:
            pid = start(output, message["variables"], message["code"], message["client"])
        except OSError as error:
            self.say(refused=key, why=str(error))
            return
        finally:
            os.close(output)
        self._pids[key] = pid
        self._keys[pid] = key
        self.say(started=key, pid=pid)

    def _start_by_fork(self, output: int, variables: dict, code: str, client: str) -> int:  # type: ignore[type-arg]
        parent = os.getpid()
        pid = os.fork()
        if pid:
            with contextlib.suppress(OSError):
                os.setpgid(pid, pid)  # both sides do it, so that neither has to wait
            return pid
        status = 1
        try:
            os.setpgid(0, 0)
            self._become_child(parent, output)
            os.environ.clear()
            os.environ.update(variables)
            time.tzset()
            if "tempfile" in sys.modules:  # it looks for its folder once
                sys.modules["tempfile"].tempdir = None  # type: ignore[attr-defined]
            emulator_environment.run(code, client, self._client_path)
            status = 0
        except SystemExit as error:
            status = _exit_status(error.code)
        except BaseException:  # noqa: BLE001 - as the interpreter does at its top level
            import traceback

            traceback.print_exc()
        finally:
            _leave(status)
        raise AssertionError("unreachable")

    def _become_child(self, parent: int, output: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        emulator_environment.die_with_parent(parent)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for descriptor in (output, self._wake_read, self._wake_write, *self._descriptors):
            os.close(descriptor)
        self._control.close()

    def _start_by_spawn(self, output: int, variables: dict, code: str, client: str) -> int:  # type: ignore[type-arg]
        script = emulator_environment.__file__
        return os.posix_spawn(
            sys.executable,
            [sys.executable, script, str(os.getpid()), code, client, self._client_path],
            variables,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
            setpgroup=0,
            setsigdef=[signal.SIGCHLD, signal.SIGINT, signal.SIGTERM],
        )

    def _reap(self) -> None:
        """Tell of environments that have ended, and end what they leave behind."""
        with contextlib.suppress(ChildProcessError):  # there is none
            while self._reap_one():
                pass
        for pid in set(children()) - self._keys.keys() - self._own:
            kill(pid)

    def _reap_one(self) -> bool:
        if hasattr(os, "waitid"):
            # The group is killed while its leader is still a zombie: its number cannot be in other hands.
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return False
            kill_group(ended.si_pid)
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return False
        kill_group(pid) if not hasattr(os, "waitid") else None
        self._own.discard(pid)
        key = self._keys.pop(pid, None)
        if key is not None:
            del self._pids[key]
            self.say(
                exited=key,
                status=os.waitstatus_to_exitcode(status),
                max_rss_kb=usage.ru_maxrss if sys.platform == "linux" else usage.ru_maxrss // 1024,
            )
        return True


def _exit_status(code: object) -> int:
    """Return what the interpreter would make of `SystemExit.code`."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)  # noqa: T201
    return 1


def _leave(status: int) -> None:
    """End a forked child as the interpreter would, but never run the fork server's own code."""
    import atexit
    import threading

    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(status)


def _go_under_guard(control: socket.socket) -> None:
    """Fork: the child goes on, and its parent stays to end what is left when the child has ended."""
    emulator_environment.adopt_orphans()
    guard = os.getpid()
    server = os.fork()
    if not server:
        emulator_environment.die_with_parent(guard)
        return
    control.close()
    while os.wait()[0] != server:
        pass
    end_children()
    os._exit(0)


def main() -> None:
    """Run as a script: `zygote.py DESCRIPTOR OPTIONS`, with the options as JSON."""
    began = time.monotonic()
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    options = json.loads(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        _go_under_guard(control)
    zygote = Zygote(control, fork=options["fork"], code=options["code"], client_path=options["client_path"])
    missing = []
    if options["fork"]:
        sys.path[0] = options["code"]
        missing = preload([*RUNTIME_NEEDS, *options["preload"]], options["clients"])
        for name in _OWN_MODULES:
            sys.modules.pop(name, None)
        gc.collect()
        gc.freeze()
    took_ms = round((time.monotonic() - began) * 1000, 1)
    zygote.say(ready={"pid": os.getpid(), "missing": missing, "ms": took_ms})
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        zygote.serve()


if __name__ == "__main__":
    main()
