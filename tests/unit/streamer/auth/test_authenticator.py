"""Which tokens are accepted, and what is said about those that are not."""

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from streamer.auth.authenticator import MAX_TOKEN_LENGTH, Authenticator, find_token
from streamer.auth.development import generate_key_pair, issue_token
from streamer.errors import Forbidden, Unauthorized
from streamer.identity import Identity

NOW = 1_700_000_000.0
HMAC_KEY = {"kty": "oct", "kid": "shared", "alg": "HS256", "k": base64.urlsafe_b64encode(b"s" * 32).decode()}


def encoded(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_good_token(new_authenticator: Any, issuer: Any) -> None:
    """A token signed by a known key gives the user, the tenant, the permissions and the token's end."""
    token = issuer.sign(permissions=["report", "echo"])
    assert new_authenticator().authenticate(token) == Identity(
        tenant_id="acme", user_id="ada", permissions=frozenset({"report", "echo"}), expires_at=NOW + 600
    )


def test_issued_token(new_authenticator: Any, issuer: Any) -> None:
    """What `issue_token` signs is accepted, with audience and issuer where they are asked for."""
    token = issue_token(
        issuer.private, user_id="ada", tenant_id="acme", permissions=["echo"], expires_in_s=60, now=NOW,
        audience="streamer", issuer="https://issuer",
    )  # fmt: skip
    authenticator = new_authenticator(jwt_audience="streamer", jwt_issuer="https://issuer")
    assert authenticator.authenticate(token).expires_at == NOW + 60


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"without": "exp"}, "missing_claim"),
        ({"without": "sub"}, "missing_claim"),
        ({"without": "tenant_id"}, "missing_claim"),
        ({"exp": NOW - 11}, "expired"),
        ({"exp": NOW - 10}, "expired"),
        ({"nbf": NOW + 11}, "not_yet_valid"),
        ({"iat": NOW + 61}, "issued_in_future"),
        ({"aud": "other"}, "wrong_audience"),
        ({"without": "aud"}, "wrong_audience"),
        ({"aud": ["a", "b"]}, "wrong_audience"),
        ({"aud": {"streamer": 1}}, "wrong_audience"),
        ({"iss": "other"}, "wrong_issuer"),
        ({"without": "iss"}, "wrong_issuer"),
        ({"tenant_id": ""}, "malformed_claim"),
        ({"tenant_id": 7}, "malformed_claim"),
        ({"tenant_id": "x" * 129}, "malformed_claim"),
        ({"tenant_id": "a\nb"}, "malformed_claim"),
        ({"sub": "a\x00b"}, "malformed_claim"),
        ({"sub": "a\x7f"}, "malformed_claim"),
        ({"sub": "a\u202eb"}, "malformed_claim"),
        ({"sub": "a\u2028b"}, "malformed_claim"),
        ({"sub": "\ud800"}, "malformed_claim"),
        ({"permissions": "echo"}, "malformed_claim"),
        ({"permissions": [1]}, "malformed_claim"),
        ({"permissions": {"echo": True}}, "malformed_claim"),
        ({"permissions": None}, "malformed_claim"),
        ({"exp": True}, "malformed_claim"),
        ({"exp": "soon"}, "malformed_claim"),
        ({"exp": float("nan")}, "malformed_claim"),
        ({"exp": float("inf")}, "malformed_claim"),
        ({"exp": 10**400}, "malformed_claim"),
        ({"nbf": []}, "malformed_claim"),
        ({"iat": {}}, "malformed_claim"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, dict) else value,
)
def test_refused_claims(
    new_authenticator: Any, issuer: Any, lines: Any, changes: dict[str, Any], reason: str
) -> None:
    """A claim that is missing, malformed or wrong refuses the token; only the log says which kind."""
    authenticator = new_authenticator(jwt_audience="streamer", jwt_issuer="https://issuer")
    issuer.claims |= {"aud": "streamer", "iss": "https://issuer"}
    without = changes.get("without")
    header = {"kid": "first", "alg": "RS256", "typ": "JWT"}
    claims = {name: value for name, value in (issuer.claims | changes).items() if name != without}
    key = RSAAlgorithm.from_jwk(json.dumps(issuer.private))
    token = jwt.PyJWS().encode(json.dumps(claims).encode(), key, "RS256", headers=header)
    with pytest.raises(Unauthorized) as caught:
        authenticator.authenticate(token)
    assert lines.facts("reason") == [reason]
    assert str(caught.value) == "The token was not accepted; connect with a valid one."
    assert caught.value.details == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 9.9},
        {"nbf": NOW + 10},
        {"iat": NOW + 60},
        {"aud": ["other", "streamer"]},
        {"tenant_id": "x" * 128},
        {"sub": "Zoë Ωmega 日本"},
        {"permissions": []},
    ],
    ids=str,
)
def test_accepted_at_the_edge(new_authenticator: Any, issuer: Any, changes: dict[str, Any]) -> None:
    """The leeway of 10 s, an `iat` 60 s ahead, one of many audiences, and long or foreign names pass."""
    issuer.claims["aud"] = "streamer"
    authenticator = new_authenticator(jwt_audience="streamer")
    assert authenticator.authenticate(issuer.sign(**changes)).expires_at > 0


