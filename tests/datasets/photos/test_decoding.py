"""Photos of all kinds become square RGB pixels that look as they do in a viewer; what is no photo says so."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import textwrap
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.datasets.photos import decoding
from pipeline.datasets.photos.decoding import PhotoError, decode, decode_photo, white_of

RED, TEAL = (200, 30, 60), (10, 150, 140)


def two_halves(size: tuple[int, int] = (40, 40)) -> Image.Image:
    """Red above, teal below."""
    picture = Image.new("RGB", size, RED)
    picture.paste(TEAL, (0, size[1] // 2, size[0], size[1]))
    return picture


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def halves(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean colours of the upper and the lower half, the seam left out."""
    return pixels[:6].mean(axis=(0, 1)), pixels[-6:].mean(axis=(0, 1))


@pytest.mark.parametrize(
    ("content", "tolerance"),
    [
        pytest.param(encoded(two_halves(), "PNG"), 0, id="png"),
        pytest.param(encoded(two_halves(), "JPEG", quality=95), 4, id="jpeg"),
        pytest.param(encoded(two_halves(), "WEBP", lossless=True), 0, id="webp"),
        pytest.param(encoded(two_halves((40, 90)), "PNG"), 0, id="not square"),
        pytest.param(encoded(two_halves().convert("P", palette=Image.Palette.ADAPTIVE), "PNG"), 4, id="palette"),
        pytest.param(encoded(two_halves().convert("CMYK"), "JPEG", quality=95), 4, id="cmyk"),
        pytest.param(encoded(two_halves().convert("RGBA"), "PNG"), 0, id="opaque alpha"),
        pytest.param(encoded(two_halves().convert("YCbCr"), "TIFF"), 4, id="ycbcr"),
        pytest.param(
            encoded(two_halves(), "GIF", save_all=True, append_images=[Image.new("RGB", (40, 40))]), 4, id="animation"
        ),
    ],
)
def test_pictures_of_every_kind_come_out_in_their_colours(content: bytes, tolerance: float) -> None:
    pixels = decode_photo(content, 16)
    assert (pixels.shape, pixels.dtype) == ((16, 16, 3), np.uint8)
    upper, lower = halves(pixels)
    assert np.abs(upper - RED).max() <= tolerance
    assert np.abs(lower - TEAL).max() <= tolerance


def test_a_camera_held_upside_down_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # Orientation: turned by 180°
    upper, lower = halves(decode_photo(encoded(two_halves(), "JPEG", quality=95, exif=exif), 16))
    assert np.abs(upper - TEAL).max() <= 4
    assert np.abs(lower - RED).max() <= 4


def test_transparency_lies_on_white() -> None:
    seen = np.zeros((20, 20, 4), np.uint8)
    seen[:10] = (*RED, 255)
    seen[10:] = (0, 0, 0, 0)
    upper, lower = halves(decode_photo(encoded(Image.fromarray(seen), "PNG"), 16))
    assert upper.tolist() == list(RED)
    assert lower.tolist() == [255, 255, 255]


def test_a_transparent_colour_of_a_palette_lies_on_white() -> None:
    palette = Image.new("P", (20, 20), 0)
    palette.putpalette([*TEAL, *RED])
    palette.paste(1, (0, 0, 20, 10))
    upper, lower = halves(decode_photo(encoded(palette, "PNG", transparency=0), 16))
    assert upper.tolist() == list(RED)
    assert lower.tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_with_16_bits_keeps_its_range(kind: str) -> None:
    deep = np.zeros((20, 20), np.uint16)
    deep[:10], deep[10:] = 65535, 257 * 100
    upper, lower = halves(decode_photo(encoded(Image.fromarray(deep), kind), 16))
    assert upper.tolist() == [255, 255, 255]
    assert lower.tolist() == [100, 100, 100]


def test_grey_with_16_bits_may_have_its_bytes_in_either_order() -> None:
    deep = np.zeros((20, 20), ">u2")
    deep[:10], deep[10:] = 65535, 257 * 100
    picture = encoded(Image.frombytes("I;16B", (20, 20), deep.tobytes()), "TIFF")
    upper, lower = halves(decode_photo(picture, 16))
    assert upper.tolist() == [255, 255, 255]
    assert lower.tolist() == [100, 100, 100]


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_becomes_three_equal_channels(mode: str) -> None:
    pixels = decode_photo(encoded(two_halves().convert("L").convert(mode), "PNG"), 16)
    assert np.ptp(pixels, axis=2).max() == 0


