"""Writes test/fixtures/pictures: small pictures of every kind, and what Pillow makes of them and of noise.

    python3 -m venv venv && venv/bin/pip install pillow==12.1.1 numpy && venv/bin/python scripts/pillow_expectations.py

Pillow 12.1, because 13.0 resamples some tall pictures down before across, which changes pixels by one; models were
trained with the order that it had in all the years before.
"""

import hashlib
import io
import json
import pathlib

import numpy as np
import PIL
from PIL import Image, ImageOps

FOLDER = pathlib.Path(__file__).parent.parent / "test" / "fixtures" / "pictures"
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
SOURCES = [(1, 1), (1, 7), (7, 1), (2, 3), (13, 17), (64, 48), (199, 301), (700, 31), (31, 700)]
TARGETS = [(1, 1), (3, 2), (16, 16), (33, 57), (224, 224), (500, 9)]


def noise(count):
    """The same bytes as `noise` in src/processing/testing/noise.ts."""
    state, out = 1, bytearray(count)
    for i in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        out[i] = state >> 16 & 255
    return np.frombuffer(bytes(out), np.uint8)


def digest(image):
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()[:16]


def resampled():
    cases = []
    for width, height in SOURCES:
        for channels in (1, 3):
            pixels = noise(width * height * channels)
            shape = (height, width) if channels == 1 else (height, width, 3)
            image = Image.fromarray(pixels.reshape(shape))
            for target in TARGETS:
                digests = {name: digest(image.resize(target, code)) for name, code in FILTERS.items()}
                cases.append({"source": [width, height, channels], "target": target, "digests": digests})
    return cases


def gradient():
    y, x = np.mgrid[0:50, 0:70]
    return np.stack([x * 3, y * 5, (x * y) % 256], 2).astype(np.uint8)


def pictures():
    """Name, bytes."""
    plain = Image.fromarray(gradient())

    def saved(image, kind, **options):
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        yield f"exif-{orientation}.jpg", saved(plain, "JPEG", exif=exif)
    exif = Image.Exif()
    exif[0x112] = 77
    yield "exif-wrong.jpg", saved(plain, "JPEG", exif=exif)
    yield "progressive.jpg", saved(plain, "JPEG", progressive=True, subsampling=0, quality=90)
    yield "halved.jpg", saved(plain.crop((0, 0, 33, 21)), "JPEG", subsampling=2, quality=60)
    yield "grey.jpg", saved(plain.convert("L"), "JPEG")
    yield "cmyk.jpg", saved(plain.convert("CMYK"), "JPEG", quality=90)
    yield "rgb.png", saved(plain, "PNG")
    yield "palette.png", saved(plain.quantize(64), "PNG", transparency=3)
    yield "alpha.png", saved(Image.fromarray(np.dstack([gradient(), gradient()[:, :, 0]])), "PNG")
    yield "grey-alpha.png", saved(plain.convert("LA"), "PNG")
    yield "bits.png", saved(plain.convert("1"), "PNG")
    yield "palette.gif", saved(plain.quantize(64), "GIF")
    yield "moving.gif", saved(
        plain.quantize(16), "GIF", save_all=True, append_images=[plain.rotate(90).quantize(16)]
    )
    yield "lossy.webp", saved(plain, "WEBP", quality=80)
    yield "lossless.webp", saved(plain, "WEBP", lossless=True)
    yield "plain.tiff", saved(plain, "TIFF")
    yield "one.png", saved(plain.crop((9, 9, 10, 10)), "PNG")


def refused():
    """Pictures that are not taken: name, bytes."""
    out = io.BytesIO()
    Image.fromarray(noise(1200).view(np.uint16).reshape(20, 30)).save(out, "PNG")
    yield "sixteen-bits.png", out.getvalue()


def main():
    decoded = []
    for name, content in [*pictures(), *refused()]:
        (FOLDER / name).write_bytes(content)
    for name, content in pictures():
        image = Image.open(io.BytesIO(content))
        seen = ImageOps.exif_transpose(image).convert("RGB")
        decoded.append(
            {
                "name": name,
                "size": seen.size,
                "rgb": digest(seen),
                "grey": digest(ImageOps.exif_transpose(image).convert("L")),
                "unturned": digest(image.convert("RGB")),
                "bicubic": digest(seen.resize((40, 24), Image.BICUBIC)),
            }
        )
    expected = {"pillow": PIL.__version__, "resampled": resampled(), "decoded": decoded}
    text = json.dumps(expected, separators=(",", ":")).replace('{"source"', '\n{"source"').replace('{"name"', '\n{"name"')
    (FOLDER / "expected.json").write_text(text + "\n")


main()
