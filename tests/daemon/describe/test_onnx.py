"""The user's own models: small generated ones."""

import numpy as np
import pytest
from onnx import TensorProto
from PIL import Image

from picturerail_daemon.describe.clip import Clip
from picturerail_daemon.describe.interface import DescriberUnavailable
from picturerail_daemon.describe.onnx import OnnxDescriber
from picturerail_daemon.describe.onnx_classifier import OnnxClassifier

from ...small_models import colour_clip, mean_colours

RED, GREEN, BLUE = "#ff0000", "#00ff00", "#0000ff"


@pytest.fixture
def classifier(tmp_path):
    """Make a classifier of colours; the labels may be given."""

    def classifier(labels="red, scarlet\n\nblue\n", **more):
        path, names = tmp_path / "model.onnx", tmp_path / "labels.txt"
        mean_colours(path, **more.pop("model", {}))
        names.write_text(labels)
        settings = {"threshold": 0.5, "scores": "softmax", "threads": 1}
        settings |= {"mean": (0, 0, 0), "std": (1, 1, 1), **more}
        return OnnxClassifier(model=path, labels=names, **settings)

    return classifier


@pytest.mark.parametrize(
    "model",
    [{}, {"layout": "nhwc"}, {"kind": TensorProto.UINT8}],
    ids=["nchw", "nhwc", "bytes"],
)
def test_a_classifier_and_its_labels(classifier, subject, model):
    """Order and type of the input are the model's; a class may have several words or none."""
    describer = OnnxDescriber(classifier(model=model), None, [])

    answers = describer.describe(
        [subject(Image.new("RGB", (320, 240), colour)) for colour in (RED, GREEN, BLUE)]
    )

    tags = [{tag.name: tag.confidence for tag in a.description.tags} for a in answers]
    assert tags == [{"red": 0.9999, "scarlet": 0.9999}, {}, {"blue": 0.9999}]


def test_scores_of_independent_classes(classifier):
    """A sigmoid lets several classes be sure at once."""
    yellow = classifier(labels="red\ngreen\nblue", scores="sigmoid", threshold=0.9).classify(
        Image.new("RGB", (64, 64), "#ffff00")
    )

    assert yellow.keys() == {"red", "green"}


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda folder: (folder / "model.onnx").unlink(), "no such model file"),
        (lambda folder: (folder / "model.onnx").write_bytes(b"\x08junk"), "no model that can be"),
        (lambda folder: (folder / "labels.txt").unlink(), "labels cannot be read"),
        (lambda folder: (folder / "labels.txt").write_text("one\ntwo\n"), "2 labels for the 3"),
        (lambda folder: (folder / "labels.txt").write_bytes(b"\xff\xff"), "not UTF-8"),
    ],
    ids=["gone", "junk", "no-labels", "few-labels", "encoding"],
)
def test_a_wrong_file_is_named_in_one_line(classifier, tmp_path, subject, break_it, says):
    """The describer is unavailable, and the line names the file."""
    describer = OnnxDescriber(classifier(), None, [])
    break_it(tmp_path)

    with pytest.raises(DescriberUnavailable, match=says) as caught:
        describer.describe([subject()])
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_files_are_another_version(tmp_path):
    """A better model describes again what the older one did."""
    file = tmp_path / "model.onnx"
    versions = set()
    for content in (None, b"1", b"22"):
        if content:
            file.write_bytes(content)
        versions.add(OnnxDescriber(None, None, [file]).version)
    assert len(versions) == 3


@pytest.fixture
def clip_folder(tmp_path):
    """Write a pair of encoders."""
    return colour_clip(tmp_path / "colours")


def test_pictures_and_texts_meet_in_one_space(clip_folder, subject):
    """What a picture shows is nearest to the text that says it."""
    clip = Clip(clip_folder, least=0.2, threads=1)
    answers = OnnxDescriber(None, clip, []).describe(
        [subject(Image.new("RGB", (320, 240), colour)) for colour in (RED, GREEN, BLUE)]
    )
    pictures = np.array([answer.vectors[clip.space] for answer in answers])

    # CLIP's own normalisation makes what is absent negative.
    assert [int((pictures @ clip.encode(word)).argmax()) for word in ("red", "green", "blue")] == [
        0,
        1,
        2,
    ]
    assert np.allclose(np.linalg.norm(pictures, axis=1), 1, atol=1e-5)
    assert clip.space.startswith("clip/colours-")


@pytest.mark.parametrize("name", ["vision.onnx", "text.onnx", "tokenizer.json"])
def test_a_missing_encoder_is_named(clip_folder, subject, name):
    """Each of the three files is named when it is what lacks."""
    (clip_folder / name).unlink()
    clip = Clip(clip_folder, least=0.2, threads=1)

    with pytest.raises(DescriberUnavailable, match=name):
        if name == "vision.onnx":
            OnnxDescriber(None, clip, []).describe([subject()])
        else:
            clip.encode("red")


def test_a_registered_file_must_be_the_registered_one(clip_folder, subject):
    """Other bytes under a known name are not run."""
    clip = Clip(clip_folder, least=0.2, threads=1, digests={"vision.onnx": "0" * 64})

    with pytest.raises(DescriberUnavailable, match=r"vision\.onnx: not the file .* registered"):
        OnnxDescriber(None, clip, []).describe([subject()])
