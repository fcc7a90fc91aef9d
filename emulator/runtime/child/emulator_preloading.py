"""What the fork server loads once, so that environments have it when they start. Standard library alone."""

import importlib
import sys

RUNTIME_NEEDS = (
    "concurrent.futures",
    "decimal",
    "http.client",
    "importlib.util",
    "json",
    "logging",
    "simplejson",
    "traceback",
)
"""What awslambdaric imports. It is not imported itself: it reads the environment when it is loaded."""


def preload(modules: list[str], clients: list[str]) -> list[str]:
    """Import `modules` and read the models of AWS's `clients`; returns what is missing."""
    missing = []
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: BLE001 - whatever a module raises, environments can live without it
            missing.append(name)
    if clients and "boto3" in sys.modules:
        try:
            missing += _share_models(clients)
        except Exception:  # noqa: BLE001 - a boto3 of another make; environments read the models themselves
            missing.append("boto3 clients")
    return missing


def _share_models(clients: list[str]) -> list[str]:
    """Read the models of `clients` once and let every session of every environment begin with them.

    Reading them is most of the time and memory that a first client takes. A session's loader keeps what
    it has read in a dictionary; a new loader gets a copy of the one that was filled here.
    """
    boto3_session = importlib.import_module("boto3.session")
    botocore_session = importlib.import_module("botocore.session")
    session = boto3_session.Session(region_name="us-east-1")
    missing = []
    for name in clients:
        try:
            session.client(name, endpoint_url="http://127.0.0.1:9")
        except Exception:  # noqa: BLE001
            missing.append(name)
    read = session._session.get_component("data_loader")._cache
    create = botocore_session.create_loader

    def create_loader(search_path_string=None):  # type: ignore[no-untyped-def]
        loader = create(search_path_string)
        if search_path_string is None:
            loader._cache = dict(read)
        return loader

    botocore_session.create_loader = create_loader  # type: ignore[attr-defined]
    return missing