def test_audience_and_issuer_unchecked(new_authenticator: Any, issuer: Any) -> None:
    """Without a setting any audience and any issuer pass."""
    assert new_authenticator().authenticate(issuer.sign(aud="x", iss="y")).user_id == "ada"


def test_tenant_not_allowed(new_authenticator: Any, issuer: Any, lines: Any) -> None:
    """A good token of a tenant that is not on the list is Forbidden, not Unauthorized."""
    authenticator = new_authenticator(allowed_tenants="globex, initech")
    with pytest.raises(Forbidden):
        authenticator.authenticate(issuer.sign())
    assert lines.facts("reason") == ["tenant_not_allowed"]
    assert authenticator.authenticate(issuer.sign(tenant_id="initech")).tenant_id == "initech"


def test_tenant_is_not_told_to_strangers(new_authenticator: Any, issuer: Any, other_issuer: Any) -> None:
    """A bad token of a tenant that is not allowed is Unauthorized: the list is not told to strangers."""
    authenticator = new_authenticator(allowed_tenants="globex")
    other_issuer.private = other_issuer.private | {"kid": "first"}
    with pytest.raises(Unauthorized):
        authenticator.authenticate(other_issuer.sign())
    with pytest.raises(Unauthorized):
        authenticator.authenticate(issuer.sign(exp=NOW - 100))


def test_wrong_signature(new_authenticator: Any, other_issuer: Any, lines: Any) -> None:
    """A token that another key signed in the name of a known one is refused."""
    other_issuer.private = other_issuer.private | {"kid": "first"}
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(other_issuer.sign())
    assert lines.facts("reason") == ["bad_signature"]


def test_changed_claims(new_authenticator: Any, issuer: Any, lines: Any) -> None:
    """A token whose claims were changed after signing is refused."""
    header, _, signature = issuer.sign().split(".")
    forged = f"{header}.{encoded(issuer.claims | {'tenant_id': 'globex'})}.{signature}"
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(forged)
    assert lines.facts("reason") == ["bad_signature"]


@pytest.mark.parametrize("kid", ["third", None, ""])
def test_unknown_key(new_authenticator: Any, issuer: Any, lines: Any, kid: str | None) -> None:
    """A token that names no key, or one that is not in a set of named keys, is refused."""
    key = RSAAlgorithm.from_jwk(json.dumps(issuer.private))
    token = jwt.encode(issuer.claims, key, "RS256", headers=None if kid is None else {"kid": kid})  # type: ignore[arg-type]
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(token)
    assert lines.facts("reason") == ["unknown_key"]


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS512", "ES256", "", None, 7, ["RS256"], {}])
def test_wrong_algorithm(new_authenticator: Any, issuer: Any, lines: Any, algorithm: object) -> None:
    """A token that claims an algorithm which is not configured is refused, whatever its signature."""
    token = f"{encoded({'alg': algorithm, 'kid': 'first'})}.{encoded(issuer.claims)}."
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(token)
    assert lines.facts("reason") == ["wrong_algorithm"]


