"""Pictures are drawn anew: nothing of the file that was sent is kept, and a bomb is refused before it is unpacked."""

import io
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image

from app.write_offs.errors import PictureRefused
from app.write_offs.picture import BYTES_MAX, SIDE_MAX, redraw
from tests.write_offs.conftest import a_picture


def opened(jpeg: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(jpeg))
    picture.load()
    return picture


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_every_form_becomes_a_small_jpeg(form):
    drawn = opened(redraw(a_picture(form, (3000, 1000))))
    assert drawn.format == "JPEG" and drawn.mode == "RGB"
    assert drawn.size[0] == SIDE_MAX and abs(drawn.size[1] - SIDE_MAX / 3) <= 1


def test_place_camera_and_time_are_gone_and_the_picture_stands_upright():
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Nokia", 6
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 6.0, 0.0), 3: "E", 4: (20.0, 47.0, 0.0)})
    sent = a_picture("JPEG", (80, 40), exif=exif, comment=b"taken at home")
    assert b"Nokia" in sent and b"taken at home" in sent
    kept = redraw(sent)
    assert b"Nokia" not in kept and b"Exif" not in kept and b"taken at home" not in kept
    assert opened(kept).size == (40, 80)


def test_what_hides_behind_a_picture_is_gone():
    script = b"<script>alert(1)</script><?php system('id'); ?>PK\x03\x04"
    kept = redraw(a_picture("PNG") + script)
    assert b"script" not in kept and b"php" not in kept and b"PK\x03\x04" not in kept
    assert kept.startswith(b"\xff\xd8\xff") and kept.endswith(b"\xff\xd9")


def test_a_see_through_picture_stands_on_white():
    written = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(written, "PNG")
    assert opened(redraw(written.getvalue())).getpixel((10, 10)) == (255, 255, 255)


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that says it is huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(3 * 1000 + 1) * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8000, 8000), (60_000, 60_000), (2**31 - 1, 1)])
def test_a_bomb_is_refused_by_its_header_without_unpacking(size):
    tracemalloc.start()
    with pytest.raises(PictureRefused) as refused:
        redraw(bomb(*size))
    assert "too many points" in str(refused.value.fields["photo"][0])
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        a_picture("PNG")[:60],
        a_picture("JPEG", (200, 200))[:300],
        b"\xff\xd8\xff" + bytes(range(256)) * 20,
        b"x" * (BYTES_MAX + 1),
    ],
)
def test_what_is_no_picture_is_refused_in_words(content):
    with pytest.raises(PictureRefused) as refused:
        redraw(content)
    assert refused.value.fields["photo"]
