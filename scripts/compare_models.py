"""Holds a running server to Python: what `fetch_models.py` fetches, asked here and there.

    pip install pillow==12.1.1 numpy onnxruntime tokenizers
    python scripts/compare_models.py http://localhost:8000 models

The server serves the folder. Fails where labels, texts or boxes differ, or numbers by more than is said.
"""

import base64
import io
import json
import pathlib
import sys
import urllib.request

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw, ImageFont
from tokenizers import Tokenizer

url, folder = sys.argv[1], pathlib.Path(sys.argv[2])
CAT = pathlib.Path(__file__).parent.parent / "docs" / "images" / "cat.jpg"
TEXTS = ["That is a happy person", "That is a very happy person", "Today is a sunny day", "né 中文 😀", "word " * 400]
LINES = ["Hello, world", "The quick brown fox", "Invoice 2024-117", "a"]


def ask(model, body):
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{url}/api/inference/{model}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["result"]


def picture(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return {"b64": base64.b64encode(out.getvalue()).decode()}


def session(path):
    return onnxruntime.InferenceSession(folder / path)


def drawn(text, size, color=(20, 20, 20)):
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("RGB", (right + size, bottom + size // 2), (235, 232, 224))
    ImageDraw.Draw(image).text((size // 2, size // 4), text, font=font, fill=color)
    return image


def bilinear(pixels, width, height):
    """As OpenCV resizes, without smoothing what becomes smaller; in floats."""

    def axis(size, wanted):
        places = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
        low = np.floor(places).astype(int)
        return low, np.minimum(low + 1, size - 1), places - low

    y0, y1, dy = axis(pixels.shape[0], height)
    x0, x1, dx = axis(pixels.shape[1], width)
    rows = pixels[y0] * (1 - dy)[:, None, None] + pixels[y1] * dy[:, None, None]
    return rows[:, x0] * (1 - dx)[None, :, None] + rows[:, x1] * dx[None, :, None]


def photos():
    model = session("photos/1/model.onnx")
    labels = (folder / "photos" / "labels.txt").read_text().splitlines()
    cat = Image.open(CAT).convert("RGB")
    worst = 0
    for image in (cat, cat.rotate(90, expand=True), cat.crop((60, 20, 333, 290)), cat.resize((1600, 1064), Image.BICUBIC)):
        width, height = image.size
        size = (256, 256 * height // width) if width <= height else (256 * width // height, 256)
        left, top = (round((side - 224) / 2) for side in size)
        seen = image.resize(size, Image.Resampling.BICUBIC).crop((left, top, left + 224, top + 224))
        tensor = ((np.asarray(seen, np.float32) - 127) / 128).transpose(2, 0, 1)[None]
        logits = model.run(None, {"pixel_values": np.ascontiguousarray(tensor)})[0][0].astype(np.float64)
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        best = shares.argsort()[::-1][:5]
        found = ask("photos", {"image": picture(image)})["labels"]
        assert [one["label"] for one in found] == [labels[i] for i in best], found
        worst = max(worst, np.abs(shares[best] - [one["score"] for one in found]).max())
    return worst, 1e-6


def sentences():
    model = session("sentences/model.onnx")
    tokenizer = Tokenizer.from_file(str(folder / "sentences" / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.no_padding()
    worst = 0
    together = np.array(ask("sentences", {"text": TEXTS})["embedding"])
    for i, text in enumerate(TEXTS):
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        vector = model.run(None, inputs)[0][0].astype(np.float64).mean(0)
        vector /= np.linalg.norm(vector)
        for found in (together[i], np.array(ask("sentences", {"text": text})["embedding"])):
            worst = max(worst, np.abs(vector - found).max())
    return worst, 1e-5


def lines():
    model = session("lines/1/model.onnx")
    keys = ["", *(folder / "lines" / "keys.txt").read_text().split("\n")]
    keys = [key for i, key in enumerate(keys) if i == 0 or key != ""] + [" "]
    worst = 0
    for text in LINES:
        image = drawn(text, 40)
        width = int(np.ceil(48 * image.size[0] / image.size[1]))
        pixels = np.rint(bilinear(np.asarray(image, np.float64)[:, :, ::-1], width, 48)) / 255
        tensor = ((pixels - 0.5) / 0.5).transpose(2, 0, 1)[None].astype(np.float32)
        steps = model.run(None, {"x": tensor})[0][0]
        best = steps.argmax(1)
        kept = [i for i, key in enumerate(best) if key != 0 and (i == 0 or key != best[i - 1])]
        found = ask("lines", {"image": picture(image)})["text"]
        assert found["text"] == "".join(keys[best[i]] for i in kept), (text, found)
        worst = max(worst, abs(found["score"] - np.mean([steps[i, best[i]] for i in kept])))
    return worst, 5e-3


def characters():
    model = session("characters/1/model.onnx")
    worst = 0
    for text, size in (("A K R", 60), ("X7", 150), ("Mood 5", 33)):
        image = drawn(text, size, (150, 40, 30))
        pixels = np.asarray(image, np.float64)[:, :, ::-1]
        ratio = min(416 / pixels.shape[0], 416 / pixels.shape[1])
        height, width = int(pixels.shape[0] * ratio), int(pixels.shape[1] * ratio)
        whole = np.full((416, 416, 3), 114.0)
        whole[:height, :width] = np.rint(bilinear(pixels, width, height))
        output = model.run(None, {"images": whole.transpose(2, 0, 1)[None].astype(np.float32)})[0][0]
        boxes = decoded(output)
        scores = output[:, 4] * output[:, 5]
        kept = []
        for i in scores.argsort()[::-1]:
            if scores[i] > 0.1 and all(overlap(boxes[i], boxes[other]) <= 0.45 for other in kept):
                kept.append(i)
        found = ask("characters", {"image": picture(image)})["objects"]
        assert len(found) == len(kept), (text, len(found), len(kept))
        limits = [image.size[0], image.size[1]] * 2
        for one, i in zip(found, kept):
            assert abs(one["score"] - scores[i]) < 0.01, (one, scores[i])
            worst = max(worst, np.abs(np.clip(boxes[i] / ratio, 0, limits) - one["box"]).max())
    return worst, 1.0


def decoded(output):
    cells = [(x, y, stride) for stride in (8, 16, 32) for y in range(416 // stride) for x in range(416 // stride)]
    x, y, stride = np.array(cells, np.float64).T
    middle_x, middle_y = (output[:, 0] + x) * stride, (output[:, 1] + y) * stride
    width, height = np.exp(output[:, 2]) * stride, np.exp(output[:, 3]) * stride
    return np.stack([middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2], 1)


def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


for check in (photos, sentences, lines, characters):
    if not (folder / check.__name__).is_dir():
        continue
    worst, allowed = check()
    print(f"{check.__name__}: differs by {worst:.2g} at the most ({allowed:.2g} allowed)")
    assert worst <= allowed
