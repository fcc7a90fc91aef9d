"""What environments need of the machine: fork servers, variables, and a site each."""

import asyncio
import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from emulator.application import Function
from emulator.clock import Clock
from emulator.errors import StartFailed
from emulator.invocation import LATEST
from emulator.runtime.inline import InlineEnvironments, Starter
from emulator.runtime.settings import RuntimeSettings
from emulator.runtime.sites import Site, Sites
from emulator.runtime.variables import ON_DEMAND, PROVISIONED, environment_variables
from emulator.runtime.zygote import Zygote

ExtraVariables = Callable[[Function], Mapping[str, str]] | Mapping[str, str]


class Hosts:
    """Keeps a fork server for each code folder, and makes what an environment is started with."""

    def __init__(
        self,
        *,
        extra: ExtraVariables,
        settings: RuntimeSettings,
        clock: Clock,
        new_id: Callable[[], str],
        run_folder: Path | None,
        inline: InlineEnvironments | None,
    ) -> None:
        self._extra = extra
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        self._run_folder = run_folder
        self._inline = inline
        self._path = os.environ.get("PATH", os.defpath)
        self._runtime_folder = ""
        self._zygotes: dict[Path, Zygote] = {}
        self._sites = Sites(run_folder)

    async def boot(self, functions: Iterable[Function]) -> None:
        """Boot the fork servers of `functions`. Idempotent.

        Raises:
            StartFailed: the runtime client or a function's code is missing, or a fork server does not boot.
        """
        if self._inline is not None:
            return
        self._runtime_folder = _find_runtime()
        zygotes = set()
        for function in functions:
            if not function.code.is_dir():
                raise StartFailed(
                    f"The code of function {function.name} is not there: make the folder {function.code},"
                    " or name another."
                )
            zygotes.add(self._zygote(function))
        await asyncio.gather(*(zygote.boot() for zygote in zygotes))

    async def stop(self) -> None:
        """End the fork servers with all that they started, and remove every site; idempotent."""
        zygotes, self._zygotes = list(self._zygotes.values()), {}
        await asyncio.gather(*(zygote.stop() for zygote in zygotes))
        await self._sites.close()
        if self._inline is not None:
            self._inline.close()

    def zygotes(self) -> list[Zygote]:
        """Return the fork servers."""
        return list(self._zygotes.values())

    def starter(self, function: Function) -> Starter:
        """Return what starts environments of `function`."""
        return self._inline or self._zygote(function)

    def take_site(self, function: Function) -> Site | None:
        """Return where an environment of `function` is to run; None without processes."""
        return None if self._inline is not None else self._sites.take(function.name, self._new_log_stream)

    def keep_site(self, function: Function, site: Site) -> None:
        """Let the next environment of `function` have a site."""
        self._sites.keep(function.name, site)

    async def remove_site(self, site: Site, exited: asyncio.Event) -> None:
        """Remove a site when its process has exited."""
        await exited.wait()
        await self._sites.remove(site)

    def variables(
        self, function: Function, site: Site | None, *, provisioned: bool, address: str
    ) -> dict[str, str]:
        """Return the environment variables of an environment; `address` is its Runtime API's `host:port`."""
        return environment_variables(
            function,
            extra=self._extra(function) if callable(self._extra) else self._extra,
            runtime_api=address,
            runtime_folder=self._runtime_folder,
            log_stream=site.log_stream if site is not None else self._new_log_stream(),
            temporary_folder=str(site.folder) if site is not None else None,
            initialization_type=PROVISIONED if provisioned else ON_DEMAND,
            path=self._path,
        )

    def _zygote(self, function: Function) -> Zygote:
        code = Path(os.path.abspath(function.code))
        zygote = self._zygotes.get(code)
        if zygote is None:
            log = None
            if self._run_folder is not None:
                name = re.sub(r"[^A-Za-z0-9]+", "-", str(code)).strip("-")
                log = self._run_folder / f"fork-server-{name}.log"
            zygote = self._zygotes[code] = Zygote(code, self._settings, log=log)
        return zygote

    def _new_log_stream(self) -> str:
        day = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y/%m/%d")
        return f"{day}/[{LATEST}]{self._new_id().replace('-', '')}"


def _find_runtime() -> str:
    """Return the folder that AWS's runtime client is installed in. Raises StartFailed."""
    specification = importlib.util.find_spec("awslambdaric")
    if specification is None or specification.origin is None:
        raise StartFailed("The runtime client is not installed; install the package awslambdaric.")
    return str(Path(specification.origin).parent.parent)