def test_public_key_as_secret(new_authenticator: Any, issuer: Any, secret: Any, lines: Any) -> None:
    """The text of an RS256 public key, used as an HS256 secret, signs nothing where HS256 is allowed too."""
    secret.text = json.dumps({"keys": [*issuer.public["keys"], HMAC_KEY]})
    authenticator = new_authenticator(jwt_algorithms="RS256,HS256")
    public = RSAAlgorithm.from_jwk(json.dumps(issuer.public["keys"][0]))
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[union-attr]
    for material in (pem, pem.strip(), json.dumps(issuer.public["keys"][0]).encode()):
        signed = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(issuer.claims)}"
        signature = encoded(hmac.digest(material, signed.encode(), hashlib.sha256))
        with pytest.raises(Unauthorized):
            authenticator.authenticate(f"{signed}.{signature}")
    assert lines.facts("reason") == ["wrong_algorithm"] * 3


def test_shared_secret_where_configured(new_authenticator: Any, secret: Any, lines: Any) -> None:
    """An HS256 token is accepted where the setting says so, and refused where it does not."""
    secret.text = json.dumps({"keys": [HMAC_KEY]})
    token = issue_token(HMAC_KEY, user_id="ada", tenant_id="acme", now=NOW)
    assert new_authenticator(jwt_algorithms="HS256").authenticate(token).user_id == "ada"
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(token)
    assert lines.facts("reason") == ["wrong_algorithm"]


def test_default_key(new_authenticator: Any, issuer: Any, secret: Any) -> None:
    """A set's only key, if it has no name, verifies tokens that name none."""
    nameless = {name: value for name, value in issuer.public["keys"][0].items() if name != "kid"}
    secret.text = json.dumps({"keys": [nameless]})
    key = RSAAlgorithm.from_jwk(json.dumps(issuer.private))
    token = jwt.encode(issuer.claims, key, "RS256")  # type: ignore[arg-type]
    assert new_authenticator().authenticate(token).user_id == "ada"


@pytest.mark.parametrize(
    "token",
    [
        "x", "a.b", "a.b.c.d", "..", "a..c", "a.b.c", "é.é.é", "\ud800", "a b.c.d", "a.b.c\n",
        "e30.e30.e30", f"{encoded([1])}.e30.x", f"{encoded(b'[' * 3000)}.e30.x", "a" * (MAX_TOKEN_LENGTH + 1),
        f"{encoded({'alg': 'RS256', 'kid': 7})}.e30.x",
        f"{encoded({'alg': 'RS256', 'kid': 'first', 'crit': ['b64'], 'b64': False})}.e30.x",
        f"{encoded({'alg': 'RS256', 'kid': 'first', 'crit': ['exp']})}.e30.x",
    ],
    ids=lambda token: ascii(token)[:30],
)  # fmt: skip
def test_malformed_token(new_authenticator: Any, lines: Any, token: str) -> None:
    """What is no signed token at all is refused before any key is used."""
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(token)
    assert lines.facts("reason") in (["malformed_token"], ["wrong_algorithm"])


@pytest.mark.parametrize(
    "content", [b"[]", b"null", b"7", b"not json", b"\xff\xfe", b"[" * 3000, b"9" * 5000]
)
def test_signed_nonsense(new_authenticator: Any, issuer: Any, lines: Any, content: bytes) -> None:
    """A good signature over what is no set of claims is refused."""
    key = RSAAlgorithm.from_jwk(json.dumps(issuer.private))
    token = jwt.PyJWS().encode(content, key, "RS256", headers={"kid": "first"})
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(token)
    assert lines.facts("reason") == ["malformed_token"]


