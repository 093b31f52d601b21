"""Subjects for describers, and clients of a service."""

import pytest
from PIL import Image

from picturerail_daemon.describe.budget import Budget
from picturerail_daemon.describe.client import Client
from picturerail_daemon.describe.interface import Beside, Embedded, Subject


@pytest.fixture
def subject():
    """Make a subject out of an image and metadata."""

    def subject(image=None, *, exif=b"", xmp=b"", iptc=None, sidecars=(), name=b"a.jpg"):
        image = image or Image.new("RGB", (320, 240), "grey")
        return Subject(
            filename=name,
            embedded=lambda: Embedded(exif, xmp, iptc or {}),
            sidecars=lambda: tuple(
                each if isinstance(each, Beside) else Beside(".xmp", each) for each in sidecars
            ),
            small=lambda: image,
            large=lambda: image,
        )

    return subject


@pytest.fixture
def pauses():
    """Gather the pauses instead of sleeping."""
    return []


@pytest.fixture
def client(pauses, tmp_path):
    """Make a client of a service; `most` is its daily budget."""

    def client(most=0, timeout=1.0, now=None):
        budget = Budget(most, tmp_path / "budget.json", *([now] if now else []))
        headers = {"Ocp-Apim-Subscription-Key": "secret"}
        return Client(headers, timeout_seconds=timeout, budget=budget, pause=pauses.append)

    return client
