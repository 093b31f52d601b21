"""Subjects for describers."""

import pytest
from PIL import Image

from picturerail_daemon.describe.interface import Embedded, Subject


@pytest.fixture
def subject():
    """Make a subject out of an image and metadata."""

    def subject(image=None, *, exif=b"", xmp=b"", iptc=None, sidecars=(), name=b"a.jpg"):
        image = image or Image.new("RGB", (320, 240), "grey")
        return Subject(
            filename=name,
            embedded=lambda: Embedded(exif, xmp, iptc or {}),
            sidecars=lambda: tuple(sidecars),
            small=lambda: image,
            large=lambda: image,
        )

    return subject
