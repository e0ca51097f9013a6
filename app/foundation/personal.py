"""Personal data at rest: each record has its own key, so that destroying the key erases the record everywhere.

Sealed: encrypted with AES-GCM under the record's key, bound to its table and column.
Record key: kept wrapped under a master key; without its row nobody reads the record again, backups included.
Blind index: a keyed hash that finds equal values without storing them.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from typing import Any, overload
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.foundation.database import Base
from app.foundation.text import fold

_NONCE_BYTES = 12


class Keyring:
    """The master keys, newest first, and the key of the blind index."""

    def __init__(self, master_keys: Mapping[str, bytes], index_key: bytes) -> None:
        assert master_keys, "a keyring needs at least one master key"
        self.master_keys = dict(master_keys)
        self.newest = next(iter(self.master_keys))
        self.index_key = index_key

    def wrap(self, key: bytes, record: UUID) -> tuple[str, bytes]:
        """Return (master key id, wrapped key)."""
        return self.newest, _seal(self.master_keys[self.newest], key, record.bytes)

    def unwrap(self, key_id: str, wrapped: bytes, record: UUID) -> bytes:
        """Return the record's key."""
        return _open(self.master_keys[key_id], wrapped, record.bytes)


_keyring: Keyring | None = None


def use_keyring(keyring: Keyring) -> None:
    """Give this process its master keys; called once at start."""
    global _keyring
    _keyring = keyring


def keyring() -> Keyring:
    """Return the keys of this process."""
    assert _keyring is not None, "use_keyring() is called before personal data is touched"
    return _keyring


def blind(*values: str) -> str:
    """Return the blind index of the values: equal for equal folded values, telling nothing without the key."""
    joined = "\x1f".join(fold(value) for value in values)
    return hmac.new(keyring().index_key, joined.encode(), hashlib.sha256).hexdigest()


class PersonalKey(Base):
    """The wrapped key of one record. Deleting the row erases the record's personal data for good."""

    __tablename__ = "personal_key"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    master_key: Mapped[str]
    wrapped: Mapped[bytes]

    @classmethod
    def new(cls) -> PersonalKey:
        """Make a fresh random key, wrapped under the newest master key."""
        record = uuid4()
        master_key, wrapped = keyring().wrap(secrets.token_bytes(32), record)
        return cls(id=record, master_key=master_key, wrapped=wrapped)

    def secret(self) -> bytes:
        """Return the key itself."""
        return keyring().unwrap(self.master_key, self.wrapped, self.id)


class HasPersonalData:
    """Mixin for a table with sealed columns."""

    @declared_attr
    def personal_key_id(cls) -> Mapped[UUID | None]:  # noqa: N805
        """Point to the record's key; none until something personal is written, and after erasure."""
        return mapped_column(ForeignKey("personal_key.id", ondelete="SET NULL"), unique=True)

    @declared_attr
    def personal_key(cls) -> Mapped[PersonalKey | None]:  # noqa: N805
        """Return the record's key, fetched with the record."""
        return relationship(PersonalKey, lazy="joined")


class PersonalText:
    """An attribute whose text is kept sealed in the bytes column ``<name>_sealed``.

    >>> class Household(HasPersonalData, Base):
    ...     phone = PersonalText()
    ...     phone_sealed: Mapped[bytes | None]
    """

    name: str
    table: str

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name
        self.table = owner.__tablename__

    @overload
    def __get__(self, record: None, owner: type[Any]) -> PersonalText: ...
    @overload
    def __get__(self, record: Any, owner: type[Any]) -> str | None: ...
    def __get__(self, record: Any, owner: type[Any]) -> PersonalText | str | None:
        if record is None:
            return self
        sealed = getattr(record, f"{self.name}_sealed")
        if sealed is None or record.personal_key is None:
            return None
        return _open(record.personal_key.secret(), sealed, self._bound_to(record)).decode()

    def __set__(self, record: Any, value: str | None) -> None:
        if value and record.personal_key is None:
            record.personal_key = PersonalKey.new()
        sealed = _seal(record.personal_key.secret(), value.encode(), self._bound_to(record)) if value else None
        setattr(record, f"{self.name}_sealed", sealed)

    def _bound_to(self, record: Any) -> bytes:
        key: PersonalKey = record.personal_key
        return f"{self.table}.{self.name}.".encode() + key.id.bytes


def _seal(key: bytes, clear: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, clear, bound_to)


def _open(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
