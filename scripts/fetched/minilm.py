"""A BERT encoder from its safetensors to ONNX: `last_hidden_state` of `input_ids`, `attention_mask`, `token_type_ids`."""

import json
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DTYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
# Added to the score of what is masked.
MASKED = -10_000.0


def read_safetensors(path):
    """https://github.com/huggingface/safetensors#format"""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, about in head.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in about["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], DTYPES[about["dtype"]]).reshape(about["shape"])
    return tensors


class Encoder:
    def __init__(self, config, weights):
        self.config, self.weights = config, weights
        self.nodes, self.initializers, self.count = [], {}, 0

    def constant(self, name, value, dtype=np.float32):
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(value, dtype), name)
        return name

    def integers(self, *values):
        return self.constant(f"integers_{'_'.join(map(str, values))}", values, np.int64)

    def number(self, value):
        return self.constant(f"number_{value}", value)

    def __call__(self, kind, *inputs, to=None, **attributes):
        self.count += 1
        output = to or f"{kind}_{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def linear(self, x, name):
        weight = self.constant(f"{name}.weight", self.weights[f"{name}.weight"].T)
        return self("Add", self("MatMul", x, weight), self.constant(f"{name}.bias", self.weights[f"{name}.bias"]))

    def norm(self, x, name, to=None):
        scale, bias = (self.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        epsilon = self.config["layer_norm_eps"]
        return self("LayerNormalization", x, scale, bias, to=to, axis=-1, epsilon=epsilon)

    def embeddings(self):
        table = {
            kind: self.constant(f"{kind}.table", self.weights[f"embeddings.{kind}_embeddings.weight"])
            for kind in ("word", "position", "token_type")
        }
        length = self("Slice", self("Shape", "input_ids"), self.integers(1), self.integers(2))
        places = self("Slice", table["position"], self.integers(0), length, self.integers(0))
        words = self("Gather", table["word"], "input_ids")
        types = self("Gather", table["token_type"], "token_type_ids")
        return self.norm(self("Add", self("Add", words, types), places), "embeddings.LayerNorm")

    def attention(self, x, name, mask):
        heads = self.config["num_attention_heads"]
        width = self.config["hidden_size"] // heads

        def split(part, order):
            y = self("Reshape", self.linear(x, f"{name}.self.{part}"), self.integers(0, 0, heads, width))
            return self("Transpose", y, perm=order)

        scores = self("MatMul", split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]))
        scores = self("Mul", scores, self.number(1 / width**0.5))
        shares = self("Softmax", self("Add", scores, mask), axis=-1)
        mixed = self("Transpose", self("MatMul", shares, split("value", [0, 2, 1, 3])), perm=[0, 2, 1, 3])
        whole = self("Reshape", mixed, self.integers(0, 0, heads * width))
        return self.norm(self("Add", self.linear(whole, f"{name}.output.dense"), x), f"{name}.output.LayerNorm")

    def gelu(self, x):
        share = self("Add", self("Erf", self("Div", x, self.number(2**0.5))), self.number(1.0))
        return self("Mul", self("Mul", x, share), self.number(0.5))

    def build(self):
        self.nodes.append(helper.make_node("Cast", ["attention_mask"], ["real"], to=TensorProto.FLOAT))
        hidden = self("Sub", self.number(1.0), "real")
        mask = self("Unsqueeze", self("Mul", hidden, self.number(MASKED)), self.integers(1, 2))
        x = self.embeddings()
        layers = self.config["num_hidden_layers"]
        for layer in range(layers):
            name = f"encoder.layer.{layer}"
            x = self.attention(x, f"{name}.attention", mask)
            inner = self.gelu(self.linear(x, f"{name}.intermediate.dense"))
            to = "last_hidden_state" if layer == layers - 1 else None
            x = self.norm(self("Add", self.linear(inner, f"{name}.output.dense"), x), f"{name}.output.LayerNorm", to)


def convert(source, target):
    config = json.loads((source / "config.json").read_text())
    encoder = Encoder(config, read_safetensors(source / "model.safetensors"))
    encoder.build()
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    model = helper.make_model(
        helper.make_graph(
            encoder.nodes,
            "encoder",
            [helper.make_tensor_value_info(name, TensorProto.INT64, ["N", "tokens"]) for name in inputs],
            [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["N", "tokens", config["hidden_size"]])],
            list(encoder.initializers.values()),
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    onnx.save(model, target)
