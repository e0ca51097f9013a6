"""Sentences that business code says and the edge translates.

Message: an English sentence with named facts.  A plain value: it can be stored as JSON and said later in any language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Message:
    """A sentence and its facts. ``text`` is the English sentence and the key of its translation."""

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the sentence in English."""
        return self.text % {name: str(fact) for name, fact in self.facts.items()} if self.facts else self.text

    def to_json(self) -> dict[str, Any]:
        """Return a value that JSON can keep; nested messages are kept as messages."""
        facts = {name: _plain(fact) for name, fact in self.facts.items()}
        return {"text": self.text, "facts": facts}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Message:
        """Read back what :meth:`to_json` wrote."""
        facts = {
            name: cls.from_json(fact) if isinstance(fact, Mapping) and "text" in fact else fact
            for name, fact in stored.get("facts", {}).items()
        }
        return cls(stored["text"], facts)


def _plain(fact: Any) -> Any:
    if isinstance(fact, Message):
        return fact.to_json()
    return fact if isinstance(fact, int | float | str | bool | None) else str(fact)


def say(text: str, **facts: Any) -> Message:
    """Make a message; ``text`` is found by the translation tools through this call."""
    return Message(text, facts)
