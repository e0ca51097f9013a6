"""What is wrong with the shape of a field, in words that translate: marshmallow says it in English only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.foundation.words import Message, say

# The ends of what 64 bits hold are no limits that a person should read.
_ENDLESS = r"-?9223372036854775807"

_WORDS: tuple[tuple[str, Message], ...] = (
    (r"Missing data for required field\.", say("This is missing.")),
    (r"Field may not be null\.", say("This may not be empty.")),
    (r"Unknown field\.", say("There is no such field.")),
    (r"Write a whole number, such as 12\.|Not a valid integer\.", say("Write a whole number, such as 12.")),
    (r"Not a valid (?:utf-8 )?string\.", say("Write text here.")),
    (r"Not a valid boolean\.", say("Answer with yes or no.")),
    (r"Not a valid date\.", say("Write a day that exists, such as 2026-11-24.")),
    (r"Not a valid (?:\w+ )?datetime\.", say("Write a day and time that exist, such as 2026-11-24T08:30:00+01:00.")),
    (r"Not a valid time\.", say("Write a time, such as 8:30.")),
    (r"Not a valid list\.", say("A list belongs here.")),
    (r"Not a valid UUID\.", say("Write an identifier of 32 hexadecimal digits.")),
    (r"Not a valid (?:mapping type|number)\.", say("Another kind of value belongs here.")),
    (r"Invalid (?:input )?type\.|Invalid value\.", say("Another kind of value belongs here.")),
    (
        rf"Must be greater than or equal to {_ENDLESS} and less than or equal to {_ENDLESS}\.",
        say("Write a whole number, such as 12."),
    ),
    (
        rf"Must be greater than or equal to (?P<least>-?[\d.]+) and less than or equal to {_ENDLESS}\.",
        say("At least %(least)s."),
    ),
    (
        rf"Must be greater than or equal to {_ENDLESS} and less than or equal to (?P<most>-?[\d.]+)\.",
        say("At most %(most)s."),
    ),
    (
        r"Must be greater than or equal to (?P<least>-?[\d.]+) and less than or equal to (?P<most>-?[\d.]+)\.",
        say("Between %(least)s and %(most)s."),
    ),
    (r"Must be greater than or equal to (?P<least>-?[\d.]+)\.", say("At least %(least)s.")),
    (r"Must be less than or equal to (?P<most>-?[\d.]+)\.", say("At most %(most)s.")),
    (r"Longer than maximum length (?P<most>\d+)\.", say("Too long: at most %(most)s.")),
    (r"Shorter than minimum length 1\.", say("This is missing.")),
    (r"Shorter than minimum length (?P<least>\d+)\.", say("Too short: at least %(least)s.")),
    (r"Length must be between 1 and (?P<most>\d+)\.", say("This is missing, or longer than %(most)s.")),
    (r"Length must be between (?P<least>\d+) and (?P<most>\d+)\.", say("Length: %(least)s to %(most)s.")),
    (r"Length must be (?P<exact>\d+)\.", say("Length: %(exact)s.")),
    (r"Must be one of: (?P<choices>.*)\.", say("One of these: %(choices)s.")),
    (r"Must not be one of: .*", say("This is not possible here.")),
    (
        r"The text holds a character that cannot be stored\. .*",
        say("The text holds a character that cannot be stored. Type it again, or paste it as plain text."),
    ),
)
_FOUND = tuple((re.compile(pattern, re.DOTALL), message) for pattern, message in _WORDS)


def in_words(text: str) -> Message:
    """Return the sentence that says the same and has a translation; one that is not known here stays as it is."""
    for pattern, message in _FOUND:
        found = pattern.fullmatch(text)
        if found:
            return Message(message.text, {name: _fact(value) for name, value in found.groupdict().items()})
    return Message(text)


def _fact(value: str) -> Any:
    return int(value) if re.fullmatch(r"-?\d{1,18}", value) else value


def all_in_words(messages: Any) -> Any:
    """Return a tree of errors with each sentence in words that translate."""
    if isinstance(messages, str):
        return in_words(messages)
    if isinstance(messages, Mapping):
        return {name: all_in_words(said) for name, said in messages.items()}
    if isinstance(messages, list | tuple):
        return [all_in_words(said) for said in messages]
    return messages
