"""All execution environments: which there are, how many there may be, and their fork servers."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.application import AsynchronousConfig, Function
from emulator.clock import Clock
from emulator.errors import StartFailed
from emulator.runtime.environment import Environment
from emulator.runtime.hosts import ExtraVariables, Hosts
from emulator.runtime.inline import InlineEnvironments
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.lifecycle import Status
from emulator.runtime.living import Living
from emulator.runtime.owners import Calls
from emulator.runtime.patience import Patience
from emulator.runtime.pool import Pool
from emulator.runtime.reports import end_facts
from emulator.runtime.second_look import SecondLook
from emulator.runtime.settings import RuntimeSettings
from emulator.runtime.zygote import Zygote
from emulator.telemetry.timeline import Timeline


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
        self._settings = settings
        self._clock = clock
        self._timeline = timeline
        self._new_id = new_id
        self._hosts = Hosts(
            extra=extra,
            settings=settings,
            clock=clock,
            new_id=new_id,
            run_folder=run_folder,
            inline=inline,
        )
        self._living = Living()
        self._evicted: set[Environment] = set()
        self._updates: Counter[str] = Counter()
        self._outdated: dict[Environment, int] = {}  # and how many updates it knows of
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = False
        self._is_provisioning = False
        self._patience = Patience(time.monotonic, enough=settings.eager_environments)
        self._second_look = SecondLook(self._patience)
        self.pool = self._new_pool()

    async def boot(self) -> None:
        """Boot the fork servers ahead of `start`, while other parts of the sandbox come up. Idempotent.

        Raises:
            StartFailed: the runtime client or a function's code is missing, or a fork server does not boot.
        """
        try:
            await self._hosts.boot(self._functions.values())
        except BaseException:
            await self.stop()
            raise

    async def start(self) -> None:
        """Boot the fork servers and the provisioned environments; see `LambdaService.start`."""
        await self.boot()
        self.pool = self._new_pool()
        self._evicted.clear()
        self._outdated.clear()
        self._running = True
        try:
            for function in self._functions.values():
                self._provision(function)
            while any(one.provisioned and one.status is Status.STARTING for one in self._living):
                await self._living.change()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End all processes and tasks; idempotent."""
        self._running = False
        self._second_look.end()
        self._living.kill_all()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._hosts.stop()
        self._living.clear()
        await asyncio.sleep(0)  # the connections that were closed say so to the loop

    def submit(self, invocation: Invocation) -> None:
        """Run a call as soon as an environment is free."""
        invocation.updates = self._updates[invocation.function.name]
        self.pool.submit(invocation.function.name, invocation)
        self._second_look.begin(self.pool)

    def configure(self, function: Function) -> None:
        """Run the calls from now on as `function` says; see `LambdaService.configure`."""
        before, self._functions[function.name] = self._functions[function.name], function
        if _of_environments(function) == _of_environments(before):
            return
        known = self._updates[function.name]
        self._updates[function.name] += 1
        for environment in self.environments():
            if environment.function.name != function.name:
                continue
            if self.pool.remove_idle(environment):
                self._evict(environment)
            else:
                self._outdated.setdefault(environment, known)
        if self._running:
            self._provision(function)

    def environments(self) -> list[Environment]:
        """Return the living environments."""
        return list(self._living)

    def zygotes(self) -> list[Zygote]:
        """Return the fork servers."""
        return self._hosts.zygotes()

    async def kill(self, function: str, pid: int | None) -> int | None:
        """See `LambdaService.kill_environment`."""
        return await self._living.kill(function, pid)

    # what environments report

    def environment_ready(self, environment: Environment, *, first: bool) -> None:
        self._living.note()
        if not self._serves(environment):
            self._replace(environment, Status.STARTING if first else Status.FINISHING)
            return
        self.pool.came(environment.function.name, environment, started=first)
        if environment in self._outdated and self.pool.remove_idle(environment):
            self._evict(environment)

    def invocation_ended(self, environment: Environment, invocation: Invocation, outcome: Outcome) -> None:
        if environment.status is Status.FINISHING:
            if environment.invocations > 1:
                self._patience.ended(environment.function.name, environment.elapsed_ms() / 1000)
            self.pool.finishing(environment.function.name)
        self._calls.ended(environment, invocation, outcome)

    def environment_ended(self, environment: Environment, *, before: Status, failure: Outcome | None) -> None:
        function = self._functions[environment.function.name]
        self._outdated.pop(environment, None)
        self._living.note()
        if not self._running:
            return
        is_evicted = environment in self._evicted
        self._evicted.discard(environment)
        self._leave_site(environment, keep=not is_evicted)
        if failure is not None and environment.call is None and self._try_again(environment):
            return
        if not is_evicted:
            self._give_back(environment, before)
        if failure is None:
            self._provision(function)

    def environment_gone(self, environment: Environment) -> None:
        self._living.remove(environment)
        self._timeline.record("environment.ended", **end_facts(environment))

    # what the pool asks for

    def _begin(self, name: str) -> None:
        self._launch(self._functions[name], provisioned=self._is_provisioning)

    def _try_again(self, failed: Environment) -> bool:
        """Repeat an initialisation that failed, as part of the call that waits for it (row E33)."""
        name = failed.function.name
        invocation = self.pool.dedicate(name)
        if invocation is None:
            return False
        environment = self._launch(self._functions[name], failed=failed, call=invocation)
        self._calls.taken(environment, invocation)
        return True

    def _launch(
        self,
        function: Function,
        *,
        provisioned: bool = False,
        failed: Environment | None = None,
        call: Invocation | None = None,
    ) -> Environment:
        name = function.name
        environment = Environment(
            self._new_id(),
            function,
            owner=self,
            starter=self._hosts.starter(function),
            settings=self._settings,
            clock=self._clock,
            provisioned=provisioned,
            site=self._hosts.take_site(function),
            failed=failed,
            call=call,
        )
        self._living.add(environment)
        self._do(self._start(environment), f"start of {name}")
        return environment

    def _do(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _leave_site(self, environment: Environment, *, keep: bool) -> None:
        """Let the next environment of the function have what is in `/tmp`, unless there need not be one."""
        if environment.site is None:
            return
        if keep:
            self._hosts.keep_site(environment.function, environment.site)
        else:
            removal = self._hosts.remove_site(environment.site, environment.exited)
            self._do(removal, "removal of a site")

    def _run(self, environment: Environment, invocation: Invocation) -> None:
        environment.run(invocation)
        if self._calls.taken(environment, invocation):
            environment.hand_over()

    def _serves(self, environment: Environment) -> bool:
        """Whether it may run the next call: one of an older configuration only what is as old as that.

        So a call gets through also where updates follow each other sooner than environments start.
        """
        known = self._outdated.get(environment)
        waiting = self.pool.oldest_waiting(environment.function.name)
        return known is None or (waiting is not None and waiting.updates <= known)

    def _evict(self, environment: Environment) -> None:
        self._evicted.add(environment)
        environment.kill()

    def _replace(self, environment: Environment, before: Status) -> None:
        """End an environment of an older configuration; the pool learns that it is not coming."""
        self._evicted.add(environment)
        self._give_back(environment, before)
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
            patience=self._patience,
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
            self._living.remove(environment)
            self._timeline.record("environment.failed", function=name, why=str(error))
            self._leave_site(environment, keep=True)
            invocation = environment.call or self.pool.take_waiting(name)
            if invocation is not None:
                self._calls.refused(invocation, error)
            self._give_back(environment, Status.STARTING)
            return
        self._timeline.record(
            "environment.started", function=name, pid=environment.pid, provisioned=environment.provisioned
        )

    def _give_back(self, environment: Environment, before: Status) -> None:
        has_come = before is not Status.STARTING or environment.call is not None
        self.pool.ended(
            environment.function.name,
            environment,
            started=has_come,
            coming=before is Status.FINISHING or not has_come,
        )

    def _provision(self, function: Function) -> None:
        living = sum(
            e.provisioned and e.function.name == function.name and e not in self._outdated
            for e in self.environments()
        )
        self._is_provisioning = True
        try:
            while living < function.provisioned_concurrency and self.pool.add(function.name):
                living += 1
        finally:
            self._is_provisioning = False

    def _variables(self, environment: Environment, address: str) -> Mapping[str, str]:
        return self._hosts.variables(
            environment.function, environment.site, provisioned=environment.provisioned, address=address
        )


def _of_environments(function: Function) -> Function:
    """Return what of a function's configuration an environment is started with."""
    return replace(
        function,
        reserved_concurrency=None,
        provisioned_concurrency=0,
        asynchronous=AsynchronousConfig(),
        dead_letter=None,
    )
