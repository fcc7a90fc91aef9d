"""moto's own server as it is, in LocalStack's environment: `python bare_moto.py`, stdin a parent's pipe.

Prints its port. Its clock is advanced like LocalStack's, by POST to `/_streamer/clock`, so that a test of
what is kept too long is fair to it.
"""

import json
import os
import sys
import threading
import time
import types
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

sys.modules["flask_cors"] = types.SimpleNamespace(CORS=lambda *_: None)  # type: ignore[assignment]

import moto.core.utils  # noqa: E402 - what it lacks here comes first

offset_s = 0.0
_utcnow: Callable[[], datetime] = moto.core.utils.utcnow
moto.core.utils.utcnow = lambda: _utcnow() + timedelta(seconds=offset_s)
moto.core.utils.unix_time = lambda at=None: time.time() + offset_s if at is None else at.timestamp()

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402 - after the clock
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402


class Quiet(WSGIRequestHandler):
    """Keeps connections open, as AWS does, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    moto_application = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        global offset_s  # noqa: PLW0603 - it is the process's clock
        if environ["PATH_INFO"] == "/_streamer/clock":
            offset_s = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))["offset_s"]
            start_response("200 OK", [("Content-Length", "2")])
            return [b"{}"]
        return moto_application(environ, start_response)

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.read(0, 1024):
        pass
    os._exit(0)  # whatever it is still busy with


if __name__ == "__main__":
    main()
