"""Bar codes and square codes as drawings whose modules fall on whole dots of label printers. Pure but for zint.

Printers of 203 dpi set 8 dots a millimetre, those of 305 dpi 12: a module of 0.25 mm is two dots on one and three on
the other, so every module is a multiple of 0.25 mm and no bar is rounded. The quiet zones belong to the drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zint import Symbol as Zint
from zint import Symbology

from app.stock.scanning import SEPARATOR

STEP_MM = 0.25
"""The smallest module, and the step between larger ones."""
QUIET_BARS = 10
"""Empty modules left and right of Code 128."""
QUIET_SQUARE = 4
"""Empty modules around a QR code."""
CORRECTION = 2
"""QR level M: 15 % of it may be dirt."""
VARIABLE = ("10", "21", "37")
"""GS1 fields of ours that a separator ends."""


@dataclass(frozen=True)
class Symbol:
    """A drawing with its size, what a reader reads from it, and what people read under it."""

    svg: str
    width_mm: float
    height_mm: float
    reads: str
    """What scanners hand over: with the symbology identifier for GS1, and FNC1 between its fields."""
    under: str


def bars(text: str, *, most_mm: float, height_mm: float) -> Symbol | None:
    """Return a Code 128; None where it is wider than ``most_mm``. Without text under it: the label says its code."""
    return _fitted(Symbology.CODE128, text, text, "", most_mm, height_mm, most_module_mm=2 * STEP_MM)


def gs1_bars(
    elements: Sequence[tuple[str, str]], *, most_mm: float, height_mm: float, most_module_mm: float = 2 * STEP_MM
) -> Symbol | None:
    """Return a GS1-128 of fields (identifier, value); None where it is wider than ``most_mm``."""
    written = "".join(f"[{name}]{value}" for name, value in elements)
    reads = "]C1"
    for name, value in elements:
        reads += name + value + (SEPARATOR if name in VARIABLE and (name, value) != elements[-1] else "")
    under = " ".join(f"({name}) {value}" for name, value in elements)
    return _fitted(Symbology.GS1_128, written, reads, under, most_mm, height_mm, most_module_mm)


def _fitted(
    symbology: Symbology,
    written: str,
    reads: str,
    under: str,
    most_mm: float,
    height_mm: float,
    most_module_mm: float,
) -> Symbol | None:
    drawn = _drawn(symbology, written)
    modules = int(drawn.vector.width) + 2 * QUIET_BARS
    module_mm = _module(most_mm, modules, most_module_mm)
    if module_mm == 0:
        return None
    path = "".join(f"M{QUIET_BARS + rect.x:g} 0h{rect.width:g}v1h-{rect.width:g}z" for rect in drawn.vector.rectangles)
    return Symbol(_svg(modules, 1, path), modules * module_mm, height_mm, reads, under)


def square(text: str, *, most_mm: float) -> Symbol:
    """Return a QR code as large as ``most_mm`` lets it be."""
    drawn = _drawn(Symbology.QRCODE, text)
    modules = int(drawn.vector.width) + 2 * QUIET_SQUARE
    module_mm = _module(most_mm, modules, 8 * STEP_MM)
    assert module_mm, "our own codes are short"
    path = "".join(
        f"M{QUIET_SQUARE + rect.x:g} {QUIET_SQUARE + rect.y:g}h{rect.width:g}v{rect.height:g}h-{rect.width:g}z"
        for rect in drawn.vector.rectangles
    )
    size_mm = modules * module_mm
    return Symbol(_svg(modules, modules, path), size_mm, size_mm, text, "")


def _drawn(symbology: Symbology, text: str) -> Zint:
    symbol = Zint()
    symbol.symbology = symbology
    symbol.show_hrt = False
    symbol.scale = 0.5  # One unit of the drawing a module.
    if symbology == Symbology.QRCODE:
        symbol.option_1 = CORRECTION
    symbol.encode(text)
    symbol.buffer_vector()
    return symbol


def _module(most_mm: float, modules: int, most_module_mm: float) -> float:
    return min(int(most_mm / modules / STEP_MM) * STEP_MM, most_module_mm)


def _svg(width: int, height: int, path: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none"><path d="{path}"/></svg>'
    )
