"""The reader's language: which one, its sentences, and how it writes numbers, dates and spans of time.

Sentences are English in the source. A catalogue per package (``app/translations/hu/LC_MESSAGES/<package>.po``)
says them in Hungarian; all are read into one at start, so that there is no compiled file to forget.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, dates
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale, gettext, ngettext  # type: ignore[import-untyped]
from markupsafe import Markup, escape

from app.foundation.clock import HOME
from app.foundation.words import Message

LANGUAGES = {"hu": "Magyar", "en": "English"}
DEFAULT = "hu"
CATALOGUES = Path(__file__).resolve().parents[1] / "translations"
COOKIE = "lang"
NOTHING = "–"
_THIN = "\N{NARROW NO-BREAK SPACE}"
_FIRM = "\N{NO-BREAK SPACE}"


def init_app(app: Flask) -> None:
    """Let the app speak the reader's language."""
    babel = Babel(app, default_locale=DEFAULT, default_timezone=HOME.key, locale_selector=choose)
    catalogues: dict[str, NullTranslations] = {
        language: load(CATALOGUES / language / "LC_MESSAGES", language) for language in LANGUAGES
    }
    babel.domain_instance = _OneDomain(catalogues)
    app.jinja_env.filters.update(FILTERS)
    app.after_request(_remember_choice)


def choose() -> str:
    """Return the reader's language: asked for now, chosen before on this device, the person's own, the browser's."""
    if not has_request_context():
        return DEFAULT
    asked = (request.args.get("lang"), request.cookies.get(COOKIE), getattr(g.get("actor"), "language", None))
    for language in asked:
        if language in LANGUAGES:
            return str(language)
    return request.accept_languages.best_match(list(LANGUAGES), DEFAULT) or DEFAULT


def language() -> str:
    """Return the code of the language this request is answered in."""
    locale = get_locale()
    return locale.language if locale else DEFAULT


@cache
def load(folder: Path, language: str) -> NullTranslations:
    """Read every catalogue of one language into one; once a process."""
    whole = Catalog(locale=Locale.parse(language))
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            for entry in read_po(file, locale=language):
                if entry.id and entry.string and not entry.fuzzy:
                    whole.add(entry.id, entry.string, context=entry.context)
    if not len(whole):
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Translations(compiled)


class _OneDomain(Domain):  # type: ignore[misc]  # flask-babel has no types
    """All packages' sentences as one catalogue for each language."""

    def __init__(self, catalogues: Mapping[str, NullTranslations]) -> None:
        super().__init__(domain="all")
        self.catalogues = catalogues

    def get_translations(self) -> NullTranslations:
        """Return the catalogue of the reader's language."""
        if current_app.config.get("PSEUDO_LANGUAGE"):
            return _PSEUDO
        return self.catalogues[language()]


