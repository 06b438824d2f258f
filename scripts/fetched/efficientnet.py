"""EfficientNet-Lite0 from its PyTorch weights to ONNX, batch normalisation folded into the convolutions.

The architecture is that of https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite; the names
of the weights are those of the package.
"""

import collections
import pickle
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Repeats, kernel, stride, expansion, channels out.
STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112)]
STAGES += [(4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]
EPSILON = 1e-3
TYPES = {"FloatStorage": np.float32, "LongStorage": np.int64}

Storage = collections.namedtuple("Storage", "dtype key")
Strided = collections.namedtuple("Strided", "storage offset shape strides")


class WeightsReader(pickle.Unpickler):
    """Reads tensors and nothing else: no code of the file is run."""

    def find_class(self, module, name):
        if name in TYPES:
            return name
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: Strided(storage, offset, shape, strides)
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        raise pickle.UnpicklingError(f"{module}.{name} is not a part of weights")

    def persistent_load(self, pid):
        return Storage(TYPES[pid[1]], pid[2])


def read_weights(path):
    """The tensors of a file in the form that torch had before it took zip archives."""
    with open(path, "rb") as file:
        for _ in range(3):  # magic number, version, machine
            WeightsReader(file).load()
        tensors = WeightsReader(file).load()
        keys = WeightsReader(file).load()
        dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
        memory = {}
        for key in keys:
            (count,) = struct.unpack("<q", file.read(8))
            dtype = np.dtype(dtypes[key])
            memory[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    weights = {}
    for name, (storage, offset, shape, strides) in tensors.items():
        base = memory[storage.key][offset:]
        strides = [stride * base.itemsize for stride in strides]
        weights[name] = np.lib.stride_tricks.as_strided(base, shape, strides).copy()
    return weights


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.initializers = weights, [], []
        self.constant("low", np.float32(0))
        self.constant("high", np.float32(6))

    def constant(self, name, value):
        self.initializers.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolution(self, x, weight, norm, output, stride=1, groups=1, is_active=True):
        kernel = self.weights[f"{weight}.weight"].astype(np.float64)
        gamma, beta, mean, variance = (
            self.weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        inputs = [
            x,
            self.constant(f"{output}.kernel", kernel * scale[:, None, None, None]),
            self.constant(f"{output}.bias", beta - mean * scale),
        ]
        y = self.node("Conv", inputs, output, strides=[stride, stride], group=groups, auto_pad="SAME_UPPER")
        return self.node("Clip", [y, "low", "high"], f"{output}.active") if is_active else y


def convert(source, target):
    graph = Graph(read_weights(source))
    x = graph.convolution("pixel_values", "_conv_stem", "_bn0", "stem", stride=2)
    channels, block = 32, 0
    for repeats, _, first_stride, expansion, out in STAGES:
        for repeat in range(repeats):
            name = f"_blocks.{block}"
            stride = first_stride if repeat == 0 else 1
            inner = channels * expansion
            y = x
            if expansion != 1:
                y = graph.convolution(y, f"{name}._expand_conv", f"{name}._bn0", f"{block}.expand")
            y = graph.convolution(y, f"{name}._depthwise_conv", f"{name}._bn1", f"{block}.depth", stride, inner)
            y = graph.convolution(y, f"{name}._project_conv", f"{name}._bn2", f"{block}.project", is_active=False)
            if stride == 1 and channels == out:
                y = graph.node("Add", [y, x], f"{block}.sum")
            x, channels, block = y, out, block + 1
    x = graph.convolution(x, "_conv_head", "_bn1", "head")
    x = graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "pooled")], "flat")
    weight = graph.constant("classes.weight", graph.weights["_fc.weight"])
    graph.node("Gemm", [x, weight, graph.constant("classes.bias", graph.weights["_fc.bias"])], "logits", transB=1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet-lite0",
            [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["N", 3, 224, 224])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 1000])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    onnx.save(model, target)
