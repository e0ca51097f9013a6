"""Warns who writes free text about a family: some things must not be kept here, however well meant.

It looks for words of origin, religion, nationality, mother tongue and illness, and for numbers of documents. It
only warns: whoever has looked at the text may send it. The text itself is never logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.foundation.text import fold
from app.foundation.words import Message, say


class Kind(StrEnum):
    """What a word tells that must not be kept."""

    ORIGIN = "origin"
    RELIGION = "religion"
    NATIONALITY = "nationality"
    LANGUAGE = "language"
    ILLNESS = "illness"
    DOCUMENT = "document"


TITLES: dict[Kind, Message] = {
    Kind.ORIGIN: say("ethnic origin"),
    Kind.RELIGION: say("religion"),
    Kind.NATIONALITY: say("nationality"),
    Kind.LANGUAGE: say("mother tongue"),
    Kind.ILLNESS: say("illness"),
    Kind.DOCUMENT: say("number of a document"),
}


@dataclass(frozen=True)
class Finding:
    """A word of the text as it was written, and what it tells."""

    kind: Kind
    word: str


# Beginnings of folded words: Hungarian puts its endings after them.
_ALWAYS: dict[Kind, tuple[str, ...]] = {
    Kind.ORIGIN: (
        "cigany", "roma", "romak", "romani", "olah", "beas", "szinti", "zsido", "gypsy", "gypsies", "jew", "jewish",
        "etnik", "etnikai", "szarmazas", "kisebbseg", "nemzetiseg", "ethnic", "sotet bor", "szinesbor", "fekete bor",
    ),
    Kind.RELIGION: (
        "vallas", "katolikus", "reformatus", "evangelikus", "baptista", "muszlim", "muzulman", "iszlam", "izraelita",
        "ortodox", "gorogkatolikus", "jehova", "adventista", "hitgyulekezet", "buddhista", "hindu", "ateista",
        "szektas", "hivo csalad", "istenhivo", "catholic", "protestant", "muslim", "islam", "religio", "christian",
        "kereszteny", "metodista", "unitarius", "punkosdi", "krisna",
    ),
    Kind.NATIONALITY: (
        "allampolgar", "menekult", "menedekkero", "bevandorlo", "kulfoldi szarmaz", "hontalan", "refugee",
        "citizenship", "immigrant", "asylum", "nationality", "migrans",
    ),
    Kind.LANGUAGE: ("anyanyelv", "mother tongue", "nem beszel magyar", "lovari", "nem tud magyarul", "native language"),
    Kind.ILLNESS: (
        "diabet", "cukorbeteg", "skizofren", "depresszi", "epilepszi", "autist", "autizmus", "daganat", "rakos",
        "leukemi", "hiv pozitiv", "hepatitis", "alkoholist", "alkoholbeteg", "drogfugg", "szenvedelybeteg", "asztma",
        "pszichiatri", "demenci", "alzheimer", "tuberkulozis", "tbc", "magas vernyomas", "szivbeteg", "vesebeteg",
        "dializis", "kemoterapi", "hiv-", "cancer", "diabetes", "schizophren", "epilep", "asthma",
        "mental illness", "elmebeteg", "szellemi fogyat", "ertelmi fogyat", "down kor", "down szindrom",
    ),
}  # fmt: skip

# Nationalities are also names of things (a French bed): they count beside a word for people, or as a plural.
_PEOPLES = (
    "roman", "ukran", "szerb", "szlovak", "horvat", "szloven", "nemet", "osztrak", "lengyel", "orosz", "torok", "arab",
    "sziriai", "szir", "afgan", "iraki", "irani", "pakisztani", "indiai", "kinai", "vietnami", "nigeriai", "szomali",
    "albanok", "alban", "bolgar", "gorog", "ormeny", "ruszin", "svab", "afrikai", "romanian", "ukrainian", "serbian",
    "syrian", "afghan", "african", "chinese", "russian", "turkish",
)  # fmt: skip
_PERSONS = (
    "csalad", "anya", "apa", "ferfi", "no", "nok", "asszony", "ember", "gyerek", "gyermek", "haztartas", "szarmazas",
    "ajku", "nyelvu", "nemzetiseg", "szulo", "lakos", "par", "hazaspar", "nagymama", "nagyszulo", "lany", "fiu",
    "family", "man", "woman", "mother", "father", "people", "parents", "speaking", "speak", "child",
)  # fmt: skip

# Said before the word is judged: compounds and institutions in which the same letters tell nothing of the family.
_HARMLESS = re.compile(
    r"\b(?:cigany ?(?:meggy|kerek|petrezselyem|pecsenye)\w*"
    r"|zsido ?cseresznye\w*"
    r"|(?:gorog ?)?(?:katolikus|reformatus|evangelikus|baptista|kereszteny|izraelita|catholic|protestant|metodista)\w*"
    r" (?:\w+ )?(?:ovoda|iskola|altalanos|gimnazium|otthon|karitasz|szeretetszolgalat|templom|plebania|parokia"
    r"|gyulekezeti|egyhaz|kozpont|segelyszervezet|diakonia|intezmeny|szallo|school|kindergarten|parish|church)\w*"
    r"|roma(?:i)?(?: (?:ut|utca|part|furdo|ter)\w*)|romai\w*"
    r"|ortodox ?(?:templom|ter|utca)\w*|olah (?:gyorgy|imre|janos|miklos)\w*"
    r"|allampolgari (?:jog|ismeret)\w*"
    r"|diabetikus (?:liszt|cukor|elelmiszer|lekvar)\w*)\b"
)

_NUMBERS = (
    re.compile(r"(?<!\d)\d{3}[ -]\d{3}[ -]\d{3}(?!\d)"),  # social security (TAJ)
    re.compile(r"(?<!\d)(?!20|30|31|50|70)\d{9}(?!\d)"),  # the same in one, unless it begins like a mobile phone
    re.compile(r"\b\d{6}[ -]?[A-Za-z]{2}\b"),  # identity card
    re.compile(r"\b[A-Za-z]{2}[ -]?\d{6}\b"),  # older identity card, passport
    re.compile(r"(?<!\d)8\d{9}(?!\d)"),  # tax identifier
    re.compile(r"(?<!\d)[1-8][ -]\d{6}[ -]\d{4}(?!\d)"),  # personal identifier
)
_PHONE = re.compile(r"(?:\+|\b00|\b06)[\d ()/-]{8,}")


def check(text: str | None) -> list[Finding]:
    """Return what the writer should look at again, in the order of the text's words; an empty list means: nothing."""
    if not text:
        return []
    found = dict.fromkeys((*_words(text), *_numbers(text)))
    return list(found)