class _Pseudo(NullTranslations):
    """A language for tests: every sentence that goes through translation stands between ⟦ and ⟧."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    ugettext = gettext

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    ungettext = ngettext

    def upgettext(self, context: str, message: str) -> str:
        return f"⟦{message}⟧"

    pgettext = upgettext

    def unpgettext(self, context: str, singular: str, plural: str, num: int) -> str:
        return self.ngettext(singular, plural, num)

    npgettext = unpgettext


_PSEUDO = _Pseudo()


def _remember_choice(response: Response) -> Response:
    asked = request.args.get("lang")
    if asked in LANGUAGES and request.cookies.get(COOKIE) != asked:
        response.set_cookie(
            COOKIE, asked, max_age=365 * 24 * 3600, secure=request.is_secure, httponly=True, samesite="Lax"
        )
    return response


# Sentences


def translate(sentence: Any) -> str:
    """Say a message in the reader's language; plain text (a name, a code) stays as it is.

    The end of a fact's name tells its unit: ``missing_g=40_000`` is said as "40 kg". A ``unit`` beside a ``quantity``
    stands after it: "1 pack".
    """
    if isinstance(sentence, Mapping) and "text" in sentence:
        sentence = Message.from_json(sentence)
    if not isinstance(sentence, Message):
        return NOTHING if sentence is None else str(sentence)
    said: str = gettext(sentence.text)
    if not sentence.facts:
        return said
    facts = {name: _say_fact(name, fact) for name, fact in sentence.facts.items()}
    quantity = sentence.facts.get("quantity")
    if "unit" in facts and isinstance(quantity, int):
        facts["unit"] = unit_after(quantity, facts["unit"])
    return said % facts


def _say_fact(name: str, fact: Any) -> str:
    if isinstance(fact, Message | Mapping):
        return translate(fact)
    if isinstance(fact, bool) or fact is None:
        return translate(None) if fact is None else str(fact)
    for ending, say_it in _UNITS.items():
        if name.endswith(ending):
            return say_it(fact)
    return number(fact) if isinstance(fact, int | float) else str(fact)


# Numbers


def number(value: float | None, decimals: int = 0) -> str:
    """1842 → "1 842" (thin space), English "1,842"."""
    if value is None:
        return NOTHING
    text = f"{abs(value):,.{decimals}f}"
    if language() == "hu":
        text = text.replace(",", _THIN).replace(".", ",")
    return f"−{text}" if value < 0 and text.strip("0.,") else text


_ONE_OF_MANY = (("ies", "y"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss"), ("ss", "ss"), ("s", ""))
"""How English units end: "boxes" are one "box"; "g" and "ml" are never many."""


def unit_after(quantity: float | None, name: str | None) -> str:
    """Return the name of a unit as it stands after a number: the catalogue has "packs", of one it is "1 pack".

    Hungarian knows no many after a number.
    """
    if name and quantity is not None and abs(quantity) == 1 and language() == "en":
        for many, one in _ONE_OF_MANY:
            if name.endswith(many) and name != many:
                return name.removesuffix(many) + one
    return name or ""


def amount(quantity: float, unit: str) -> str:
    """Return a number and its unit: "1 pack", "1 842 db"."""
    return f"{number(quantity)} {unit_after(quantity, unit)}"


def percent(share: float | None, decimals: int = 1) -> str:
    """0.038 → "3,8%"; whole percents lose their decimals."""
    if share is None:
        return NOTHING
    value = share * 100
    return f"{number(value, 0 if abs(value - round(value)) < 10**-decimals / 2 else decimals)}%"


def kilometres(metres: float | None) -> str:
    """Metres → "3 537 km", "6,4 km" below ten, "800 m" below one."""
    if metres is None:
        return NOTHING
    if abs(metres) < 950:
        return f"{number(metres)}{_FIRM}m"
    return f"{_short(metres / 1000)}{_FIRM}km"


def weight(grams: float | None) -> str:
    """Grams → "450 g", "12 kg", "38,6 t"."""
    if grams is None:
        return NOTHING
    if abs(grams) < 1000:
        return f"{number(grams)}{_FIRM}g"
    if abs(grams) < 10_000_000:
        return f"{_short(grams / 1000)}{_FIRM}kg"
    return f"{number(grams / 1_000_000, 1)}{_FIRM}t"


def volume(millilitres: float | None) -> str:
    """Millilitres → "750 ml", "3 l", "7,2 m³"."""
    if millilitres is None:
        return NOTHING
    if abs(millilitres) < 1000:
        return f"{number(millilitres)}{_FIRM}ml"
    if abs(millilitres) < 1_000_000:
        return f"{_short(millilitres / 1000)}{_FIRM}l"
    return f"{number(millilitres / 1_000_000, 1)}{_FIRM}m³"


def money(forints: float | None) -> str:
    """139200 → "139 200 Ft"."""
    return NOTHING if forints is None else f"{number(forints)}{_FIRM}Ft"


def _short(value: float) -> str:
    return number(value, 0 if abs(value) >= 9.95 or abs(value - round(value)) < 0.05 else 1)


# Dates and times


def here(moment: datetime) -> datetime:
    """Return the moment as clocks at home show it."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(HOME)


def today() -> date:
    """Return today's date at home."""
    return datetime.now(HOME).date()


def _read(value: Any) -> date | datetime | None:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value) if "T" in value or " " in value else date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) else None


def _day_of(value: Any) -> date | None:
    read = _read(value)
    return here(read).date() if isinstance(read, datetime) else read


def _patterned(value: Any, hungarian: str, english: str) -> str:
    day = _day_of(value)
    if day is None:
        return NOTHING if value is None else str(value)
    code = language()
    return str(dates.format_date(day, hungarian if code == "hu" else english, locale=code))


def date_(value: Any) -> str:
    """2026. nov. 24. / 24 Nov 2026."""
    return _patterned(value, "y. MMM d.", "d MMM y")


def day(value: Any) -> str:
    """2026. nov. 24., kedd / Tuesday, 24 Nov 2026."""
    return _patterned(value, "y. MMM d., EEEE", "EEEE, d MMM y")


def day_long(value: Any) -> str:
    """2026. november 24., kedd / Tuesday, 24 November 2026."""
    return _patterned(value, "y. MMMM d., EEEE", "EEEE, d MMMM y")


def day_short(value: Any) -> str:
    """nov. 24. / 24 Nov."""
    return _patterned(value, "MMM d.", "d MMM")


def weekday(value: Any) -> str:
    """kedd / Tuesday."""
    return _patterned(value, "EEEE", "EEEE")


def weekday_day(value: Any) -> str:
    """Hétfő, november 23. / Monday, 23 November."""
    said = _patterned(value, "EEEE, MMMM d.", "EEEE, d MMMM")
    return said[:1].upper() + said[1:]


