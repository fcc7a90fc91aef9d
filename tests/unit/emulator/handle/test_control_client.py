"""What is asked of the control API."""

import json
from types import SimpleNamespace
from typing import Any

from emulator.handle.control_client import logs_of

STATE: Any = SimpleNamespace(addresses=SimpleNamespace(control="http://control"), secret="s")


class Http:
    """Answers as a sandbox does in which one request had three invocations, of two functions."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request(self, method: str, url: str, **_: Any) -> Any:
        path = url.removeprefix("http://control")
        self.asked.append(path)
        if path.startswith("/timeline"):
            begun = [("router", "1"), ("executor", "2"), ("executor", "3")]
            answer: Any = [
                {"kind": "lambda.start", "facts": {"function": name, "request_id": number}}
                for name, number in begun
            ]
        else:
            numbers = {"router": "01", "executor": "239"}[path.rpartition("=")[2]]
            answer = [{"request_id": number, "log": number} for number in numbers]
        return SimpleNamespace(status=200, data=json.dumps(answer).encode())


def test_the_logs_of_a_function_are_asked_for_once() -> None:
    """However many of its invocations the request had; they come in the order in which they began."""
    http: Any = Http()
    assert [log["log"] for log in logs_of(http, STATE, "r1")] == ["1", "2", "3"]
    assert http.asked == ["/timeline?of=r1", "/logs?function=router", "/logs?function=executor"]