def kinds(texts: Iterable[str | None]) -> list[Kind]:
    """Return the kinds found in several texts, each once."""
    return list(dict.fromkeys(finding.kind for text in texts for finding in check(text)))


def _words(text: str) -> Iterable[Finding]:
    folded = _HARMLESS.sub(" ", fold(text))
    for kind, beginnings in _ALWAYS.items():
        for beginning in beginnings:
            for found in re.finditer(rf"\b{re.escape(beginning)}\w*", folded):
                if _really(beginning, found.group()):
                    yield Finding(kind, found.group())
    words = folded.split()
    for number, word in enumerate(words):
        people = next((people for people in _PEOPLES if word.startswith(people)), None)
        if people is None:
            continue
        of_people = any(_is_person(next_word) for next_word in words[number + 1 : number + 3])
        plural = re.fullmatch(rf"{people}(?:ok|ek|ak|iak|aiak)", word) is not None
        if of_people or plural or (word.endswith("ul") and word != people):
            yield Finding(Kind.NATIONALITY, word)


def _is_person(word: str) -> bool:
    return word in ("no", "nok", "par") or any(word.startswith(person) for person in _PERSONS if len(person) > 2)


def _really(beginning: str, word: str) -> bool:
    """Some beginnings are whole words in other clothes: "roma" is not "romantikus", "jew" not "jewellery"."""
    endings = {
        "roma": r"roma(?:k|nak|val|kat|knak|kkal|t|hoz|e)?",
        "jew": r"jews?",
        "olah": r"olah(?:ok|cigany\w*)?",
        "beas": r"beas(?:ok|nak|ul)?",
        "rakos": r"rakos(?:ak|an)?",
        "vallas": r"vallas(?:u\w*|i\w*|a|os\w*|at)?",
        "hindu": r"hindu(?:k)?",
        "islam": r"islam(?:ic)?",
        "religio": r"religio(?:n|us)\w*",
        "szinti": r"szinti(?:k)?",
        "tbc": r"tbc(?:s\w*)?",
    }
    return beginning not in endings or re.fullmatch(endings[beginning], word) is not None


def _numbers(text: str) -> Iterable[Finding]:
    bare = _PHONE.sub(" ", text)
    for pattern in _NUMBERS:
        for found in pattern.finditer(bare):
            yield Finding(Kind.DOCUMENT, found.group())
