"""What every page's template may call: static addresses, this address changed, fields, rights, news of deeds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, flash, g, get_flashed_messages, request, url_for
from werkzeug.datastructures import MultiDict

from app.foundation import language
from app.foundation.errors import Invalid
from app.foundation.http import EITHER, permission_of
from app.foundation.words import Message

_TOAST = "toast"


def init_app(app: Flask) -> None:
    """Give templates what they may call; whoever knows better (sign-in) has set its own before or sets it after."""
    given = {
        "asset": asset,
        "url_with": url_with,
        "may": may,
        "opens": opens,
        "toasts": toasts,
        "today": language.today,
        "now": lambda: datetime.now(UTC),
        "language": language.language,
        "languages": language.LANGUAGES,
        "csrf_token": lambda: "",
        "field": field,
        "form_errors": form_errors,
    }
    for name, value in given.items():
        app.jinja_env.globals.setdefault(name, value)
    app.context_processor(lambda: {"shell": None} if "shell" not in g else {"shell": g.shell})


def asset(path: str) -> str:
    """Return the address of a static file, with a mark of its content, so that browsers may keep it for ever.

    Modules import each other by their plain names: with a mark, a module would be loaded twice and act twice.
    """
    if path.startswith("js/"):
        return url_for("static", filename=path)
    folder = current_app.static_folder
    assert folder is not None
    version = _version(str(Path(folder) / path), current_app.debug)
    return url_for("static", filename=path, v=version) if version else url_for("static", filename=path)


def _version(path: str, fresh: bool) -> str:
    try:
        stamp = Path(path).stat().st_mtime_ns if fresh else 0
        return _digest(path, stamp)
    except OSError:
        return ""


@lru_cache(maxsize=512)
def _digest(path: str, _stamp: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


def url_with(**changes: Any) -> str:
    """Return this page's address with its query changed; None drops a part. A changed list begins at its first page."""
    query: MultiDict[str, str] = MultiDict(request.args)
    for name in ("after", "lang", *changes):
        query.poplist(name)
    for name, value in changes.items():
        if value is not None:
            query.setlist(name, [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)])
    # The query is written here: url_for would take "?endpoint=x" or "?_external=1" for its own arguments.
    path = url_for(request.endpoint, **(request.view_args or {})) if request.endpoint else request.path
    written = urlencode(list(query.items(multi=True)))
    return f"{path}?{written}" if written else path


def may(permission: str) -> bool:
    """Tell whether the person at the screen holds a permission in any scope."""
    actor = g.get("actor")
    return bool(actor and actor.may(permission))


def opens(endpoint: str) -> bool:
    """Tell whether there is such a page, and the person at the screen may open it."""
    actor = g.get("actor")
    wanted = permission_of(endpoint, "GET")
    return bool(actor and wanted and any(actor.may(each) for each in wanted.split(EITHER)))


def done(sentence: Message | str, *, undo: str | None = None, fields: dict[str, Any] | None = None) -> None:
    """Tell on the next page what happened; ``undo`` is the address that takes it back, posted with ``fields``."""
    said = sentence.to_json() if isinstance(sentence, Message) else sentence
    flash({"text": said, "undo": undo, "fields": fields or {}}, _TOAST)  # type: ignore[arg-type]


def toasts() -> list[dict[str, Any]]:
    """Return what happened since the last page, once."""
    return [dict(toast) for toast in get_flashed_messages(category_filter=[_TOAST])]  # type: ignore[arg-type]


@dataclass(frozen=True)
class Field:
    """One field of a form as it is to be drawn: what stands in it, and what was wrong with it."""

    id: str
    values: list[str]
    errors: list[str]

    @property
    def value(self) -> str:
        """Return the field's single value."""
        return self.values[0] if self.values else ""


def field(form: Mapping[str, Any] | None, name: str, default: Any = None) -> Field:
    """Return a field: of a refused form what was typed comes back, else ``form["values"]``, else ``default``."""
    values: Any = (form or {}).get("values") or {}
    if _typed_in() and not values:
        values = request.form
    if isinstance(values, MultiDict):
        found: Any = values.getlist(name) if values is request.form or name in values else default
    else:
        found = values.get(name, default)
    listed = [] if found is None else list(found) if isinstance(found, list | tuple | set | frozenset) else [found]
    return Field(field_id(name), [_written(each) for each in listed], _errors(form).get(name, []))


def _written(value: Any) -> str:
    return {True: "1", False: ""}[value] if isinstance(value, bool) else str(value)


def _typed_in() -> bool:
    return g.get("refusal") is not None and request.method == "POST"


def form_errors(form: Mapping[str, Any] | None) -> list[tuple[str | None, str]]:
    """Return what is wrong with the form: (id of the field or None, sentence), the whole form's sentence first."""
    found: list[tuple[str | None, str]] = []
    refusal = g.get("refusal")
    if refusal is not None:
        found.append((None, language.translate(refusal.message)))
    for name, sentences in _errors(form).items():
        found += [(field_id(name) if name and name != "_schema" else None, sentence) for sentence in sentences]
    return found


def _errors(form: Mapping[str, Any] | None) -> dict[str, list[str]]:
    given: Any = (form or {}).get("errors")
    refusal = g.get("refusal")
    if given is None and isinstance(refusal, Invalid):
        given = refusal.fields
    return {
        str(name): [language.translate(each) for each in (said if isinstance(said, list | tuple) else [said])]
        for name, said in (given or {}).items()
    }


def field_id(name: str) -> str:
    """Return the id of a field's element, by which an error's link finds it."""
    return "f-" + "".join(letter if letter.isalnum() else "-" for letter in str(name))
