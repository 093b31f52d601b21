"""EfficientNet-Lite as an ONNX graph.

The architecture is EfficientNet (Tan and Le, 2019) without squeeze-and-excitation and with
ReLU6, as published for EfficientNet-Lite0; batch normalisation is folded into the
convolutions. Paddings are TensorFlow's SAME, which puts the odd pixel below and right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from picturerail_daemon.describe.weights import Weights

SIZE = 224
FEATURES = 1280
CLASSES = 1000
_EPSILON = 1e-3


@dataclass(frozen=True)
class _Stage:
    repeats: int
    kernel: int
    stride: int
    expand: int
    inputs: int
    outputs: int


_STAGES = (
    _Stage(1, 3, 1, 1, 32, 16),
    _Stage(2, 3, 2, 6, 16, 24),
    _Stage(2, 5, 2, 6, 24, 40),
    _Stage(3, 3, 2, 6, 40, 80),
    _Stage(3, 5, 1, 6, 80, 112),
    _Stage(4, 5, 2, 6, 112, 192),
    _Stage(1, 3, 1, 6, 192, 320),
)


class _Graph:
    """Gathers nodes; every method returns the name of its output."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def convolution(
        self, source: str, name: str, norm: str, stride: int = 1, group: int = 1
    ) -> str:
        """Convolve and normalise: w·x with w and b scaled by the folded statistics."""
        w = self._weights[f"{name}.weight"]
        scale = self._weights[f"{norm}.weight"] / np.sqrt(
            self._weights[f"{norm}.running_var"] + _EPSILON
        )
        bias = self._weights[f"{norm}.bias"] - self._weights[f"{norm}.running_mean"] * scale
        return self.add(
            "Conv",
            [
                source,
                self.constant(f"{name}.w", w * scale[:, None, None, None]),
                self.constant(f"{name}.b", bias),
            ],
            kernel_shape=list(w.shape[2:]),
            strides=[stride, stride],
            group=group,
            auto_pad="SAME_UPPER",
        )

    def relu6(self, source: str) -> str:
        return self.add("Clip", [source, "zero", "six"])


def build_model(weights: Weights) -> bytes:
    """Return the serialised model: input [N,3,224,224], outputs logits and features."""
    graph = _Graph(weights)
    graph.constant("zero", np.array(0.0))
    graph.constant("six", np.array(6.0))
    x = graph.relu6(graph.convolution("pixels", "_conv_stem", "_bn0", stride=2))
    number = 0
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            inputs = stage.inputs if repeat == 0 else stage.outputs
            stride = stage.stride if repeat == 0 else 1
            x = _block(graph, x, f"_blocks.{number}", stage, inputs, stride)
            number += 1
    x = graph.relu6(graph.convolution(x, "_conv_head", "_bn1"))
    pooled = graph.add("GlobalAveragePool", [x])
    graph.nodes.append(helper.make_node("Flatten", [pooled], ["features"], axis=1))
    graph.nodes.append(
        helper.make_node(
            "Gemm",
            [
                "features",
                graph.constant("fc.w", weights["_fc.weight"]),
                graph.constant("fc.b", weights["_fc.bias"]),
            ],
            ["logits"],
            transB=1,
        )
    )
    made = helper.make_graph(
        graph.nodes,
        "efficientnet-lite0",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", FEATURES]),
        ],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _block(graph: _Graph, source: str, name: str, stage: _Stage, inputs: int, stride: int) -> str:
    """An inverted residual: widen, convolve by channel, narrow, add where shapes allow."""
    x = source
    if stage.expand != 1:
        x = graph.relu6(graph.convolution(x, f"{name}._expand_conv", f"{name}._bn0"))
    x = graph.relu6(
        graph.convolution(
            x,
            f"{name}._depthwise_conv",
            f"{name}._bn1",
            stride=stride,
            group=inputs * stage.expand,
        )
    )
    x = graph.convolution(x, f"{name}._project_conv", f"{name}._bn2")
    return graph.add("Add", [x, source]) if stride == 1 and inputs == stage.outputs else x