@pytest.mark.parametrize("token", [None, ""])
def test_missing_token(new_authenticator: Any, lines: Any, secret: Any, token: str | None) -> None:
    """No token is Unauthorized, and costs no look at the keys."""
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(token)
    assert lines.facts("reason") == ["missing_token"]
    assert secret.reads == 0


_SEGMENT = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=60).map(encoded),
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "exp", "sub", "tenant_id"]),
        st.one_of(
            st.none(), st.booleans(), st.floats(), st.text(max_size=8), st.just("RS256"), st.just("first")
        ),
    ).map(encoded),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(token=st.one_of(st.text(), st.tuples(_SEGMENT, _SEGMENT, _SEGMENT).map(".".join)))
def test_garbage(new_authenticator: Any, token: str) -> None:
    """Whatever comes instead of a token is Unauthorized; nothing else is ever raised."""
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(token)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_changed_character(new_authenticator: Any, issuer: Any, data: st.DataObject) -> None:
    """A token with one character changed, in any of its parts, is not accepted."""
    token = issuer.sign()
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_.+/= é"))
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(Unauthorized):
            new_authenticator().authenticate(changed)


def test_log_holds_no_token(new_authenticator: Any, issuer: Any, lines: Any) -> None:
    """Neither the token nor any part of it is in what is logged about it."""
    token = issuer.sign(exp=NOW - 100)
    with pytest.raises(Unauthorized):
        new_authenticator().authenticate(token)
    logged = " ".join(str(vars(record)) for record in lines.records)
    assert lines.facts("reason") == ["expired"]
    assert not any(part in logged for part in token.split("."))


@pytest.mark.parametrize("algorithms", ["", " , ", "RS257", "none", "RS256,none"])
def test_unusable_setting(new_authenticator: Callable[..., Authenticator], algorithms: str) -> None:
    """A setting with no algorithm or one that we do not know fails at the start."""
    with pytest.raises(ValueError):  # noqa: PT011  # the enum's own message
        new_authenticator(jwt_algorithms=algorithms)


@pytest.mark.parametrize(
    ("headers", "query", "token"),
    [
        ({"Authorization": "Bearer abc"}, None, "abc"),
        ({"authorization": "bearer abc"}, {"token": "def"}, "abc"),
        ({"AUTHORIZATION": "BEARER   abc  "}, None, "abc"),
        ({"Authorization": "Basic abc"}, {"token": "def"}, "def"),
        ({"Authorization": "Bearer "}, {"token": "def"}, "def"),
        ({"Authorization": "Bearer"}, None, None),
        ({"Authorization": "abc"}, None, None),
        ({"Host": "x"}, {"token": "def"}, "def"),
        ({}, {"token": ""}, None),
        (None, {"Token": "def"}, None),
        (None, None, None),
    ],
    ids=str,
)
def test_find_token(headers: Any, query: Any, token: str | None) -> None:
    """The token is in `Authorization: Bearer`, in any case, else in the query's `token`."""
    assert find_token(headers, query) == token


def test_generated_pair_keeps_its_secret() -> None:
    """The key set of a generated pair has the public half only, and it names the key and its algorithm."""
    private, public = generate_key_pair("k1")
    (key,) = public["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}
    assert (key["kid"], key["alg"], key["n"]) == ("k1", "RS256", private["n"])
    with pytest.raises(ValueError, match="private"):
        issue_token(key, user_id="ada", tenant_id="acme", now=NOW)


def test_logger_is_silent_about_good_tokens(new_authenticator: Any, issuer: Any, lines: Any) -> None:
    """A token that is accepted leaves one line about the fetched keys and none about itself."""
    new_authenticator().authenticate(issuer.sign())
    assert lines.facts("action") == ["auth.keys_fetched"]
    assert all(record.levelno == logging.INFO for record in lines.records)
