"""Spares LocalStack's start what no sandbox needs: a seventh of what it imports."""

import importlib.util
import os
import sys
from types import ModuleType

_VALIDATION = "localstack.aws.handlers.validation"
_VALIDATES = ("OPENAPI_VALIDATE_REQUEST", "OPENAPI_VALIDATE_RESPONSE")
_VALIDATORS = ("OpenAPIRequestValidator", "OpenAPIResponseValidator")

_RARE = ("dns.resolver",)
"""Modules that are loaded when something of them is used: where LocalStack waits for a DNS server."""


def leave_out() -> None:
    """Let LocalStack start without these modules. To be called before it is imported."""
    for name in _RARE:
        _load_when_used(name)
    if not any(os.environ.get(each) for each in _VALIDATES):
        _leave_out_validation()


def _load_when_used(name: str) -> None:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    package, _, rest = name.rpartition(".")
    setattr(sys.modules[package], rest, module)


def _leave_out_validation() -> None:
    """Put handlers that let everything pass in the place of those that do so unless told otherwise."""
    module = ModuleType(_VALIDATION)
    for name in _VALIDATORS:
        setattr(module, name, lambda: _pass)
    sys.modules[_VALIDATION] = module


def _pass(_chain: object, _context: object, _response: object) -> None:
    pass
