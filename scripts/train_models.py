"""Trains the two models shipped with the server and writes their held-out fixtures.

Writes below the repository root (or below --root):

    models/digits/1/model.onnx    test/fixtures/digits-heldout.json
    models/iris/1/model.onnx      test/fixtures/iris-heldout.json

A model.yaml is written next to a model only where there is none, so that edited settings survive a
retraining. The data comes with scikit-learn; nothing is downloaded.

Each data set is split first. Everything that is fitted or selected afterwards sees the training part
only; the held-out part serves for the final measurement and for the fixtures.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

SEED = 20240
HELD_OUT_SHARE = 0.2
FOLDS = 5
OPSET = 17
IR_VERSION = 8

PIXEL_MAX = 16.0
FILTERS = 128
KERNEL = 5
PADDING = 1
POOL = 2
FILTER_SCALES = (0.8, 1.0, 1.2, 1.4, 1.6)
DIGITS_PENALTIES = (0.1, 1.0, 10.0)
IRIS_PENALTIES = (0.1, 1.0, 10.0, 100.0)

MIN_DIGITS_ACCURACY = 0.98
MIN_IRIS_ACCURACY = 0.9
MAX_BYTES = 500_000
ROW_TOLERANCE = 1e-6

DIGITS_DATA = "UCI Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, 1998), scikit-learn copy"
IRIS_DATA = "Iris (R. A. Fisher, 1936; measured by E. Anderson), scikit-learn copy"
IRIS_CLASSES = ("setosa", "versicolor", "virginica")


# ---------------------------------------------------------------- fitting


def split(rows, labels):
    """Stratified (train rows, held-out rows, train labels, held-out labels)."""
    return train_test_split(rows, labels, test_size=HELD_OUT_SHARE, stratify=labels, random_state=SEED)


def cross_validate(build, rows, labels):
    """(mean accuracy, minus the mean log loss) over the folds of the training part."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    accuracies, losses = [], []
    for train, test in folds.split(rows, labels):
        model = build().fit(rows[train], labels[train])
        probabilities = model.predict_proba(rows[test])
        accuracies.append(np.mean(probabilities.argmax(axis=1) == labels[test]))
        losses.append(log_loss(labels[test], probabilities, labels=model.classes_))
    return round(float(np.mean(accuracies)), 6), round(-float(np.mean(losses)), 6)


def logistic(penalty):
    return LogisticRegression(C=penalty, max_iter=10_000, tol=1e-6)


def random_filters(scale):
    """Gaussian convolution filters and uniform phases: a random Fourier map of each image patch."""
    random = np.random.default_rng(SEED)
    filters = scale * random.standard_normal((FILTERS, 1, KERNEL, KERNEL))
    phases = random.uniform(0.0, 2.0 * np.pi, FILTERS)
    return filters.astype(np.float32), phases.astype(np.float32)


def digit_features(images, filters, phases):
    """What the graph computes before its last layer: pad, convolve, cosine, average, flatten."""
    padded = np.pad(images / PIXEL_MAX, ((0, 0), (PADDING, PADDING), (PADDING, PADDING)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, (KERNEL, KERNEL), axis=(1, 2))
    rows, side = patches.shape[0], patches.shape[1]
    maps = patches.reshape(rows, side, side, KERNEL * KERNEL) @ filters.reshape(FILTERS, -1).T.astype(np.float64)
    maps = np.cos(maps + phases)
    cells = side // POOL
    pooled = maps.reshape(rows, cells, POOL, cells, POOL, FILTERS).mean(axis=(2, 4))
    return pooled.transpose(0, 3, 1, 2).reshape(rows, -1)


def fit_digits(images, labels):
    best = None
    for scale in FILTER_SCALES:
        filters, phases = random_filters(scale)
        features = digit_features(images, filters, phases)
        for penalty in DIGITS_PENALTIES:
            score = cross_validate(lambda: logistic(penalty), features, labels)
            if best is None or score > best[0]:
                best = (score, scale, penalty)
    score, scale, penalty = best
    print(f"digits: filter scale {scale}, C {penalty}, cross-validated accuracy {score[0]:.4f}")
    filters, phases = random_filters(scale)
    model = logistic(penalty).fit(digit_features(images, filters, phases), labels)
    return filters, phases, model


def fit_iris(features, labels):
    def build(penalty):
        return make_pipeline(StandardScaler(), logistic(penalty))

    score, penalty = max((cross_validate(lambda: build(c), features, labels), c) for c in IRIS_PENALTIES)
    print(f"iris: C {penalty}, cross-validated accuracy {score[0]:.4f}")
    scaler, model = build(penalty).fit(features, labels)
    return scaler, model


# ---------------------------------------------------------------- graphs


def tensor(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name)


def value(name, element_type, shape, doc):
    return helper.make_tensor_value_info(name, element_type, shape, doc_string=doc)


def build_model(name, doc, nodes, inputs, outputs, weights, metadata):
    graph = helper.make_graph(nodes, name, inputs, outputs, weights, doc_string=doc)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="scripts/train_models.py",
        model_version=1,
        doc_string=doc,
    )
    helper.set_model_props(model, {**metadata, "license": "Apache-2.0"})
    onnx.checker.check_model(model, full_check=True)
    return model


