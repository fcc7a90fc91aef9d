"""Which operation a request asks for."""

import botocore.session
import pytest

from emulator.runtime.api.errors import REFUSED
from emulator.runtime.api.paths import PATHS, find_operation


@pytest.fixture(scope="module")
def model() -> dict[str, tuple[str, str]]:
    """Method and path of every operation, as boto3 sends them."""
    service = botocore.session.Session().get_service_model("lambda")
    operations = {name: service.operation_model(name).http for name in service.operation_names}
    return {name: (http["method"], http["requestUri"]) for name, http in operations.items()}


def test_paths_are_botocores(model: dict[str, tuple[str, str]]) -> None:
    """Every operation has the method and the path of the service model."""
    assert {name: model[name] for name in PATHS} == dict(PATHS)
    assert set(REFUSED) <= set(PATHS)


def test_every_operation_is_found(model: dict[str, tuple[str, str]]) -> None:
    """A path with any parameters is its operation's alone."""
    for name, (method, template) in PATHS.items():
        found = find_operation(method, template.replace("{", "x-").replace("}", ""))
        assert found is not None
        assert found[0] == name


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/2015-03-31/functions/", ("ListFunctions", {})),
        ("GET", "/2015-03-31/functions/a%3Ab", ("GetFunction", {"FunctionName": "a:b"})),
        ("GET", "/2015-03-31/functions/a%2Fb", ("GetFunction", {"FunctionName": "a/b"})),
        ("POST", "/2015-03-31/functions/a", None),
        ("GET", "/2014-11-13/functions/a", None),
        ("GET", "/", None),
        ("GET", "", None),
    ],
    ids=["slash", "encoded", "encoded slash", "method", "date", "root", "nothing"],
)
def test_paths(method: str, path: str, expected: tuple[str, dict[str, str]] | None) -> None:
    """Parameters are decoded after the path was divided; anything else is no operation."""
    assert find_operation(method, path) == expected
