"""What the configuration says of the site reaches the exporter."""

import msgspec
import pytest
import tomli

from picturerail_config.settings import Export
from picturerail_daemon.service.site_options import site_albums
from picturerail_exporter.album_text import AlbumText

ALBUM = """
[[albums]]
folder = "/Bilder/Köln/"
title = "Cologne"
cover = "dom.jpg"
order = "oldest"
albums = ["day 2"]

[[albums]]
folder = "Bilder"
"""


def _export(text: str) -> Export:
    return msgspec.convert(tomli.loads(text), Export)


def test_albums_are_named_by_their_folders() -> None:
    """Slashes around a folder say nothing; what is left out is as without a text."""
    assert site_albums(_export(ALBUM)) == (
        ((b"Bilder", "Köln".encode()), AlbumText("Cologne", "", "dom.jpg", "oldest", ("day 2",))),
        ((b"Bilder",), AlbumText()),
    )


@pytest.mark.parametrize("wrong", ['order = "best"', 'name = "x"', 'folder = ""'])
def test_what_is_no_album_is_refused(wrong: str) -> None:
    """An unknown order or key, or no folder, is no configuration."""
    given = wrong if "folder" in wrong else f'folder = "a"\n{wrong}'
    with pytest.raises(msgspec.ValidationError):
        _export(f"[[albums]]\n{given}")
