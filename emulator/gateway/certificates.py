"""The TLS port's certificate: a certificate authority of the run's own, and the bundle that trusts it."""

import os
import ssl
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import trustme

CA_BUNDLE_NAME = "ca-bundle.pem"
NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server certificate for `localhost` and `127.0.0.1`.

    Attributes:
        ca_bundle: file for `AWS_CA_BUNDLE` and `verify=`: the run's authority and the public ones, because
            that variable replaces the public ones for every call of a process.
        ca_pem: the run's authority alone.
        server_context: for the listening side.
    """

    ca_bundle: Path
    ca_pem: bytes
    server_context: ssl.SSLContext

    def client_context(self) -> ssl.SSLContext:
        """Return a context for a client that trusts the run's authority only."""
        return ssl.create_default_context(cadata=self.ca_pem.decode())


def create_certificate(folder: Path) -> Certificate:
    """Make an authority and a certificate, and write `ca-bundle.pem` into `folder` (created if absent).

    The private keys stay in this process: nothing that `folder` keeps is a secret. The file is readable by
    its owner only.

    Source:
        boto3 verifies against `AWS_CA_BUNDLE`; of the variables tried, only that one works for it.
    """
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*NAMES).configure_cert(context)
    ca_pem: bytes = authority.cert_pem.bytes()
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / CA_BUNDLE_NAME
    descriptor = os.open(bundle, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(ca_pem + b"\n" + _public_authorities())
    return Certificate(bundle, ca_pem, context)


def _public_authorities() -> bytes:
    """Return the public authorities as boto3 finds them: certifi's if it is there, else botocore's."""
    package = "certifi" if find_spec("certifi") is not None else "botocore"
    return (files(package) / "cacert.pem").read_bytes()