def digits_model(filters, phases, classifier):
    nodes = [
        helper.make_node("Unsqueeze", ["image", "channel_axis"], ["grey"]),
        helper.make_node("Div", ["grey", "pixel_max"], ["scaled"]),
        helper.make_node(
            "Conv",
            ["scaled", "filters", "phases"],
            ["angles"],
            kernel_shape=[KERNEL, KERNEL],
            pads=[PADDING] * 4,
        ),
        helper.make_node("Cos", ["angles"], ["waves"]),
        helper.make_node("AveragePool", ["waves"], ["cells"], kernel_shape=[POOL, POOL], strides=[POOL, POOL]),
        helper.make_node("Flatten", ["cells"], ["features"], axis=1),
        helper.make_node("Gemm", ["features", "weights", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    weights = [
        tensor("channel_axis", [1], np.int64),
        tensor("pixel_max", PIXEL_MAX),
        tensor("filters", filters),
        tensor("phases", phases),
        tensor("weights", classifier.coef_.T),
        tensor("bias", classifier.intercept_),
    ]
    return build_model(
        "digits",
        "Recognises handwritten digits in 8x8 grey images (pixel values 0 to 16).",
        nodes,
        [value("image", TensorProto.FLOAT, ["N", 8, 8], "Grey image, rows top to bottom, 0 (paper) to 16 (ink)")],
        [value("probabilities", TensorProto.FLOAT, ["N", 10], "Probability of each digit, 0 to 9")],
        weights,
        {"classes": ",".join(map(str, range(10))), "data": DIGITS_DATA, "data_license": "CC BY 4.0"},
    )


def iris_model(scaler, classifier):
    nodes = [
        helper.make_node("Sub", ["features", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "deviation"], ["scaled"]),
        helper.make_node("Gemm", ["scaled", "weights", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    weights = [
        tensor("mean", scaler.mean_),
        tensor("deviation", scaler.scale_),
        tensor("weights", classifier.coef_.T),
        tensor("bias", classifier.intercept_),
    ]
    return build_model(
        "iris",
        "Tells the iris species setosa (0), versicolor (1) and virginica (2) apart by four measurements.",
        nodes,
        [
            value(
                "features",
                TensorProto.FLOAT,
                ["N", 4],
                "Sepal length, sepal width, petal length, petal width in cm",
            )
        ],
        [
            value("label", TensorProto.INT64, ["N"], "Most probable class: 0 setosa, 1 versicolor, 2 virginica"),
            value("probabilities", TensorProto.FLOAT, ["N", 3], "Probability of each class"),
        ],
        weights,
        {"classes": ",".join(IRIS_CLASSES), "data": IRIS_DATA, "data_license": "CC BY 4.0"},
    )


# ---------------------------------------------------------------- files


def compact(values):
    return json.dumps(values, separators=(",", ":"))


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def write_model(path, model):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def write_fixture(path, key, rows, labels):
    lines = ",\n".join(compact(row) for row in rows)
    write_text(path, f'{{\n"{key}": [\n{lines}\n],\n"labels": {compact(labels)}\n}}\n')


def write_settings(path, description, name, lines):
    """The example is a request as the native API takes it: one row, with its leading dimension."""
    if path.exists():
        return
    write_text(path, f"description: {description}\nexample:\n  {name}:{lines}\n")


# ---------------------------------------------------------------- measuring


def check(path, rows, labels, min_accuracy):
    """Runs the written file; stops the script when it misses a promise of models/README.md."""
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    names = [output.name for output in session.get_outputs()]
    rows = np.asarray(rows, dtype=np.float32)

    def run(batch):
        return dict(zip(names, session.run(names, {name: batch})))

    whole = run(rows)
    single = [run(rows[i : i + 1]) for i in range(len(rows))]
    gap = max(float(np.max(np.abs(whole[key] - np.concatenate([one[key] for one in single])))) for key in names)
    predicted = whole["probabilities"].argmax(axis=1)
    hits = int(np.sum(predicted == labels))
    accuracy = hits / len(labels)
    size = path.stat().st_size
    print(
        f"{path.parent.parent.name}: {size} bytes, opset {OPSET}, IR {IR_VERSION}, "
        f"held-out accuracy {hits}/{len(labels)} = {accuracy:.4f}, batch against single rows {gap:.1e}"
    )
    for tensor_info in (*session.get_inputs(), *session.get_outputs()):
        assert tensor_info.shape[0] == "N", f"{tensor_info.name} has no symbolic leading dimension"
    assert "label" not in whole or np.array_equal(whole["label"], predicted), "label is not the most probable class"
    assert np.allclose(whole["probabilities"].sum(axis=1), 1.0, atol=1e-5), "probabilities do not add up to 1"
    assert accuracy >= min_accuracy, f"accuracy below {min_accuracy}"
    assert gap <= ROW_TOLERANCE, f"a row depends on its batch: {gap}"
    assert size < MAX_BYTES, f"larger than {MAX_BYTES} bytes"
    return whole["probabilities"]


def make_digits(root):
    data = load_digits()
    train_images, images, train_labels, labels = split(data.images, data.target)
    path = root / "models/digits/1/model.onnx"
    write_model(path, digits_model(*fit_digits(train_images, train_labels)))
    rows = images.astype(int).tolist()
    write_fixture(root / "test/fixtures/digits-heldout.json", "images", rows, labels.tolist())

    probabilities = check(path, images, labels, MIN_DIGITS_ACCURACY)
    digit = 3
    shown = int(np.argmax(np.where(labels == digit, probabilities[:, digit], -1.0)))
    write_settings(
        path.parent.parent / "model.yaml",
        f"Handwritten digits, 8x8 grey pixels from 0 to 16; the example shows a {digit}",
        "image",
        "\n    - " + "\n      ".join(f"- {json.dumps(line)}" for line in rows[shown]),
    )


def make_iris(root):
    data = load_iris()
    train_features, features, train_labels, labels = split(data.data, data.target)
    path = root / "models/iris/1/model.onnx"
    write_model(path, iris_model(*fit_iris(train_features, train_labels)))
    rows = features.tolist()
    write_fixture(root / "test/fixtures/iris-heldout.json", "features", rows, labels.tolist())

    check(path, features, labels, MIN_IRIS_ACCURACY)
    shown = int(np.argmax(labels == 0))
    write_settings(
        path.parent.parent / "model.yaml",
        "Iris species (setosa, versicolor, virginica) from four measurements in cm; the example is a setosa",
        "features",
        f" {json.dumps([rows[shown]])}",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parent.parent
    parser.add_argument("--root", type=Path, default=default, help="write below this folder, not the repository")
    root = parser.parse_args().root
    # One thread: the order of the sums, and with it every last bit, stays the same from run to run.
    with threadpool_limits(limits=1):
        make_digits(root)
        make_iris(root)


if __name__ == "__main__":
    main()
