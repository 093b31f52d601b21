"""Which files the browser's index has, where these are so many that the root tells it in pages."""

import random

import pytest

from picturerail_exporter import search_state
from picturerail_exporter.search_file import ROOT, Cut, named_by, packed_size, rows_of, unpacked
from picturerail_exporter.search_state import ROWS
from picturerail_exporter.state import open_state

from .helpers import Follower, found_as_by_engine, index_only

MANY_FILES = 6
WORDS = ["boat", "boats", "sea", "seaside", "harbour", "gull", "pier", "quay", "rope", "sail"]


@pytest.fixture
def _small_files(monkeypatch):
    """Cut everything into small files, and what is much into smaller ones."""
    where = Cut(300, 900, packed_size, 2, fine=9000, fine_steps=2)
    small = {kind: (table, where) for kind, (table, _) in ROWS.items()}
    monkeypatch.setattr(search_state, "ROWS", small)


@pytest.fixture
def _pages(monkeypatch):
    """Let a few files be many."""
    monkeypatch.setattr(search_state, "MANY_FILES", MANY_FILES)
    monkeypatch.setattr(search_state, "PAGE", Cut(40, 90, lambda *_: 9, 2))


def fill(source, rng, count):
    """Add pictures."""
    for _ in range(count):
        number = max(source.rows, default=0) + 1
        words = rng.sample(WORDS, rng.randrange(1, 5)) + [f"w{rng.randrange(400)}" for _ in "123"]
        tags = ("old town",) * (rng.random() < 0.1)
        size = {"width": 30, "height": 20, "camera": rng.choice(["Canon EOS", "Leica"])}
        source.add(f"{number}.jpg", b"%d" % number, caption=" ".join(words), tags=tags, **size)


def is_page(data):
    """Tell whether a file is a page."""
    return next(rows_of(unpacked(data)))[0] == b""


TASKS = [
    ["search", "boat", {"limit": 20}],
    ["search", "sea gull w17"],
    ["search", '"old town"'],
    ["search", "se"],
    ["search", "harbuor", {"limit": 20}],
    ["search", "w3 OR w5", {"sort": "oldest"}],
    ["name", "44.jpg"],
    ["search", "camera:leica pier", {"limit": 20}],
    ["looks", "boat sea", {"limit": 20}],
]


@pytest.mark.usefixtures("_small_files")
def test_the_same_is_found(node, source, tmp_path, monkeypatch):
    """Whether the root tells the files or pages do."""
    fill(source, random.Random(1), 900)
    without, paged = tmp_path / "without", tmp_path / "paged"
    without.mkdir()
    index_only(source, {}, without)
    monkeypatch.setattr(search_state, "MANY_FILES", MANY_FILES)
    monkeypatch.setattr(search_state, "PAGE", Cut(400, 900, lambda *_: 9, 2))
    paged.mkdir()
    index_only(source, {}, paged)

    answers = [node(folder, TASKS) for folder in (without, paged)]

    for each in answers:
        for answer in each["answers"]:
            answer.pop("cost", None) if isinstance(answer, dict) else None
    assert answers[0] == answers[1]
    assert all(answer["hits"] for answer in answers[0]["answers"][:8])
    found_as_by_engine(node, paged, ["boat", "sea gull", "harbour OR w3", "rope -pier"])
    files = {path.name for path in (without / "search").iterdir()}
    more = {path.name for path in (paged / "search").iterdir()} - files
    assert more
    assert all(is_page((paged / "search" / name).read_bytes()) for name in more)
    assert 2 * (paged / ROOT).stat().st_size < (without / ROOT).stat().st_size
    told = named_by((paged / ROOT).read_bytes())
    assert {f"search/{name}" for name in more} <= told
    assert len(told) < len(files) / 2


@pytest.mark.usefixtures("_small_files", "_pages")
def test_damaged_pages_give_partial_results(node, source, tmp_path):
    """Whichever page is gone or garbled, a search answers and names it."""
    fill(source, random.Random(2), 400)
    index_only(source, {}, tmp_path)
    whole = node(tmp_path, TASKS)
    found = [path for path in sorted((tmp_path / "search").iterdir()) if path.name != "root.bin"]
    found = [path for path in found if is_page(path.read_bytes())]
    assert len(found) > 6
    noticed = 0
    for at, page in enumerate(found):
        held = page.read_bytes()
        page.write_bytes(held[: len(held) // 2 * (at % 2)])

        answers = node(tmp_path, TASKS)

        page.write_bytes(held)
        assert answers["problems"] in ([], [page.name])
        assert answers["problems"] or answers == whole
        noticed += len(answers["problems"])
    assert noticed > 3
    assert node(tmp_path, TASKS) == whole


@pytest.mark.usefixtures("_small_files", "_pages")
@pytest.mark.parametrize("seed", range(2))
def test_brought_up_to_date_as_if_anew(seed, source, tmp_path):
    """After changes the pages are those of an index made anew, and few others are written."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    fill(source, rng, 500)
    written = []
    with open_state(None) as state:
        follower = Follower(source, state, tmp_path)
        for step, count in enumerate((1, 1, 40, 460, 3)):
            for number in rng.sample(sorted(source.rows), count):
                source.delete(number)
            fill(source, rng, 400 if step == 4 else count // 4 + step % 2)
            written.append(sum(map(is_page, follower.follow().written.values())))
    assert 0 < written[0] < written[4]
