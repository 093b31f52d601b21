"""Small generated ONNX models: a classifier of colours, and a pair of encoders for them."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers


def save(path, nodes, inputs, outputs, constants=()):
    """Write a model."""
    graph = helper.make_graph(nodes, "small", inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)


def tensor(name, kind, shape):
    """Describe an input or output."""
    return helper.make_tensor_value_info(name, kind, shape)


def mean_colours(path, *, layout="nchw", output="scores", kind=TensorProto.FLOAT):
    """Write a model whose three numbers are the mean red, green and blue, tenfold."""
    shape = ["n", 3, 8, 8] if layout == "nchw" else ["n", 8, 8, 3]
    axes = [2, 3] if layout == "nchw" else [1, 2]
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("Mul", ["mean", "ten"], [output]),
    ]
    ten = numpy_helper.from_array(np.float32(10 if kind == TensorProto.FLOAT else 10 / 255), "ten")
    save(path, nodes, [tensor("pixels", kind, shape)], [tensor(output, 1, ["n", 3])], [ten])


def colour_clip(folder):
    """Write a pair of encoders into a space of red, green and blue."""
    folder.mkdir()
    mean_colours(folder / "vision.onnx", output="image_embeds")
    words = {"<unk>": 0, "red": 1, "green": 2, "blue": 3}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))  # noqa: S106  a word
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.vstack([np.full(3, 0.01), np.eye(3)]).astype(np.float32)
    save(
        folder / "text.onnx",
        [
            helper.make_node("Gather", ["table", "input_ids"], ["each"]),
            helper.make_node("ReduceSum", ["each", "axis"], ["text_embeds"], keepdims=0),
        ],
        [tensor("input_ids", TensorProto.INT64, ["n", "length"])],
        [tensor("text_embeds", 1, ["n", 3])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([1], np.int64), "axis"),
        ],
    )
    return folder
