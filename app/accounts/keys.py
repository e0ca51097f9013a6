"""Keys, passwords and codes: making them, and proving that somebody knows them. What is stored gives none of them away.

Key: 256 random bits that a browser or a program carries; only its SHA-256 is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.foundation.personal import keyring

PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 256
CODE_SECONDS = 30
TOKEN_START = "ab_"  # noqa: S105  # the start of every token is no secret
ISSUER = "Adománybank"

# OWASP's second recommendation for Argon2id: 19 MiB, two rounds, so that many may sign in at once on a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verified where there is no such account, so that an answer takes as long as for a wrong password.
_NOBODYS = _HASHER.hash(secrets.token_hex(16))


def plain_email(email: str) -> str:
    """Return an address as accounts are kept and counted by."""
    return email.strip().lower()


def new_key() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """Return what is stored of a key. A key is random, so a fast hash keeps it as secret as a slow one."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def hash_password(password: str) -> str:
    """Return the Argon2id hash."""
    return _HASHER.hash(password)


def password_fits(password: str, stored: str | None) -> bool:
    """Tell whether the password is right; takes the same time where there is none stored."""
    try:
        _HASHER.verify(stored or _NOBODYS, password[:PASSWORD_CHARACTERS_MAX])
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
    return stored is not None


def hash_is_old(stored: str) -> bool:
    """Tell whether the hash was made with weaker settings than today's."""
    return _HASHER.check_needs_rehash(stored)


def password_is_weak(password: str, email: str) -> bool:
    """Tell whether the password is too short, too uniform, or holds the e-mail's name."""
    name = email.partition("@")[0].casefold()
    return (
        not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX
        or len(set(password)) < 5
        or (len(name) > 3 and name in password.casefold())
    )


def keyed(purpose: str, *values: str) -> str:
    """Return a keyed hash of the values, of use for this purpose only."""
    joined = "\x1f".join((purpose, *values))
    return hmac.new(keyring().index_key, joined.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def new_totp_secret() -> str:
    """Return a fresh secret for one-time codes."""
    return pyotp.random_base32()


def totp_address(secret: str, email: str) -> str:
    """Return the ``otpauth://`` address that an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def totp_now(secret: str, now: datetime) -> str:
    """Return the code that holds now; for tests and for the panel of demo accounts."""
    return pyotp.TOTP(secret).at(int(now.timestamp()))


def totp_unused(secret: str, last_slot: int | None, now: datetime) -> str:
    """Return a code that is taken now; the next one's if the present one was used."""
    present = int(now.timestamp()) // CODE_SECONDS
    return pyotp.TOTP(secret).generate_otp(min(max(present, (last_slot or 0) + 1), present + 1))


def totp_slot(secret: str, code: str, now: datetime) -> int | None:
    """Return the time slot in which the code holds: this one, or its neighbours; None: it does not."""
    typed = "".join(code.split())
    if len(typed) != 6 or not (typed.isascii() and typed.isdigit()):
        return None
    present = int(now.timestamp()) // CODE_SECONDS
    totp = pyotp.TOTP(secret)
    fitting = [
        slot for slot in (present - 1, present, present + 1) if hmac.compare_digest(totp.generate_otp(slot), typed)
    ]
    return fitting[-1] if fitting else None


def sign_link(user_id: int, expires_at: datetime, fingerprint: str) -> str:
    """Return a link's last part: it names the user, and holds until used or expired."""
    expires = int(expires_at.timestamp())
    return f"{user_id}.{expires}.{_short(keyed('invitation', str(user_id), str(expires), fingerprint))}"


def read_link(text: str) -> tuple[int, int] | None:
    """Return (user id, expiry in seconds) as the link claims; proved by :func:`link_holds`."""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])


def link_holds(text: str, fingerprint: str, now: datetime) -> bool:
    """Tell whether the link is ours, unused and in time."""
    read = read_link(text)
    if read is None:
        return False
    user_id, expires = read
    right = f"{user_id}.{expires}.{_short(keyed('invitation', str(user_id), str(expires), fingerprint))}"
    return hmac.compare_digest(right, text) and expires >= now.timestamp()


def _short(hexadecimal: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(hexadecimal)).decode().rstrip("=")
