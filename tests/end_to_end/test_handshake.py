"""Who may connect is decided at the handshake, and nothing is said about why not."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from emulator import Sandbox
from streamer.auth.development import generate_key_pair, issue_token
from streamer.clients.python import ConnectionRefused


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {"sub": "demo", "tenant_id": "demo", "permissions": [], "iat": now, "exp": now + 3600} | changes
    return {name: value for name, value in whole.items() if value is not None}


class Forger:
    """Makes tokens that must not be accepted."""

    def __init__(self, sandbox: Sandbox) -> None:
        def secret(name: str) -> Any:
            return json.loads(sandbox.boto3("secretsmanager").get_secret_value(SecretId=name)["SecretString"])

        self.good = sandbox.token()
        self.expired = sandbox.token(expires_in_s=-60)
        self.private = secret("streamer/development-key")
        [self.public] = secret("streamer/jwt-keys")["keys"]

    def wrong_key(self, kid: str) -> str:
        """A token signed by somebody else's key, which has the right name."""
        stranger, _ = generate_key_pair(kid)
        return issue_token(stranger, user_id="demo", tenant_id="demo", now=time.time())

    def signed(self, **changes: Any) -> str:
        """A token of the right key with other claims; None leaves one out."""
        key = RSAAlgorithm.from_jwk(json.dumps(self.private))
        return jwt.encode(claims(**changes), key, "RS256", headers={"kid": self.private["kid"]})

    def unsigned(self, algorithm: str) -> str:
        return f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': self.public['kid']})}.{part(claims())}."

    def confused(self, secret: bytes) -> str:
        """A token that takes public text for a shared secret."""
        head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': self.public['kid']})}.{part(claims())}"
        signature = hmac.digest(secret, head.encode(), hashlib.sha256)
        return f"{head}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    @property
    def public_pem(self) -> bytes:
        key = RSAAlgorithm.from_jwk(json.dumps(self.public))
        assert isinstance(key, RSAPublicKey)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


BAD: dict[str, Callable[[Forger], str | None]] = {
    "no token": lambda forger: None,
    "empty": lambda forger: "",
    "garbage": lambda forger: "garbage",
    "three parts of garbage": lambda forger: "a.b.c",
    "expired": lambda forger: forger.expired,
    "wrong key of the right name": lambda forger: forger.wrong_key("development"),
    "wrong key of another name": lambda forger: forger.wrong_key("stranger"),
    "tampered signature": lambda forger: forger.good[:-8] + "AAAAAAAA",
    "tampered claims": lambda forger: ".".join(
        [forger.good.split(".")[0], part(claims(tenant_id="other")), forger.good.split(".")[2]]
    ),
    "algorithm none": lambda forger: forger.unsigned("none"),
    "algorithm NONE": lambda forger: forger.unsigned("NoNe"),
    "HS256 with the public key as PEM": lambda forger: forger.confused(forger.public_pem),
    "HS256 with the public key as JWK": lambda forger: forger.confused(json.dumps(forger.public).encode()),
    "HS256 with the modulus": lambda forger: forger.confused(forger.public["n"].encode()),
    "no exp": lambda forger: forger.signed(exp=None),
    "no sub": lambda forger: forger.signed(sub=None),
    "no tenant": lambda forger: forger.signed(tenant_id=None),
    "empty tenant": lambda forger: forger.signed(tenant_id=""),
    "not yet valid": lambda forger: forger.signed(nbf=int(time.time()) + 3600),
}


@pytest.fixture(scope="module")
def forger(sandbox: Sandbox) -> Forger:
    return Forger(sandbox)


async def refusal(dial: Any, url: str, token: str | None) -> tuple[int, bytes, str]:
    """Return status, body and type of error of a handshake that is refused."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        await dial(url, token)
    response = refused.value.response
    return (
        response.status_code,
        bytes(response.body or b""),
        response.headers.get("x-amzn-ErrorType", ""),
    )


@pytest.mark.parametrize("case", BAD)
async def test_bad_token_is_refused_at_the_handshake(
    sandbox: Sandbox, dial: Any, forger: Forger, case: str
) -> None:
    """Whatever is wrong with a token, the handshake is answered 401 with the same few words."""
    status, body, kind = await refusal(dial, sandbox.addresses.websocket, BAD[case](forger))
    assert (status, json.loads(body), kind) == (401, {"message": "Unauthorized"}, "UnauthorizedException")


async def test_bad_token_in_the_query_is_refused_too(sandbox: Sandbox, dial: Any, forger: Forger) -> None:
    """A token in the query is checked as one in the header is."""
    for token in ("garbage", forger.expired, forger.unsigned("none")):
        status, _, _ = await refusal(dial, f"{sandbox.addresses.websocket}?token={token}", None)
        assert status == 401


async def test_token_of_the_right_key_is_accepted(sandbox: Sandbox, dial: Any, forger: Forger) -> None:
    """The forger's own way of signing is accepted with good claims: it is the claims that are refused."""
    wire = await dial(sandbox.addresses.websocket, forger.signed())
    assert (await wire.ask({"action": "echo"}))["type"] == "response"


async def test_client_says_what_to_do(sandbox: Sandbox) -> None:
    """The client's error carries status and code, tells to get a new token, and doesn't show the token."""
    token = sandbox.token(expires_in_s=-60)
    with pytest.raises(ConnectionRefused) as refused:
        await sandbox.connect(token=token)
    assert (refused.value.status, refused.value.code, refused.value.retryable) == (
        401,
        "UNAUTHORIZED",
        False,
    )
    assert "token" in str(refused.value)
    assert token.split(".")[2] not in f"{refused.value!r}{refused.value.__cause__!r}"


async def test_reason_is_logged_as_a_code_word(
    sandbox: Sandbox, dial: Any, forger: Forger, log_lines: Any
) -> None:
    """Why a token was refused stands in `$connect`'s log only, as one word."""
    await refusal(dial, sandbox.addresses.websocket, forger.expired)
    lines = await log_lines(sandbox, "connect", action="auth.refused")
    assert lines[-1]["reason"].replace("_", "").isalpha()
    assert "expired" in lines[-1]["reason"].lower()


async def test_refused_client_leaves_nothing(sandbox: Sandbox, dial: Any, stored: Any, person: Any) -> None:
    """A connection that was refused is stored nowhere."""
    token = sandbox.token(person.user, person.tenant, expires_in_s=-60)
    await refusal(dial, sandbox.addresses.websocket, token)
    assert not await stored.connections_of(person)


async def test_path_that_is_no_stage_is_refused(sandbox: Sandbox, dial: Any, forger: Forger) -> None:
    """A path that is no stage of the API is refused before anybody's token is looked at."""
    url = sandbox.addresses.websocket.rsplit("/", 1)[0] + "/other"
    status, _, _ = await refusal(dial, url, forger.good)
    assert status == 403


async def test_many_refusals_do_not_wear_it_out(sandbox: Sandbox, dial: Any, forger: Forger) -> None:
    """After many refused handshakes at once a good one is let in."""
    url = sandbox.addresses.websocket
    answers = await asyncio.gather(*(refusal(dial, url, "garbage") for _ in range(30)))
    assert {status for status, _, _ in answers} == {401}
    assert (await (await dial(url, forger.good)).ask({"action": "echo"}))["type"] == "response"
