"""All execution environments: which there are, how many there may be, and their fork servers."""

import asyncio
import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from emulator.application import Function
from emulator.clock import Clock
from emulator.errors import EmulatorError, StartFailed
from emulator.runtime.environment import Environment
from emulator.runtime.inline import InlineEnvironments
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.lifecycle import Status
from emulator.runtime.pool import Pool
from emulator.runtime.settings import RuntimeSettings
from emulator.runtime.variables import ON_DEMAND, PROVISIONED, environment_variables
from emulator.runtime.zygote import Zygote
from emulator.telemetry.timeline import Timeline

_COMING = (Status.STARTING, Status.FINISHING)

ExtraVariables = Callable[[Function], Mapping[str, str]] | Mapping[str, str]


class Calls(Protocol):
    """Who accepted the calls that the fleet runs."""

    def taken(self, environment: Environment, invocation: Invocation) -> None:
        """An environment runs it."""

    def ended(self, environment: Environment, invocation: Invocation, outcome: Outcome) -> None:
        """It has an outcome."""

    def start_ended(self, environment: Environment, invocation: Invocation, failure: Outcome) -> None:
        """It never ran: the function could not be loaded in the environment that was started for it."""

    def refused(self, invocation: Invocation, error: EmulatorError) -> None:
        """It never ran: no process could be started."""


