"""The words whose meaning a site knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from picturerail_config.load import load
from picturerail_config.settings import Settings
from picturerail_daemon.meaning.words import WordVectors
from picturerail_daemon.service.places import Layout
from picturerail_daemon.service.vocabulary import site_meaning

from ...small_models import colour_clip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a pair of encoders of one's own."""
    (tmp_path / "photos").mkdir()
    colour_clip(tmp_path / "colours")
    config = tmp_path / "picturerail.toml"
    config.write_text(
        '[library]\nfolders = ["photos"]\n[store]\npath = "store"\n'
        '[describe]\nsources = ["onnx"]\n[describe.onnx]\nclip = "./colours"\n'
    )
    return load(config).settings


def words_of(tmp_path: Path, *words: str) -> WordVectors:
    """Return word vectors of two dimensions."""
    lines = [f"{word} {at + 1} 1" for at, word in enumerate(words)]
    file = tmp_path / "words.vec"
    file.write_text("\n".join([f"{len(words)} 2", *lines]) + "\n")
    return WordVectors(str(file), 10)


@pytest.mark.parametrize("damaged", [b"", b"nonsense", b"\x93NUMPY\x01\x00"])
def test_a_damaged_copy_is_made_anew(settings: Settings, tmp_path: Path, damaged: bytes) -> None:
    """What was kept of a model's vectors is used, and where it is damaged, made again."""
    layout = Layout(tmp_path / "store")
    meaning = site_meaning(settings, layout, words_of(tmp_path, "red", "green", "tree"))
    first = meaning.load()
    (kept,) = layout.models.glob("vocabulary-*.npy")
    assert [each.space.partition("/")[0] for each in first] == ["clip", "words"]
    np.save(kept, np.full((3, 3), 0.5, np.float16))
    assert (meaning.load()[0].vectors == 0.5).all()

    kept.write_bytes(damaged)

    assert (meaning.load()[0].vectors == first[0].vectors).all()
    assert (np.load(kept) == first[0].vectors).all()


def test_words_that_searches_cut_are_left_out(settings: Settings, tmp_path: Path) -> None:
    """Vectors of a script without spaces have no word that a search has as one."""
    layout = Layout(tmp_path / "store")

    assert site_meaning(settings, layout, words_of(tmp_path, "北京", "天安門")).load() == []
