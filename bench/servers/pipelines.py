"""What one would write by hand in Python for a photo and for a sentence: FastAPI, Pillow, tokenizers, onnxruntime.

Usage: MODELS=<folder of scripts/fetch_models.py> uvicorn --app-dir bench/servers pipelines:app
"""

import io
import json
import os

import numpy as np
import onnxruntime
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image
from tokenizers import Tokenizer

os.environ["TOKENIZERS_PARALLELISM"] = "false"
MODELS = os.environ["MODELS"]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
photos = onnxruntime.InferenceSession(f"{MODELS}/photos/1/model.onnx", options)
sentences = onnxruntime.InferenceSession(f"{MODELS}/sentences/model.onnx", options)
tokenizer = Tokenizer.from_file(f"{MODELS}/sentences/tokenizer.json")
tokenizer.enable_truncation(256)
tokenizer.enable_padding()
with open(f"{MODELS}/photos/labels.txt") as file:
    labels = file.read().splitlines()
app = FastAPI()


def classify(body):
    image = Image.open(io.BytesIO(body)).convert("RGB")
    width, height = image.size
    size = (256, 256 * height // width) if width <= height else (256 * width // height, 256)
    image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (round((side - 224) / 2) for side in size)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
    tensor = np.ascontiguousarray(((pixels - 127) / 128).transpose(2, 0, 1)[None])
    (logits,) = photos.run(None, {"pixel_values": tensor})[0]
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    return {"labels": [{"label": labels[i], "score": float(shares[i])} for i in shares.argsort()[::-1][:5]]}


def embed(texts):
    encodings = tokenizer.encode_batch(texts)
    ids = np.array([encoding.ids for encoding in encodings], np.int64)
    mask = np.array([encoding.attention_mask for encoding in encodings], np.int64)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    (hidden,) = sentences.run(None, inputs)
    weights = mask[..., None].astype(np.float32)
    vectors = (hidden * weights).sum(1) / weights.sum(1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return {"embedding": vectors.tolist()}


@app.post("/photos")
async def photo(request: Request):
    return await run_in_threadpool(classify, await request.body())


@app.post("/sentences")
async def sentence(request: Request):
    text = json.loads(await request.body())["text"]
    return await run_in_threadpool(embed, [text] if isinstance(text, str) else text)


@app.get("/ready")
def ready():
    return {}
