"""Pictures of goods, drawn anew as small JPEGs. Pure.

What is kept is what was drawn: no place, no camera, no time, nothing that hid behind the picture. The size in the
header is judged before anything is unpacked.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

from app.foundation.words import Message, say
from app.write_offs.errors import PictureRefused

BYTES_MAX = 5 * 1024 * 1024
PIXELS_MAX = 50_000_000
SIDE_MAX = 1600
QUALITY = 82
FORMATS = ("JPEG", "PNG", "WEBP")


def redraw(content: bytes) -> bytes:
    """Return the picture as a JPEG of at most 1600 × 1600 points; refuse what is none, or is too large."""
    if not content:
        raise PictureRefused(say("Choose a picture first."))
    if len(content) > BYTES_MAX:
        raise PictureRefused(say("The picture is too large: 5 MB at most."))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                return _drawn(picture)
    except PictureRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused(_too_many()) from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, KeyError, TypeError) as error:
        raise PictureRefused(say("This is no picture that can be read. JPEG, PNG and WebP are taken.")) from error


def _drawn(picture: Image.Image) -> bytes:
    width, height = picture.size
    if width < 1 or height < 1 or width * height > PIXELS_MAX:
        raise PictureRefused(_too_many())
    if picture.format == "JPEG":
        # Large photographs are unpacked at a half or a quarter of their size.
        picture.draft("RGB", (SIDE_MAX, SIDE_MAX))
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((SIDE_MAX, SIDE_MAX))
    flat = Image.new("RGB", upright.size, "white")
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        flat.paste(layer, mask=layer.getchannel("A"))
    else:
        flat.paste(upright.convert("RGB"))
    written = io.BytesIO()
    flat.save(written, "JPEG", quality=QUALITY, optimize=True)
    return written.getvalue()


def _too_many() -> Message:
    return say("The picture has too many points: 50 million at most.")
