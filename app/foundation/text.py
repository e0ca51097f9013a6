"""Text as people write it: folded for sorting and search, cleaned of what no database can keep."""

from __future__ import annotations

import re
import unicodedata

from app.foundation.errors import Invalid
from app.foundation.words import say

# Letters that Unicode does not take apart.
_WHOLE = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_CONTROL = {code: None for code in range(32) if code not in (9, 10, 13)}


def fold(text: str) -> str:
    """Return a key that ignores case, accents and repeated spaces: "Csenyéte " and "CSENYETE" are one."""
    bare = unicodedata.normalize("NFKD", text.casefold().translate(_WHOLE))
    kept = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w]+", " ", kept).split())


def sort_key(text: str) -> str:
    """Return the key lists are ordered by: folded first, the written form breaking ties."""
    return f"{fold(text)} {text}"


def tidy(text: str) -> str:
    """Return the text in one Unicode form, trimmed; refuse what cannot be stored (NUL, lone surrogates)."""
    if "\x00" in text or any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        sentence = say("The text holds a character that cannot be stored. Type it again, or paste it as plain text.")
        raise Invalid(sentence)
    return unicodedata.normalize("NFC", text.translate(_CONTROL)).strip()