def test_shrinking_averages_instead_of_skipping() -> None:
    """A one-pixel checkerboard is grey from afar; picking single pixels would make it black or white."""
    board = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    pixels = decode_photo(encoded(Image.fromarray(board), "PNG"), 16)
    assert abs(pixels.astype(int) - 127).max() <= 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"not a photo", "is not a picture of a known kind", id="text"),
        pytest.param(encoded(two_halves((400, 400)), "JPEG")[:600], "cannot be decoded", id="cut-off jpeg"),
        pytest.param(encoded(two_halves((400, 400)), "PNG")[:-60], "cannot be decoded", id="cut-off png"),
        pytest.param(encoded(Image.new("F", (9, 9), 0.5), "TIFF"), "floating-point pixels", id="floating point"),
        pytest.param(encoded(two_halves((1, 1)), "PNG"), "is 1×1 pixels, too small", id="one pixel"),
        pytest.param(encoded(two_halves((90, 2)), "PNG"), "is 90×2 pixels, too small", id="a line"),
    ],
)
def test_what_is_no_readable_photo_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "photo"
    file.write_bytes(content)
    for source in (content, file):
        with pytest.raises(PhotoError, match=says):
            decode_photo(source, 16)


def test_a_picture_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(PhotoError, match="more pixels than a photo can have"):
        decode_photo(encoded(two_halves(), "PNG"), 16)


def test_a_very_large_jpeg_is_decoded_at_a_smaller_scale_and_any_other_kind_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoding, "MOST_PIXELS", 200_000)
    picture = two_halves((600, 600))
    upper, lower = halves(decode_photo(encoded(picture, "JPEG", quality=95), 16))
    assert np.abs(upper - RED).max() <= 4
    assert np.abs(lower - TEAL).max() <= 4
    with pytest.raises(PhotoError, match="has 0 million pixels, more than 0 million; make it smaller"):
        decode_photo(encoded(picture, "PNG"), 16)


def test_a_name_says_nothing_about_the_content(tmp_path: Path) -> None:
    for name in ("photo.txt", "photo.gif", "photo"):
        (tmp_path / name).write_bytes(encoded(two_halves(), "PNG"))
        assert halves(decode_photo(tmp_path / name, 16))[0].tolist() == list(RED)


def test_what_the_system_does_not_hand_out_says_why(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="cannot be read: No such file"):
        decode_photo(tmp_path / "gone.png", 16)
    with pytest.raises(PhotoError, match="cannot be read: Is a directory"):
        decode_photo(tmp_path, 16)


def test_a_photo_that_may_not_be_read_says_so_and_is_no_picture_of_an_unknown_kind() -> None:
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, which another user may not even enter
        Path(folder).chmod(0o755)
        photo = Path(folder, "a.png")
        photo.write_bytes(encoded(two_halves(), "PNG"))
        photo.chmod(0)
        with as_nobody(), pytest.raises(PhotoError, match=r"^cannot be read: Permission denied$"):
            decode_photo(photo, 16)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything: it becomes another user for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def deep(values: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(("largest", "white"), [(255, 255), (1000, 1023), (4095, 4095), (9000, 16383), (65535, 65535)])
def test_a_picture_of_16_bits_is_scaled_by_the_bits_that_are_used(largest: int, white: int) -> None:
    values = np.linspace(0, largest, 96 * 96).reshape(96, 96).astype(np.uint16)
    decoded = decode(deep(values), 96)
    assert decoded.largest == largest and white_of(decoded.largest) == white
    pixels = decode_photo(deep(values), 96, white)
    assert pixels.min() == 0 and abs(int(pixels.max()) - largest * 255 // white) <= 1


def test_colours_whose_lower_bits_are_lost_are_refused() -> None:
    tifffile = pytest.importorskip("tifffile")
    for shift, refused in ((0, True), (4, False)):
        buffer = io.BytesIO()
        values = np.linspace(0, 4095, 96 * 96).reshape(96, 96).astype(np.uint16) << shift
        tifffile.imwrite(buffer, np.stack([values] * 3, axis=-1))
        if refused:
            with pytest.raises(PhotoError, match="colours of 16 bits, of which it uses no more than 12"):
                decode_photo(buffer.getvalue(), 96)
        else:
            assert decode_photo(buffer.getvalue(), 96).max() == 255


@pytest.mark.parametrize(("low", "high"), [(-1024, 3071), (0, 10**6)])
def test_values_that_no_16_bits_have_are_refused_with_their_range(low: int, high: int) -> None:
    values = np.linspace(low, high, 96 * 96).reshape(96, 96).astype(np.int32)
    with pytest.raises(PhotoError, match=f"has pixels from {low} to {high}, a range that no 16 bits have"):
        decode_photo(deep(values, "TIFF"), 96)


def heic() -> bytes:
    heif = pytest.importorskip("pillow_heif")
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :, 0] = 200
    buffer = io.BytesIO()
    heif.from_pillow(Image.fromarray(pixels)).save(buffer, quality=90)
    return buffer.getvalue()


def test_heic_is_read_where_its_package_is_installed() -> None:
    assert np.abs(decode_photo(heic(), 32)[16, 16].astype(int) - [200, 0, 0]).max() < 12


def test_heic_is_named_where_its_package_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    content = heic()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r"is HEIC, which is read where the package pillow-heif is installed"):
        decode_photo(content, 32)


