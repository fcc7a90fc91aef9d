"""Where an application runs: a file that whoever runs it writes, and the commands read.

The file names things and holds no secret; it is the user's alone all the same.
"""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from streamer.errors import InvalidDeployment

VARIABLE = "STREAMER_DEPLOYMENT"
"""The environment variable that names another file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The addresses and names of one running application.

    Attributes:
        websocket_url: where clients connect, `wss://…/stage` or `ws://…/stage`.
        management_url: where `@connections` is, `https://…/stage` or `http://…/stage`.
        aws_endpoint_url: of the back end that stands in for AWS; None: AWS itself.
        ca_bundle: path of a PEM file with the authority of its certificates; None: the system's.
        jwt_keys_secret: name of the secret with the keys that verify tokens.
        jwt_audience, jwt_issuer: what a token must name; empty: not checked.
        development_key_secret: name of the secret with a private key that signs tokens; None where there
            is none, as on any deployment that is not for development.
        max_in_flight_per_user, max_in_flight_per_tenant: as the functions' settings; None: the default.
        clock_offset_s: seconds that the functions' time is ahead of this machine's, where it was advanced.
    """

    name: str
    websocket_url: str
    management_url: str
    region: str
    connections_table: str
    requests_table: str
    subscriptions_table: str
    counters_table: str
    records_table: str
    bucket: str
    jwt_keys_secret: str
    jwt_audience: str = ""
    jwt_issuer: str = ""
    aws_endpoint_url: str | None = None
    ca_bundle: str | None = None
    development_key_secret: str | None = None
    max_in_flight_per_user: int | None = None
    max_in_flight_per_tenant: int | None = None
    clock_offset_s: float = 0.0

    def save(self, path: Path | None = None) -> Path:
        """Write the file, whole or not at all, readable by its owner alone; return its path.

        Args:
            path: None: the default path. Folders are made as needed.
        """
        path = path or default_path()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return path

    @classmethod
    def load(cls, path: Path | None = None) -> "Deployment":
        """Read the file. What a later version wrote into it and this one does not know is left out.

        Args:
            path: None: the default path.

        Raises:
            InvalidDeployment: there is no such file, or it is not one of these.
        """
        named, path = path, path or default_path()
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError as error:
            absent = f"; there is no file {named}" if named else ""
            raise InvalidDeployment(
                'No running deployment: start one with "python -m emulator up", or name one with'
                f" --deployment FILE{absent}.",
                details={"path": str(path)},
            ) from error
        except OSError as error:
            raise InvalidDeployment(
                f"The deployment file {path} cannot be read: {error.strerror}; name another with"
                " --deployment FILE.",
                details={"path": str(path)},
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidDeployment(
                f"The file {path} does not describe a deployment ({error}): name another with"
                ' --deployment FILE, or start one anew with "python -m emulator up".',
                details={"path": str(path)},
            ) from error

    def withdraw(self, path: Path | None = None) -> bool:
        """Remove the file, unless another deployment has taken its place; say whether it was removed."""
        path = path or default_path()
        with suppress(InvalidDeployment):
            if replace(Deployment.load(path), clock_offset_s=self.clock_offset_s) == self:
                path.unlink(missing_ok=True)
                return True
        return False


def default_path(environment: Mapping[str, str] | None = None) -> Path:
    """Return where the file is: `$STREAMER_DEPLOYMENT`, or else in the user's folder for state.

    Source:
        XDG Base Directory Specification, `XDG_STATE_HOME`; a relative path there is to be ignored.
    """
    environment = os.environ if environment is None else environment
    if named := environment.get(VARIABLE):
        return Path(named).expanduser()
    home = Path(environment["HOME"]) if environment.get("HOME") else Path.home()
    state = Path(environment.get("XDG_STATE_HOME", ""))
    return (state if state.is_absolute() else home / ".local" / "state") / "streamer" / "deployment.json"