class Fleet:
    """Starts, assigns, replaces and ends environments."""

    def __init__(
        self,
        functions: Iterable[Function],
        *,
        calls: Calls,
        extra: ExtraVariables,
        settings: RuntimeSettings,
        clock: Clock,
        timeline: Timeline,
        new_id: Callable[[], str],
        run_folder: Path | None,
        inline: InlineEnvironments | None,
    ) -> None:
        self._functions = {function.name: function for function in functions}
        self._calls = calls
        self._extra = extra
        self._settings = settings
        self._clock = clock
        self._timeline = timeline
        self._new_id = new_id
        self._run_folder = run_folder
        self._inline = inline
        self._path = os.environ.get("PATH", os.defpath)
        self._runtime_folder = ""
        self._zygotes: dict[Path, Zygote] = {}
        self._environments: dict[str, Environment] = {}  # until their processes have ended
        self._evicted: set[Environment] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._running = False
        self._is_provisioning = False
        self.pool = self._new_pool()

    async def boot(self) -> None:
        """Boot the fork servers ahead of `start`, while other parts of the sandbox come up. Idempotent.

        Raises:
            StartFailed: the runtime client or a function's code is missing, or a fork server does not boot.
        """
        if self._inline is not None:
            return
        self._runtime_folder = _find_runtime()
        for function in self._functions.values():
            if not function.code.is_dir():
                raise StartFailed(
                    f"The code of function {function.name} is not there: make the folder {function.code},"
                    " or name another."
                )
        zygotes = {self._zygote(function) for function in self._functions.values()}
        try:
            await asyncio.gather(*(zygote.boot() for zygote in zygotes))
        except BaseException:
            await self.stop()
            raise

    async def start(self) -> None:
        """Boot the fork servers and the provisioned environments; see `LambdaService.start`."""
        await self.boot()
        self.pool = self._new_pool()
        self._evicted.clear()
        self._running = True
        try:
            for function in self._functions.values():
                self._provision(function)
            while any(e.provisioned and e.status is Status.STARTING for e in self._environments.values()):
                await self._change()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End all processes and tasks; idempotent."""
        self._running = False
        for environment in list(self._environments.values()):
            environment.kill()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        zygotes, self._zygotes = list(self._zygotes.values()), {}
        await asyncio.gather(*(zygote.stop() for zygote in zygotes))
        self._environments.clear()
        if self._inline is not None:
            self._inline.close()
        await asyncio.sleep(0)  # the connections that were closed say so to the loop

    def submit(self, invocation: Invocation) -> None:
        """Run a call as soon as an environment is free."""
        self.pool.submit(invocation.function.name, invocation)

    def environments(self) -> list[Environment]:
        """Return the living environments."""
        return [e for e in self._environments.values() if e.status is not Status.DEAD]

    def zygotes(self) -> list[Zygote]:
        """Return the fork servers."""
        return list(self._zygotes.values())

    async def kill(self, function: str, pid: int | None) -> int | None:
        """See `LambdaService.kill_environment`."""
        found = [
            e
            for e in self.environments()
            if e.function.name == function and e.pid is not None and pid in (None, e.pid)
        ]
        if not found:
            return None
        victim = next((e for e in found if e.status is Status.BUSY), found[0])
        victim.signal_kill()
        await victim.exited.wait()
        while victim.status is not Status.DEAD:
            await self._change()
        return victim.pid

    # what environments report

    def environment_ready(self, environment: Environment, *, first: bool) -> None:
        self._notify()
        self.pool.came(environment.function.name, environment, started=first)

    def invocation_ended(self, environment: Environment, invocation: Invocation, outcome: Outcome) -> None:
        if environment.status is Status.FINISHING:
            self.pool.finishing(environment.function.name)
        self._calls.ended(environment, invocation, outcome)

    def environment_ended(self, environment: Environment, *, before: Status, failure: Outcome | None) -> None:
        function = environment.function
        self._notify()
        if not self._running:
            return
        if failure is not None:
            invocation = self.pool.take_waiting(function.name)
            if invocation is not None:
                self._calls.start_ended(environment, invocation, failure)
        if environment in self._evicted:
            self._evicted.discard(environment)
        else:
            self._give_back(environment, before)
        if failure is None:
            self._provision(function)

    def environment_gone(self, environment: Environment) -> None:
        self._environments.pop(environment.key, None)
        self._timeline.record(
            "environment.ended",
            function=environment.function.name,
            pid=environment.pid,
            state=environment.state_at_end.value,
            status=environment.exit_status,
            invocations=environment.invocations,
            **_interrupted(environment),
        )
        self._notify()

    # what the pool asks for

    def _begin(self, name: str) -> None:
        function = self._functions[name]
        environment = Environment(
            self._new_id(),
            function,
            owner=self,
            starter=self._inline or self._zygote(function),
            settings=self._settings,
            clock=self._clock,
            provisioned=self._is_provisioning,
        )
        self._environments[environment.key] = environment
        task = asyncio.get_running_loop().create_task(self._start(environment), name=f"start of {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run(self, environment: Environment, invocation: Invocation) -> None:
        environment.run(invocation)
        self._calls.taken(environment, invocation)

    def _evict(self, environment: Environment) -> None:
        self._evicted.add(environment)
        environment.kill()

    # inside

    def _new_pool(self) -> Pool[Environment, Invocation]:
        return Pool(
            start=self._begin,
            run=self._run,
            evict=self._evict,
            max_live=self._settings.max_environments,
            max_live_per_function=self._settings.max_environments_per_function,
            max_starting=self._settings.max_starting,
        )

    async def _start(self, environment: Environment) -> None:
        name = environment.function.name
        try:
            await environment.start(lambda address: self._variables(environment, address))
        except Exception as error:  # noqa: BLE001 - whatever it is, the place is given back and a caller told
            if not isinstance(error, StartFailed):
                error = StartFailed(
                    f"No environment of {name} could be started ({error!r}); free some of the machine."
                )
            self._environments.pop(environment.key, None)
            self._timeline.record("environment.failed", function=name, why=str(error))
            invocation = self.pool.take_waiting(name)
            if invocation is not None:
                self._calls.refused(invocation, error)
            self._give_back(environment, Status.STARTING)
            self._notify()
            return
        self._timeline.record(
            "environment.started", function=name, pid=environment.pid, provisioned=environment.provisioned
        )

    def _give_back(self, environment: Environment, before: Status) -> None:
        self.pool.ended(
            environment.function.name,
            environment,
            started=before is not Status.STARTING,
            coming=before in _COMING,
        )

    def _provision(self, function: Function) -> None:
        living = sum(e.provisioned and e.function.name == function.name for e in self.environments())
        self._is_provisioning = True
        try:
            while living < function.provisioned_concurrency and self.pool.add(function.name):
                living += 1
        finally:
            self._is_provisioning = False

    def _zygote(self, function: Function) -> Zygote:
        code = Path(os.path.abspath(function.code))
        zygote = self._zygotes.get(code)
        if zygote is None:
            log = None
            if self._run_folder is not None:
                log = (
                    self._run_folder
                    / f"fork-server-{re.sub(r'[^A-Za-z0-9]+', '-', str(code)).strip('-')}.log"
                )
            zygote = self._zygotes[code] = Zygote(code, self._settings, log=log)
        return zygote

    def _variables(self, environment: Environment, address: str) -> dict[str, str]:
        function = environment.function
        extra = self._extra(function) if callable(self._extra) else self._extra
        day = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y/%m/%d")
        return environment_variables(
            function,
            extra=extra,
            runtime_api=address,
            runtime_folder=self._runtime_folder,
            log_stream=f"{day}/[$LATEST]{environment.key.replace('-', '')}",
            initialization_type=PROVISIONED if environment.provisioned else ON_DEMAND,
            path=self._path,
        )

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _change(self) -> None:
        await self._changed.wait()


def _interrupted(environment: Environment) -> dict[str, str]:
    """Name the invocation that the end of an environment cut off, if it did."""
    if environment.state_at_end is not Status.BUSY or environment.log is None:
        return {}
    return {"request_id": environment.log.request_id}


def _find_runtime() -> str:
    """Return the folder that AWS's runtime client is installed in. Raises StartFailed."""
    specification = importlib.util.find_spec("awslambdaric")
    if specification is None or specification.origin is None:
        raise StartFailed("The runtime client is not installed; install the package awslambdaric.")
    return str(Path(specification.origin).parent.parent)