def test_transparency_is_put_on_white_alike_in_strips_and_at_once() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1100, 60, 4), np.uint8)
    picture = Image.fromarray(pixels)
    whole = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    expected = np.asarray(whole.resize((96, 96), Image.Resampling.BILINEAR))
    assert np.array_equal(decode_photo(deep(pixels), 96), expected)


def progressive(width: int, height: int, **options: Any) -> bytes:
    """A small progressive JPEG whose header says that it is large: what the file lacks is taken as grey."""
    content = encoded(two_halves(), "JPEG", progressive=True, **options)
    frame = content.index(b"\xff\xc2")
    return content[: frame + 5] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + content[frame + 9 :]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_progressive_jpeg_that_would_fill_the_memory_at_any_scale_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PhotoError, match="is a progressive JPEG of 13000×13000 pixels, which would fill the memory"):
        decode_photo(progressive(13000, 13000, subsampling="4:4:4"), 16)
    monkeypatch.setattr(decoding, "MOST_COEFFICIENTS", 7_000_000)
    with pytest.raises(PhotoError, match="is a progressive JPEG"):
        decode_photo(progressive(2000, 2000, subsampling="4:4:4"), 16)
    assert decode_photo(progressive(2000, 2000, subsampling="4:2:0"), 16).shape == (16, 16, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_whose_exif_is_broken_is_read_as_it_stands(kind: str) -> None:
    upper, lower = halves(decode_photo(encoded(two_halves(), kind, exif=b"Exif\0\0MM\0nothing that can be read"), 16))
    assert np.abs(upper - RED).max() <= 6
    assert np.abs(lower - TEAL).max() <= 6


@pytest.mark.parametrize("is_progressive", [True, False])
def test_a_small_jpeg_with_hundreds_of_scans_is_refused_before_it_is_decoded(is_progressive: bool) -> None:
    content = encoded(two_halves(), "JPEG", progressive=is_progressive)
    last = content.rindex(b"\xff\xda")
    scans = content[:last] + content[last:-2] * 200 + content[-2:]
    with pytest.raises(PhotoError, match=r"is a JPEG of 2\d\d scans, more than 100; save it anew"):
        decode_photo(scans, 16)
    assert decode_photo(content, 16).shape == (16, 16, 3)


def test_a_jpeg_of_several_scans_that_would_fill_the_memory_is_refused_though_it_is_not_progressive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = encoded(two_halves(), "JPEG")
    last = content.rindex(b"\xff\xda")
    monkeypatch.setattr(decoding, "MOST_COEFFICIENTS", 10)
    assert decode_photo(content, 16).shape == (16, 16, 3)
    with pytest.raises(PhotoError, match="pixels in several scans, which would fill the memory"):
        decode_photo(content[:last] + content[last:-2] * 2 + content[-2:], 16)


def test_what_looks_like_scans_beside_a_jpegs_picture_is_none_of_its_own() -> None:
    """A phone puts a film behind the picture, and a camera its own notes before it."""
    content = encoded(two_halves(), "JPEG")
    notes = b"\xff\xef" + (402).to_bytes(2, "big") + b"\xff\xda" * 200
    assert decode_photo(content[:2] + notes + content[2:] + b"\xff\xda" * 200, 16).shape == (16, 16, 3)


def test_a_format_that_starts_other_programs_is_no_picture() -> None:
    """Pillow hands EPS to Ghostscript, which runs what the file says."""
    with pytest.raises(PhotoError, match="is not a picture of a known kind"):
        decode_photo(encoded(two_halves(), "EPS"), 16)


def png_of_16_bits(colours: int, samples: int, width: int, height: int) -> bytes:
    """A PNG as Pillow does not write it.

    Args:
        colours: 0 grey, 4 grey with transparency, 6 colours with transparency.
        samples: of a pixel, two bytes each.
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([16, colours, 0, 0, 0])
    row = b"\0" + (bytes(range(256)) * (width * samples // 128 + 1))[: 2 * width * samples]
    rows = zlib.compress(row * height, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere peaks are told in other units")
@pytest.mark.parametrize(("colours", "samples", "most"), [(0, 1, 10), (6, 4, 12)], ids=["grey", "RGBA"])
def test_a_large_picture_of_16_bits_takes_a_bounded_amount_of_memory(
    colours: int, samples: int, most: int, tmp_path: Path
) -> None:
    """In bytes a pixel; whole copies took 14 of grey, and 16 of RGBA, which of 50 million pixels are 800 MB."""
    file = tmp_path / "large.png"
    file.write_bytes(png_of_16_bits(colours, samples, 4000, 2500))
    script = """
        import resource, sys
        from pathlib import Path
        from pipeline.datasets.photos.decoding import decode_photo
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        decode_photo(Path(sys.argv[1]), 32)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(file)]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < most * 4000 * 2500


def test_grey_of_16_bits_is_scaled_alike_in_every_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = png_of_16_bits(0, 1, 40, 50)
    whole = decode_photo(photo, 40)
    monkeypatch.setattr(decoding, "STRIP", 7)
    np.testing.assert_array_equal(decode_photo(photo, 40), whole)
