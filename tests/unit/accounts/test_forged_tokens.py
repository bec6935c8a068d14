"""Tokens that somebody made: confused algorithms, keys that the token names itself, odd numbers and odd letters."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from drumbeat import clock, ids, limits
from drumbeat.accounts import tokens
from drumbeat.accounts.model import User

from tests.unit.accounts.people import me
from tests.unit.accounts.test_tokens import kid, part, pem
from tests.world import World

# The order of the group of P-256 (FIPS 186-4, D.1.2.3): with (r, s) also (r, n - s) is a signature of the same text.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def claims(world: World) -> dict[str, Any]:
    """The claims of a token that works, of an analyst of acme."""
    user_id = ids.new("usr")
    user = User(
        *User.key("ten_acme", user_id), gsi1pk="USERS#ten_acme", gsi1sk="ann", tenant="ten_acme", user=user_id,
        number=1, email="ann@acme.example", role="analyst", state="active", session=1, created_at=clock.wall(),
    )  # fmt: skip
    user.create()
    token, _ = tokens.issued(user, clock.wall())
    assert me(world, token).status == 200
    return dict(jwt.decode(token, options={"verify_signature": False}))


def signed_with(secret: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{part(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def test_our_public_key_in_any_form_is_no_secret(world: World, claims: dict[str, Any]) -> None:
    """HS256 with what everybody can know: PEM, DER, point, JWK, with every kind of line end."""
    key = load_pem_public_key(pem().encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key)
    forms = [
        pem().encode(),
        pem().strip().encode(),
        pem().replace("\n", "\r\n").encode(),
        "".join(pem().splitlines()[1:-1]).encode(),
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        jwk.encode(),
        json.dumps(json.loads(jwk), separators=(",", ":")).encode(),
        kid().encode(),
        b"",
    ]
    for secret in forms:
        for name in ("HS256", "hs256"):
            header = {"alg": name, "kid": kid(), "typ": "JWT"}
            assert me(world, signed_with(secret, header, {**claims, "role": "admin"})).status == 401


def test_another_asymmetric_algorithm(world: World, claims: dict[str, Any]) -> None:
    other = rsa.generate_private_key(65537, 2048)
    for algorithm in ("RS256", "PS256"):
        assert me(world, jwt.encode(claims, other, algorithm, headers={"kid": kid()})).status == 401
    curve = ec.generate_private_key(ec.SECP384R1())
    assert me(world, jwt.encode(claims, curve, "ES384", headers={"kid": kid()})).status == 401


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../../dev/null"}, {"kid": "/proc/self/environ"}, {"kid": "x' OR '1'='1"}, {"kid": None},
        {"kid": ["k"]}, {"kid": {}}, {"kid": 7}, {"alg": None}, {"alg": 7}, {"alg": ["ES256"]}, {"alg": "es256"},
        {"alg": "ES256K"}, {"alg": "EdDSA"}, {"alg": ""}, {"crit": ["exp"]}, {"crit": 7},
        {"b64": False, "crit": ["b64"]}, {"x5c": ["AAAA"]},
        {"jku": "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next"},
    ],
)  # fmt: skip
def test_a_header_that_says_something_else(world: World, claims: dict[str, Any], header: dict[str, Any]) -> None:
    """With nothing but an empty or a foreign signature; nothing is fetched, and no file is read."""
    said = {"alg": "ES256", "kid": kid(), "typ": "JWT", **header}
    for signature in (b"", b"\0" * 64, b"\xff" * 64):
        assert me(world, f"{part(said)}.{part(claims)}.{part(signature)}").status == 401


@pytest.mark.parametrize(
    "change",
    [
        {"nbf": 600}, {"iat": 600}, {"exp": -1}, {"exp": -(10**12)},
    ],
)  # fmt: skip
def test_a_token_of_another_time(world: World, claims: dict[str, Any], change: dict[str, int]) -> None:
    now = int(clock.wall().timestamp())

    assert me(world, tokens.signed({**claims, **{name: now + by for name, by in change.items()}})).status == 401


@pytest.mark.parametrize("change", [{"session": 1e400}, {"exp": 1e400}, {"exp": None}, {"session": -1}, {"sub": ""}])
def test_numbers_that_are_none(world: World, claims: dict[str, Any], change: dict[str, Any]) -> None:
    assert me(world, tokens.signed({**claims, **change})).status == 401


def test_a_claim_that_comes_twice_is_as_signed(world: World, claims: dict[str, Any]) -> None:
    """Without our key nobody doubles a claim; and what is read first is what counts later."""
    header, _, signature = tokens.signed(claims).split(".")
    doubled = json.dumps(claims)[:-1] + ', "tenant": "ten_globex", "role": "admin"}'

    assert me(world, f"{header}.{part(doubled.encode())}.{signature}").status == 401


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + ".",
        lambda token: "." + token,
        lambda token: token + ".x",
        lambda token: token.rsplit(".", 1)[0] + ".",
        lambda token: token.rsplit(".", 1)[0],
        lambda token: token[:-4],
        lambda token: token.replace(".", "..", 1),
        lambda token: token + "\u00e9",
        lambda token: token + "\ud800",
        lambda token: token + "A" * 100_000,
        lambda token: "A" * 10_000_000,
        lambda token: base64.urlsafe_b64encode(b"[" * 6000).decode() + token,
        lambda token: "db_live_" + token,
    ],
    ids=range(13),
)
def test_a_token_with_something_more_or_less(
    world: World, claims: dict[str, Any], change: Callable[[str], str]
) -> None:
    assert me(world, change(tokens.signed(claims))).status == 401


def test_blanks_around_a_token_change_nothing(world: World, claims: dict[str, Any]) -> None:
    assert me(world, f"  {tokens.signed(claims)} ").status == 200


def test_the_other_form_of_a_signature_is_the_same_credential(world: World, claims: dict[str, Any]) -> None:
    """ECDSA is malleable, so no text of a token is a key of anything: not of a window, not of a reply."""
    token = tokens.signed(claims)
    text, raw = token.rsplit(".", 1)[0], base64.urlsafe_b64decode(token.rsplit(".", 1)[1] + "==")
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    assert decode_dss_signature(encode_dss_signature(r, s)) == (r, s)
    twin = f"{text}.{part(r.to_bytes(32, 'big') + (ORDER - s).to_bytes(32, 'big'))}"

    first, second = me(world, token), me(world, twin)

    assert (first.status, second.status) == (200, 200)
    assert first.data["actor"] == second.data["actor"]
    left = [int(reply.headers["X-RateLimit-Remaining"]) for reply in (first, second)]
    assert left[1] == left[0] - 1 or left[1] > left[0]  # or a new minute has begun


@pytest.mark.parametrize("key", ["db_live_\u00e9_x", "db_live_x_\ud800", "db_live_\ud800_x", "db_live_" + "x" * 9000])
def test_keys_of_odd_letters(world: World, key: str) -> None:
    assert world.call("accounts.get_me", tenant=None, headers={"X-API-Key": key}).status == 401


def test_every_secret_is_compared_in_constant_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for a key that there is not: the whole hash of what was sent, by hmac.compare_digest."""
    compare, compared = hmac.compare_digest, list[tuple[int, int]]()

    def watched(one: Any, other: Any) -> bool:
        compared.append((len(one), len(other)))
        return bool(compare(one, other))

    monkeypatch.setattr(hmac, "compare_digest", watched)
    good = world.keys["acme"]
    for key in (good[:-1], "db_live_nobody_secret", "db_live_", good + "x" * 500):
        assert world.call("accounts.get_me", tenant=None, headers={"X-API-Key": key}).status == 401

    assert compared == [(64, 64)] * 4


def test_guesses_at_keys_leave_nothing_behind(world: World) -> None:
    """A guess costs one read, and no row of a window: nobody fills the table with names of keys."""
    before = os.environ["JWT_KEYS"]
    for number in range(50):
        reply = world.call("accounts.get_me", tenant=None, headers={"X-API-Key": f"db_live_{number}_x"})
        assert reply.status == 401
        assert "X-RateLimit-Limit" not in reply.headers

    assert not limits._full
    assert os.environ["JWT_KEYS"] == before
