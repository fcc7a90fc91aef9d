"""The run's own certificate authority."""

import ssl
import stat

from emulator.gateway.certificates import create_certificate


def test_the_bundle_trusts_the_runs_authority_and_the_public_ones(tmp_path):
    """AWS_CA_BUNDLE replaces the public authorities, so the bundle has them too."""
    certificate = create_certificate(tmp_path / "run")
    context = ssl.create_default_context(cafile=str(certificate.ca_bundle))
    names = [dict(pair for part in item["issuer"] for pair in part) for item in context.get_ca_certs()]
    assert len(names) > 50
    assert any(name.get("organizationName", "").startswith("trustme") for name in names)


def test_tls_begins_at_1_2(tmp_path):
    """Older versions of TLS are not spoken (row A1)."""
    context = create_certificate(tmp_path).server_context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_no_private_key_is_written(tmp_path):
    """The folder of the run holds one file, readable by its owner only, without a key."""
    certificate = create_certificate(tmp_path)
    assert list(tmp_path.iterdir()) == [certificate.ca_bundle]
    assert stat.S_IMODE(certificate.ca_bundle.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" not in certificate.ca_bundle.read_bytes()
