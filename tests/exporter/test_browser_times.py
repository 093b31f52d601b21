"""When pictures were taken: the browser's index tells it of many next to each other at once."""

import random

import numpy as np
import pytest

from picturerail_exporter import search_index, search_state, search_told
from picturerail_exporter.collection import published
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rules import Rules
from picturerail_exporter.search_file import Cut, packed_record
from picturerail_exporter.search_index import SearchIndex
from picturerail_exporter.search_state import ROWS
from picturerail_exporter.state import open_state

from .helpers import found_as_by_engine, index_only

WORDS = ["pier", "quay", "anchor", "rope", "sail", "gull"]
COUNT = 2000


@pytest.fixture
def orders(source, tmp_path, monkeypatch):
    """Index pictures that came as they were taken; return the files that tell when, by block."""
    small = {"orders": (ROWS["orders"][0], Cut(1, 1, packed_record, 1))}
    monkeypatch.setattr(search_state, "ROWS", {**ROWS, **small})
    blocks = {**search_index.BLOCKS, "orders": 64, "times": 64}
    monkeypatch.setattr(search_index, "BLOCKS", blocks)
    monkeypatch.setattr(search_told, "BLOCKS", blocks)
    rng = random.Random(14)
    for number, day in enumerate(sorted(rng.randrange(8 * 365) for _ in range(COUNT))):
        caption = " ".join(word for word in WORDS if rng.random() < 0.3)
        taken = str(np.datetime64("2012-01-01T10:00:00") + np.timedelta64(day, "D"))
        data = {"caption": caption, "taken": taken, "width": 30, "height": 20}
        source.add(f"{number}.jpg", b"%d" % number, **data)
    index_only(source, {}, tmp_path)
    with open_state(None) as state:
        for photo in published(source, Rules())[0]:
            state.put(photo)
        SearchIndex(state, tmp_path / "other", source.uuid, Recipe()).rebuild(lambda _: ())
        return [tmp_path / name for _, name in state.search.files("orders")]


def test_a_time_is_looked_up_where_it_is_not_told_of_all(orders, node, source, tmp_path):
    """Where all pictures of a block were taken in it, or none, nothing more is read of them."""
    photos = {photo.id: photo for photo in published(source, Rules())[0]}
    begin, end = (int(np.datetime64(f"{year}-01-01", "s").astype(int)) for year in (2015, 2017))
    partly = {
        block
        for block in {number // 64 for number in photos}
        if len({begin <= p.order < end for i, p in photos.items() if i // 64 == block}) > 1
    }
    queries = ["anchor date:2015..2016", "rope -date:2015..2016", "pier (sail OR date:2015..2016)"]
    tasks = [["search", query, {"limit": 20}] for query in queries]
    whole = node(tmp_path, tasks)
    found_as_by_engine(node, tmp_path, queries)

    for block, path in enumerate(orders):
        if block not in partly:
            path.unlink()

    assert 1 <= len(partly) <= 4 < len(orders)
    assert all(len(answer["hits"]) == 20 for answer in whole["answers"])
    assert node(tmp_path, tasks) == whole


def test_years_are_looked_up_where_a_block_has_several(orders, node, source, tmp_path):
    """Pictures of the others are counted, and narrowed to a year, without when each was taken."""
    photos = published(source, Rules())[0]
    years: dict[int, set[int]] = {}
    for photo in photos:
        year = int(np.datetime64(photo.order, "s").astype("datetime64[Y]").astype(int)) + 1970
        years.setdefault(photo.id // 64, set()).add(year)
    narrowed = {"filters": [{"facet": "year", "value": "2014"}], "limit": 20}
    tasks = [["facets", "anchor"], ["search", "rope", narrowed]]
    whole = node(tmp_path, tasks)
    several = [block for block, of in years.items() if len(of) > 1]

    for block, path in enumerate(orders):
        if block not in several:
            path.unlink()

    counts = dict(whole["answers"][0]["year"])
    assert 5 <= len(several) <= 8 < len(orders)
    assert counts.keys() == {str(year) for year in range(2012, 2020)}
    assert sum(counts.values()) == sum("anchor" in photo.caption for photo in photos)
    assert len(whole["answers"][1]["hits"]) == 20
    assert node(tmp_path, tasks) == whole


@pytest.mark.parametrize(("sort", "sign"), [("newest", -1), ("oldest", 1)])
def test_the_first_by_time_are_found_with_few_files(sort, sign, orders, node, source, tmp_path):
    """Of pictures that cannot come first it is not read when they were taken."""
    photos = {photo.id: photo for photo in published(source, Rules())[0]}
    queries = ["anchor", "rope sail", "pier -quay", '"pier quay"', "gull OR sail", "rope nowhere"]
    every = node(tmp_path, [["search", query, {}] for query in queries])["answers"]
    tasks = [["search", query, {"limit": 20, "sort": sort}] for query in queries]
    whole = node(tmp_path, tasks)

    for path in orders[8:] if sort == "oldest" else orders[:-8]:
        path.unlink()

    for query, answer, all_of_it in zip(queries, whole["answers"], every, strict=True):
        ids = [hit["id"] for hit in all_of_it["hits"]]
        ids.sort(key=lambda number: (sign * photos[number].order, number))
        assert [hit["id"] for hit in answer["hits"]] == ids[:20], query
        assert answer["total"] == len(ids) > 20, query
    assert len(orders) > 20
    assert node(tmp_path, tasks) == whole
