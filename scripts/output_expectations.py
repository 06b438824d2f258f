"""Writes test/fixtures/outputs/expected.json: what numpy makes of regressions and masks.

    python3 -m venv venv && venv/bin/pip install pillow==12.1.1 numpy && venv/bin/python scripts/output_expectations.py

The specs build their models of the weights that stand there. A mask's model is a Conv of one pixel over a resized picture and a mean of each four; its
weights are small whole numbers, so that nothing is rounded. Class maps are hashed: SHA-256 of their bytes, cut to 16 digits.
"""

import hashlib
import json
import pathlib

import numpy as np
from PIL import Image, ImageOps

FIXTURES = pathlib.Path(__file__).parent.parent / "test" / "fixtures"
PICTURES = ["exif-1.jpg", "exif-6.jpg", "rgb.png", "one.png"]
WEIGHTS = np.array([[2, -1, -1], [-1, 2, -1], [-1, -1, 2], [1, 1, 1], [-1, -1, 0]], np.float64)
BIAS = np.array([0, -40, 10, -330, 190], np.float64)
WIDTH, HEIGHT, FIT, PAD = 36, 24, 36, 114


def regression():
    """Petals of irises by their sepals: least squares over half of them, and what it says of the other half."""
    rows = np.array(json.loads((FIXTURES / "iris-heldout.json").read_text())["features"])
    half = len(rows) // 2
    known = np.hstack([rows[:, :2], np.ones((len(rows), 1))])
    weights = np.linalg.lstsq(known[:half], rows[:half, 2:], rcond=None)[0].astype(np.float32)
    asked = rows[half : half + 6, :2].astype(np.float32)
    return {"weights": weights[:2].tolist(), "bias": weights[2].tolist(), "sepals": asked.tolist(), "petals": (asked @ weights[:2] + weights[2]).tolist()}


def scores(image):
    pixels = np.asarray(image, np.float64)
    raw = pixels @ WEIGHTS.T + BIAS
    height, width = raw.shape[:2]
    return raw.reshape(height // 2, 2, width // 2, 2, -1).mean((1, 3))


def axis(size, scale, left, places, whole):
    at = ((np.arange(size) + 0.5) * scale + left) * places / whole - 0.5
    at = np.clip(at, 0, places - 1)
    first = np.floor(at).astype(int)
    return first, np.minimum(first + 1, places - 1), at - first


def upsampled(values, across, down):
    (x0, x1, fx), (y0, y1, fy) = across, down
    fx, fy = fx[None, :, None], fy[:, None, None]
    above = values[y0][:, x0] + (values[y0][:, x1] - values[y0][:, x0]) * fx
    below = values[y1][:, x0] + (values[y1][:, x1] - values[y1][:, x0]) * fx
    return above + (below - above) * fy


def described(ids, classes):
    counts = np.bincount(ids.ravel(), minlength=classes)
    return {"digest": hashlib.sha256(ids.astype(np.uint8).tobytes()).hexdigest()[:16], "counts": counts.tolist()}


def masks(name):
    image = ImageOps.exif_transpose(Image.open(FIXTURES / "pictures" / name)).convert("RGB")
    width, height = image.size
    squashed = scores(image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
    places = squashed.shape[1], squashed.shape[0]
    across = axis(width, WIDTH / width, 0, places[0], WIDTH)
    down = axis(height, HEIGHT / height, 0, places[1], HEIGHT)
    full = upsampled(squashed, across, down)
    nearest = [np.where(share < 0.5, first, second) for first, second, share in (across, down)]
    chosen = squashed.argmax(-1)[nearest[1]][:, nearest[0]]

    ratio = min(FIT / width, FIT / height)
    inner = round(width * ratio), round(height * ratio)
    left, top = round((FIT - inner[0]) / 2 - 0.1), round((FIT - inner[1]) / 2 - 0.1)
    boxed = Image.new("RGB", (FIT, FIT), (PAD, PAD, PAD))
    boxed.paste(image.resize(inner, Image.Resampling.BILINEAR), (left, top))
    values = scores(boxed)
    inside = upsampled(values, axis(width, ratio, left, FIT // 2, FIT), axis(height, ratio, top, FIT // 2, FIT))
    return {
        "name": name,
        "size": [width, height],
        "picture": described(full.argmax(-1), len(WEIGHTS)),
        "model": described(squashed.argmax(-1), len(WEIGHTS)),
        "chosen": described(chosen, len(WEIGHTS)),
        "fitted": described(inside.argmax(-1), len(WEIGHTS)),
        "above": described((full[:, :, 0] > 5).astype(int), 2),
    }


def main():
    masked = {"weights": WEIGHTS.tolist(), "bias": BIAS.tolist(), "pictures": [masks(name) for name in PICTURES]}
    folder = FIXTURES / "outputs"
    folder.mkdir(exist_ok=True)
    (folder / "expected.json").write_text(json.dumps({"regression": regression(), "masks": masked}, indent=1) + "\n")


main()