def weekday_short(value: Any) -> str:
    """Sze / Wed."""
    return _patterned(value, "EEE", "EEE")


def time_(value: Any) -> str:
    """16:05, 8:20."""
    read = _read(value)
    if isinstance(read, datetime):
        local = here(read)
        return f"{local.hour}:{local.minute:02d}"
    if hasattr(value, "hour"):
        return f"{value.hour}:{value.minute:02d}"
    return NOTHING if value is None else str(value)


def clock(seconds: float | None) -> str:
    """Seconds since midnight → 7:30."""
    if seconds is None:
        return NOTHING
    minutes = round(seconds / 60)
    return f"{minutes // 60 % 24}:{minutes % 60:02d}"


def moment(value: Any) -> str:
    """Today 16:05, yesterday 16:05, nov. 20. 16:05."""
    day_of, at = _day_of(value), time_(value)
    if day_of is None:
        return NOTHING if value is None else str(value)
    gone = (today() - day_of).days
    if gone == 0:
        return str(gettext("today %(time)s", time=at))
    if gone == 1:
        return str(gettext("yesterday %(time)s", time=at))
    if gone == -1:
        return str(gettext("tomorrow %(time)s", time=at))
    return f"{day_short(value) if day_of.year == today().year else date_(value)} {at}"


def span(seconds: float | timedelta | None) -> str:
    """Seconds → "4 mp", "1 p 12 mp", "30 perc", "2 óra 5 perc", "3 nap"."""
    if seconds is None:
        return NOTHING
    whole = round(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    sign, whole = ("−" if whole < 0 else ""), abs(whole)
    minutes, rest = divmod(whole, 60)
    hours, minutes_rest = divmod(round(whole / 60), 60)
    if whole < 60:
        said = gettext("%(seconds)s s", seconds=whole)
    elif whole < 600 and rest:
        said = gettext("%(minutes)s min %(seconds)s s", minutes=minutes, seconds=rest)
    elif whole < 3570:
        said = gettext("%(minutes)s min", minutes=round(whole / 60))
    elif whole < 48 * 3600:
        said = (
            gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes_rest)
            if minutes_rest
            else gettext("%(hours)s h", hours=hours)
        )
    else:
        said = ngettext("%(num)s day", "%(num)s days", round(whole / 86400))
    return sign + str(said)


def ago(value: Any, now: datetime | None = None) -> str:
    """Just now, 5 minutes ago, 3 hours ago, 2 days ago."""
    read = _read(value)
    if read is None:
        return NOTHING if value is None else str(value)
    if not isinstance(read, datetime):
        gone = (today() - read).days * 86400
    else:
        gone = int(((now or datetime.now(UTC)) - here(read)).total_seconds())
    if gone < 60:
        return str(gettext("just now")) if isinstance(read, datetime) else str(gettext("today"))
    if gone < 3600:
        return str(ngettext("%(num)s minute ago", "%(num)s minutes ago", gone // 60))
    if gone < 86400:
        return str(ngettext("%(num)s hour ago", "%(num)s hours ago", gone // 3600))
    return str(ngettext("%(num)s day ago", "%(num)s days ago", gone // 86400))


def days_left(value: Any) -> str:
    """Until a date: 9 days, today, tomorrow; after it: expired."""
    day_of = _day_of(value)
    if day_of is None:
        return NOTHING
    left = (day_of - today()).days
    if left < 0:
        return str(gettext("expired"))
    if left == 0:
        return str(gettext("today"))
    if left == 1:
        return str(gettext("tomorrow"))
    return str(ngettext("%(num)s day", "%(num)s days", left))


# For templates


def as_data(value: Any) -> Markup:
    """Mark a name, a code or somebody's own words: no translator, human or machine, shall touch it."""
    return Markup('<bdi translate="no">{}</bdi>').format(escape(NOTHING if value is None else value))


def as_unit(name: Any, quantity: float | None) -> Markup:
    """Mark the name of a unit that stands after a number."""
    return as_data(name if name is None else unit_after(quantity, str(name)))


_UNITS: dict[str, Callable[[Any], str]] = {
    "_g": weight,
    "_ml": volume,
    "_m": kilometres,
    "_seconds": span,
    "_on": date_,
    "_at": moment,
    "_pct": lambda value: f"{number(value)}%",
}

FILTERS: dict[str, Callable[..., Any]] = {
    "num": number, "pct": percent, "km": kilometres, "kg": weight, "litre": volume, "money": money,
    "date": date_, "day": day, "day_long": day_long, "day_short": day_short, "weekday": weekday,
    "weekday_day": weekday_day, "weekday_short": weekday_short, "time": time_,
    "clock": clock, "moment": moment, "ago": ago, "span": span, "days_left": days_left,
    "say": translate, "data": as_data, "unit": as_unit,
}  # fmt: skip
