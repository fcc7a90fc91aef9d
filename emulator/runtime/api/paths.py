"""Which operation a request asks for. Pure.

Source:
    Botocore's service model, `lambda` 2015-03-31: method and `requestUri` of each operation.
"""

from collections.abc import Mapping
from urllib.parse import unquote

_FUNCTION = "/functions/{FunctionName}"

PATHS: Mapping[str, tuple[str, str]] = {
    "Invoke": ("POST", f"/2015-03-31{_FUNCTION}/invocations"),
    "InvokeAsync": ("POST", f"/2014-11-13{_FUNCTION}/invoke-async"),
    "InvokeWithResponseStream": ("POST", f"/2021-11-15{_FUNCTION}/response-streaming-invocations"),
    "ListFunctions": ("GET", "/2015-03-31/functions"),
    "CreateFunction": ("POST", "/2015-03-31/functions"),
    "GetFunction": ("GET", f"/2015-03-31{_FUNCTION}"),
    "DeleteFunction": ("DELETE", f"/2015-03-31{_FUNCTION}"),
    "UpdateFunctionCode": ("PUT", f"/2015-03-31{_FUNCTION}/code"),
    "GetFunctionConfiguration": ("GET", f"/2015-03-31{_FUNCTION}/configuration"),
    "UpdateFunctionConfiguration": ("PUT", f"/2015-03-31{_FUNCTION}/configuration"),
    "ListVersionsByFunction": ("GET", f"/2015-03-31{_FUNCTION}/versions"),
    "PublishVersion": ("POST", f"/2015-03-31{_FUNCTION}/versions"),
    "ListAliases": ("GET", f"/2015-03-31{_FUNCTION}/aliases"),
    "CreateAlias": ("POST", f"/2015-03-31{_FUNCTION}/aliases"),
    "GetAlias": ("GET", f"/2015-03-31{_FUNCTION}/aliases/{{Name}}"),
    "UpdateAlias": ("PUT", f"/2015-03-31{_FUNCTION}/aliases/{{Name}}"),
    "DeleteAlias": ("DELETE", f"/2015-03-31{_FUNCTION}/aliases/{{Name}}"),
    "PutFunctionConcurrency": ("PUT", f"/2017-10-31{_FUNCTION}/concurrency"),
    "DeleteFunctionConcurrency": ("DELETE", f"/2017-10-31{_FUNCTION}/concurrency"),
    "GetFunctionConcurrency": ("GET", f"/2019-09-30{_FUNCTION}/concurrency"),
    "PutProvisionedConcurrencyConfig": ("PUT", f"/2019-09-30{_FUNCTION}/provisioned-concurrency"),
    "GetProvisionedConcurrencyConfig": ("GET", f"/2019-09-30{_FUNCTION}/provisioned-concurrency"),
    "DeleteProvisionedConcurrencyConfig": ("DELETE", f"/2019-09-30{_FUNCTION}/provisioned-concurrency"),
    "PutFunctionEventInvokeConfig": ("PUT", f"/2019-09-25{_FUNCTION}/event-invoke-config"),
    "UpdateFunctionEventInvokeConfig": ("POST", f"/2019-09-25{_FUNCTION}/event-invoke-config"),
    "GetFunctionEventInvokeConfig": ("GET", f"/2019-09-25{_FUNCTION}/event-invoke-config"),
    "DeleteFunctionEventInvokeConfig": ("DELETE", f"/2019-09-25{_FUNCTION}/event-invoke-config"),
    "ListFunctionEventInvokeConfigs": ("GET", f"/2019-09-25{_FUNCTION}/event-invoke-config/list"),
    "AddPermission": ("POST", f"/2015-03-31{_FUNCTION}/policy"),
    "GetPolicy": ("GET", f"/2015-03-31{_FUNCTION}/policy"),
    "RemovePermission": ("DELETE", f"/2015-03-31{_FUNCTION}/policy/{{StatementId}}"),
    "ListTags": ("GET", "/2017-03-31/tags/{Resource}"),
    "TagResource": ("POST", "/2017-03-31/tags/{Resource}"),
    "UntagResource": ("DELETE", "/2017-03-31/tags/{Resource}"),
    "GetAccountSettings": ("GET", "/2016-08-19/account-settings"),
}
"""Operations by name; `ListProvisionedConcurrencyConfigs` differs from the one it shares a path with by
its query alone and is answered there."""

EVENT_SOURCE_MAPPINGS = "/2015-03-31/event-source-mappings"
"""Where the operations of event source mappings begin."""

Pattern = tuple[str, ...]

_PATTERNS: dict[tuple[str, int], list[tuple[Pattern, str]]] = {}
for _name, (_method, _path) in PATHS.items():
    _pattern = tuple(_path.strip("/").split("/"))
    _PATTERNS.setdefault((_method, len(_pattern)), []).append((_pattern, _name))


def find_operation(method: str, raw_path: str) -> tuple[str, dict[str, str]] | None:
    """Return an operation's name and the parameters in its path, or None where there is no such operation.

    Args:
        raw_path: as it was sent, percent-encoded: an encoded slash does not divide.
    """
    segments = raw_path.strip("/").split("/")
    for pattern, name in _PATTERNS.get((method, len(segments)), ()):
        parameters: dict[str, str] = {}
        for expected, segment in zip(pattern, segments, strict=True):
            if expected.startswith("{"):
                parameters[expected[1:-1]] = unquote(segment)
            elif expected != segment:
                break
        else:
            return name, parameters
    return None
