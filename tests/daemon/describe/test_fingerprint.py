"""Perceptual hashes."""

import io

import pytest
import skimage.data
from PIL import Image, ImageEnhance

from picturerail_daemon.describe.fingerprint import fingerprint

PHOTOS = {
    name: Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    for name in ("astronaut", "chelsea", "coffee", "rocket")
}


def bits(one, other):
    """Count the bits that differ."""
    return (int(fingerprint(one), 16) ^ int(fingerprint(other), 16)).bit_count()


def recompressed(image):
    """Return the picture smaller, as a poor JPEG."""
    buffer = io.BytesIO()
    image.resize((200, 200 * image.height // image.width)).save(buffer, "JPEG", quality=40)
    return Image.open(buffer)


@pytest.mark.parametrize("name", PHOTOS)
def test_the_same_photograph_differs_in_few_bits(name):
    """Another size, format, quality and brightness leaves nearly all of them."""
    photo = PHOTOS[name]

    assert bits(photo, recompressed(photo)) <= 4
    assert bits(photo, ImageEnhance.Brightness(photo).enhance(1.15)) <= 6


def test_different_photographs_differ_in_many():
    """No two of them could be taken for one another."""
    names = sorted(PHOTOS)
    distances = [bits(PHOTOS[a], PHOTOS[b]) for a in names for b in names if a < b]

    assert min(distances) >= 16


def test_a_plain_picture_has_a_hash_too():
    """A picture without structure neither fails nor looks like a photograph."""
    plain = Image.new("L", (50, 50), 128)

    assert len(fingerprint(plain)) == 16
    assert all(bits(plain, photo) > 16 for photo in PHOTOS.values())
