"""The browser's index of this version stays what it is, and one of another is refused."""

from pathlib import Path

import pytest

from picturerail_exporter import search_beside, search_rows, search_state
from picturerail_exporter.search_file import MAGIC, ROOT, rows_of, texts_of, unpacked

from .golden_search import (
    APART,
    BANDED,
    BESIDE,
    FREQUENT,
    INVITING,
    MANY_FILES,
    NEAR,
    OWN,
    SHOWN,
    pictures,
)
from .helpers import index_only

GOLDEN = Path(__file__).parent / f"golden-search-{MAGIC[-1]}"


def rows(folder):
    """Return all rows of an index's files, and what its root tells beside which files there are."""
    found = sorted(  # a key may be of several kinds
        row
        for path in (folder / "search").iterdir()
        if path != folder / ROOT
        for row in rows_of(unpacked(path.read_bytes()))
        if row[0]  # of pages, which name files by their bytes
    )
    return found, list(texts_of(ROOT, (folder / ROOT).read_bytes()))


def test_the_same_pictures_make_the_same_index(tmp_path, monkeypatch):
    """Of the pictures that the golden index is of one is made with the same rows today."""
    monkeypatch.setattr(search_rows, "WHOLE", FREQUENT)
    monkeypatch.setattr(search_rows, "BANDED", BANDED)
    monkeypatch.setattr(search_rows, "SHOWN", SHOWN)
    monkeypatch.setattr(search_rows, "INVITING", INVITING)
    monkeypatch.setattr(search_state, "MANY_FILES", MANY_FILES)
    monkeypatch.setattr(search_beside, "LONG", BESIDE)
    monkeypatch.setattr(search_beside, "OWN", OWN)
    monkeypatch.setattr(search_beside, "APART", APART)

    index_only(pictures(), NEAR, tmp_path)

    assert rows(tmp_path) == rows(GOLDEN)


def test_the_golden_index_is_read(node):
    """Words, beginnings, phrases, neighbours, typos, frequent words and fields are found in it."""
    tasks = {
        "grass": [1],
        "meadow": [1],
        "kuch": [1],
        "2041": [1],
        '"hot dog"': [2, 3],
        "dog -running": [2],
        "runing": [3],
        "date:2019": [2],
        "n698 the": [698, 1398],
        "common n699": [699, 1399],
    }
    together = ["common boat", "boats common", "jpg common boat", "small pier harbour n5"]
    together += ["quay pier n5", "mole harbour n7"]

    answers = node(GOLDEN, [["search", query] for query in tasks])["answers"]
    best = node(GOLDEN, [["search", query, {"limit": 3}] for query in together])["answers"]

    found = {
        query: [hit["id"] for hit in answer["hits"]]
        for query, answer in zip(tasks, answers, strict=True)
    }
    assert found == tasks
    ids = [[hit["id"] for hit in answer["hits"]] for answer in best]
    assert ids[:3] == [[728, 764, 1064], [29, 329, 749], [728, 764, 1064]]
    assert ids[3:] == [[1405, 705, 5], [705, 5, 1457], [1407, 7, 707]]
    assert all(answer["total"] < 200 for answer in best)


@pytest.mark.parametrize("version", [MAGIC[-1] - 1, MAGIC[-1] + 1])
def test_another_version_is_refused(version, node, tmp_path):
    """A root of an older or a newer version is no index, to a browser and to `check`."""
    data = bytearray((GOLDEN / ROOT).read_bytes())
    data[len(MAGIC) - 1] = version
    (tmp_path / "search").mkdir()
    (tmp_path / ROOT).write_bytes(data)

    with pytest.raises(AssertionError, match="no file of a search index of this version"):
        node(tmp_path, [])
    with pytest.raises(ValueError, match="no file of a search index of this version"):
        unpacked(bytes(data))
