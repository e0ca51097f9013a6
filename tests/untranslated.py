"""Find text on a page that no translator has seen.

With ``app.config["PSEUDO_LANGUAGE"] = True`` every translated sentence stands between ⟦ and ⟧. What is left outside
and holds letters was either forgotten, or is data: then it stands in an element marked ``translate="no"`` or
``lang="…"``, in a ``<time>``, ``<kbd>``, ``<output>`` or ``<textarea>``, or in one
of class ``code`` or ``data``.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "use",
        "rect",
        "path",
        "circle",
        "line",
    ]
)
_SILENT = frozenset({"script", "style", "title", "time", "kbd", "textarea", "output", "pre", "code"})
_SPOKEN_ATTRIBUTES = ("aria-label", "title", "placeholder", "alt", "aria-description")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_NOT_WORDS = re.compile(
    r"\b(?:Adománybank|Magyar|English|km|kg|g|ml|l|m³|m|t|Ft|Ctrl|Enter|Esc|PDF|CSV|JSON|XLSX|API|"
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|hétfő|kedd|szerda|csütörtök|péntek|szombat|vasárnap|"
    r"Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|jan|febr|márc|ápr|máj|jún|júl|aug|szept|okt|nov|dec|"
    r"January|February|March|April|June|July|August|September|October|November|December|"
    r"január|február|március|április|május|június|július|augusztus|szeptember|október|november|december)\b",
    re.IGNORECASE,
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.stack: list[tuple[str, bool]] = []
        self.depth = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        silent = (
            self.silent
            or tag in _SILENT
            or given.get("translate") == "no"
            or (given.get("lang") is not None and tag != "html")
            or bool({"code", "data"} & set((given.get("class") or "").split()))
        )
        if not silent:
            for name in _SPOKEN_ATTRIBUTES:
                if given.get(name) and "⟦" not in (given[name] or ""):
                    self.look(given[name] or "", f"{tag} {name}")
        if tag not in _VOID:
            self.stack.append((tag, silent))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if any(name == tag for name, _ in self.stack):
            while self.stack.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        outside = ""
        for part in re.split(r"([⟦⟧])", data):
            if part == "⟦":
                self.depth += 1
            elif part == "⟧":
                self.depth -= 1
            elif self.depth == 0:
                outside += part
        if not self.silent:
            self.look(outside, self.stack[-1][0] if self.stack else "")

    @property
    def silent(self) -> bool:
        return bool(self.stack) and self.stack[-1][1]

    def look(self, text: str, where: str) -> None:
        if _LETTERS.search(_NOT_WORDS.sub("", text)):
            self.found.append(f"<{where}>: {' '.join(text.split())[:100]}")


def untranslated(html: str) -> list[str]:
    """Return the texts of a page that did not come out of translation, with the element they stand in."""
    reader = _Reader()
    reader.feed(html)
    return reader.found
