"""What the exporter's tests share: an in-memory source, small pictures."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

import msgspec
import numpy as np
import pytest
from PIL import Image
from skimage import data as skimage_data

from picturerail_exporter.collection import Photo, published
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rules import Rules
from picturerail_exporter.search_file import ROOT, rows_of, texts_of, unpacked
from picturerail_exporter.search_index import Brought, SearchIndex
from picturerail_exporter.search_state import ROWS
from picturerail_exporter.state import SiteState, open_state
from picturerail_native.database import FeedExpiredError, NotFoundError
from picturerail_native.records import (
    Change,
    Description,
    ImageChange,
    ImageRow,
    Metadata,
    Neighbours,
    RecordChange,
    Root,
    Table,
    Tag,
    encode_metadata,
    encode_record,
    neighbours_key,
    root_key,
)
from picturerail_native.search import Reader

if TYPE_CHECKING:
    from playwright.sync_api import Page

VECTORS = "test-vectors/1"


@dataclass
class MemorySource:
    """A database's view as plain values: what `source.Source` asks for, and ways to change it."""

    uuid: bytes = bytes(range(16))
    seq: int = 0
    rows: dict[int, ImageRow] = field(default_factory=dict)
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    tables: dict[tuple[Table, bytes], bytes] = field(default_factory=dict)
    stamps: dict[tuple[Table, bytes], int] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)
    expired: int = 0

    @property
    def info(self) -> MemorySource:
        """The view's own position."""
        return self

    def images(self) -> Iterator[ImageRow]:
        """Yield the live rows in id order."""
        return (self.rows[number] for number in sorted(self.rows))

    def get(self, image_id: int) -> ImageRow | None:
        """Return a row."""
        return self.rows.get(image_id)

    def changes(self, since: int) -> Iterator[Change]:
        """Yield what changed after a transaction, in order."""
        if since < self.expired:
            raise FeedExpiredError("too old")
        found: list[Change] = [ImageChange(row.seq, row.id, row) for row in self.rows.values()]
        found += [ImageChange(seq, number, None) for number, seq in self.gone.items()]
        found += [RecordChange(seq, *key, self.tables.get(key)) for key, seq in self.stamps.items()]
        yield from sorted((c for c in found if c.seq > since), key=lambda change: change.seq)

    def records(self, table: Table, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield a table's records in key order."""
        for (of_table, key), value in sorted(self.tables.items()):
            if of_table == table and key.startswith(prefix):
                yield key, value

    def open_blob(self, content_hash: bytes) -> io.BytesIO:
        """Open stored bytes."""
        if content_hash not in self.blobs:
            raise NotFoundError("no such bytes")
        return io.BytesIO(self.blobs[content_hash])

    def root(
        self, number: int, name: str, *, configured: bool = True, folder: Path | None = None
    ) -> None:
        """Add or change a folder; where it lies matters to albums' texts alone."""
        value = encode_record(Root(name, str(folder or f"/photos/{name}"), configured))
        self.tables[Table.ROOTS, root_key(number)] = value
        self.seq += 1
        self.stamps[Table.ROOTS, root_key(number)] = self.seq

    def near(self, tag: str, *words: tuple[str, float]) -> None:
        """Say which words are near a tag."""
        self.tables[Table.NEIGHBOURS, neighbours_key(VECTORS, tag)] = encode_record(
            Neighbours(words, words)
        )
        self.seq += 1
        self.stamps[Table.NEIGHBOURS, neighbours_key(VECTORS, tag)] = self.seq

    def looks(self, number: int, vector: Iterable[float] | None, space: str = "test/1") -> None:
        """Give a picture a vector, or take it."""
        key = (Table.VECTORS, number.to_bytes(8, "big") + space.encode())
        self.seq += 1
        self.stamps[key] = self.seq
        if vector is None:
            self.tables.pop(key, None)
        else:
            self.tables[key] = np.array(list(vector), "<f2").tobytes()

    def add(
        self,
        path: str | bytes,
        content: bytes,
        *,
        number: int | None = None,
        root: int = 1,
        tags: tuple[str, ...] = (),
        caption: str = "",
        **metadata: object,
    ) -> int:
        """Add a picture, or replace the one with this number, as a mirror does; return its id."""
        number = number or max(self.rows, default=0) + 1
        path = path.encode() if isinstance(path, str) else path
        digest = hashlib.sha256(content).digest()
        if before := self.rows.get(number):
            changed = before.content_hash != digest
            metadata.setdefault("revision", before.metadata.revision + changed)
        self.blobs[digest] = content
        self.seq += 1
        if "width" not in metadata:
            with Image.open(io.BytesIO(content)) as image:
                metadata["width"], metadata["height"] = image.size
        described = Description("1", caption=caption, tags=tuple(Tag(tag) for tag in tags))
        self.rows[number] = ImageRow(
            id=number,
            filename=path.rpartition(b"/")[2],
            metadata_json=encode_metadata(
                Metadata(descriptions={"sidecar": described}, **{"mime": "image/jpeg"} | metadata)  # type: ignore[arg-type]
            ),
            root=root,
            path=path,
            content_hash=digest,
            seq=self.seq,
            has_data=True,
            data_length=len(content),
        )
        return number

    def change(self, number: int, **members: object) -> None:
        """Change members of a row's metadata."""
        row = self.rows[number]
        changed = {**{n: getattr(row.metadata, n) for n in row.metadata.__struct_fields__}}
        self.seq += 1
        self.rows[number] = msgspec.structs.replace(
            row, metadata_json=encode_metadata(Metadata(**(changed | members))), seq=self.seq
        )

    def move(self, number: int, path: str) -> None:
        """Give a picture another path; nothing else changes."""
        self.seq += 1
        name = path.rpartition("/")[2].encode()
        self.rows[number] = msgspec.structs.replace(
            self.rows[number], path=path.encode(), filename=name, seq=self.seq
        )

    def delete(self, number: int) -> None:
        """Delete a picture; its bytes stay, as in the database."""
        del self.rows[number]
        self.seq += 1
        self.gone[number] = self.seq


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """Return a picture's file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def found_as_by_engine(node, folder: Path, queries: Sequence[str]) -> list[Any]:
    """Search as a browser does, each time anew, for the best 5 and 20 of each query.

    What is found must be the engine's best, as worthy, and for the same words. Returns it.
    """
    asked = [(query, limit) for query in queries for limit in (5, 20)]
    tasks = [
        task
        for query, limit in asked
        for task in (["fresh", ""], ["search", query, {"limit": limit, "measure": True}])
    ]
    answers = node(folder, tasks)["answers"][1::2]
    with Reader(folder / "engine") as reader:
        for (query, limit), found in zip(asked, answers, strict=True):
            best = reader.search(query, limit=limit)
            scores = [hit["score"] for hit in found["hits"]]
            assert scores == pytest.approx([hit.score for hit in best.hits], rel=1e-5), query
            last = min(scores, default=0) * (1 + 1e-5)
            here = {hit["id"]: hit for hit in found["hits"]}
            above = {hit.id: hit for hit in best.hits if hit.score > last}
            assert above.keys() <= here.keys(), query
            for number, hit in above.items():
                ways = {(way["word"], way["via"]) for way in here[number]["matches"]}
                assert ways == {(way.word, way.via.name.lower()) for way in hit.matches}, query
            assert found["total"] <= best.total, query
    return answers


class Follower:
    """An index that is brought up to date with its source, against others that are made anew."""

    def __init__(
        self,
        source: MemorySource,
        state: SiteState,
        folder: Path,
        near: Callable[[str], Sequence[tuple[str, float]]] = lambda _: (),
    ) -> None:
        """Make it.

        Args:
            source: of the pictures.
            state: an empty one.
            folder: where the engines' indexes may lie.
            near: tells the words near a tag.
        """
        self.source, self.state, self.folder, self.near = source, state, folder, near
        self.photos = self._published()
        self.steps = 0
        self.index = self._index(state)
        for photo in self.photos.values():
            state.put(photo)
        self.index.rebuild(near)

    def follow(self) -> Brought:
        """Take over what changed; all files must be those of an index made anew."""
        before, self.photos = self.photos, self._published()
        changed = {
            number: (before.get(number), self.photos.get(number))
            for number in before.keys() | self.photos.keys()
            if before.get(number) != self.photos.get(number)
        }
        for number, (_, photo) in changed.items():
            if photo is not None:
                self.state.put(photo)
            else:
                self.state.drop(number)
        old = self.state.search.names()
        brought = self.index.update(changed, (), self.near)
        now = self.state.search.names()
        assert brought.written.keys() == now - old
        assert set(brought.gone) == old - now
        self.steps += 1
        with open_state(None) as anew:
            for photo in self.photos.values():
                anew.put(photo)
            whole = self._index(anew).rebuild(self.near)
            for kind in ROWS:
                assert anew.search.files(kind) == self.state.search.files(kind), kind
            assert anew.search.names() == now
        assert brought.root == whole.root
        return brought

    def _index(self, state: SiteState) -> SearchIndex:
        return SearchIndex(state, self.folder / f"engine-{self.steps}", self.source.uuid, Recipe())

    def _published(self) -> dict[int, Photo]:
        return {photo.id: photo for photo in published(self.source, Rules())[0]}


def index_only(
    source: MemorySource, near: Mapping[str, Sequence[tuple[str, float]]], folder: Path
) -> list[list[str]]:
    """Make the index of a source's pictures in `search/` of an empty folder, and no page.

    Returns the words of each file of these kinds, one for each row.
    """
    photos, _ = published(source, Rules())
    with open_state(None) as state:
        for photo in photos:
            state.put(photo)
        index = SearchIndex(state, folder / "engine", source.uuid, Recipe())
        brought = index.rebuild(lambda tag: near.get(tag, ()))
        files = [
            [
                key.partition(b"\0")[0].decode()
                for key, _ in rows_of(unpacked(brought.written[name]))
            ]
            for kind in ("terms", "postings", "front", "rest", "lengths")
            for _, name in state.search.files(kind)
        ]
    (folder / "search").mkdir()
    for path, data in {**brought.written, ROOT: brought.root}.items():
        (folder / path).write_bytes(data)
    return files


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (96, 64)) -> bytes:
    """Return the file of a small picture of one colour."""
    return encoded(Image.new("RGB", size, colour), quality=80)


def photograph(name: str) -> Image.Image:
    """Return one of scikit-image's photographs."""
    return Image.fromarray(getattr(skimage_data, name)()).convert("RGB")


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, the site's own bookkeeping included."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def searched_texts(site: Path) -> set[str]:
    """Return every text in the index that a browser searches."""
    files = sorted((site / "search").glob("*.bin"))
    return {
        text for file in files for text in texts_of(str(file.relative_to(site)), file.read_bytes())
    }


def write_text(folder: Path, text: str) -> None:
    """Write a folder's `album.toml`; an empty text removes it."""
    place = folder / "album.toml"
    place.unlink(missing_ok=True)  # another file then, whatever the clock's step
    if text:
        folder.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def public(site):
    """Return every file of a site but its own bookkeeping."""
    return {name: data for name, data in tree(site).items() if name[0] != "."}


def nth_day(at):
    """Return one of a year's first 28-day months' days."""
    return f"2020-{at // 28 + 1:02}-{at % 28 + 1:02}"


class Links(HTMLParser):
    """Collects the addresses that a page refers to."""

    def __init__(self, text):
        """Read a page."""
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep the element's address."""
        of = {"a": "href", "link": "href", "script": "src", "img": "src", "form": "action"}
        address = dict(attrs).get(of.get(tag, ""))
        if address:
            self.found.append(address)
        if tag in {"img", "source"}:
            for each in (dict(attrs).get("srcset") or "").split(", "):
                self.found += each.split(" ")[:1] if each else []


def broken_links(site: Path) -> list[tuple[str, str]]:
    """Return (page, address) of every address in the site's pages that leads nowhere."""
    broken = []
    for page in site.rglob("*.html"):
        here = "/" + str(page.relative_to(site))
        for address in Links(page.read_text()).found:
            if address.startswith(("data:", "#")):
                continue
            assert not urlsplit(address).scheme, f"{here} leads out: {address}"
            target = unquote(urlsplit(urljoin(here, address)).path).lstrip("/")
            if not (site / target).is_file():
                broken.append((here, address))
    return broken


def begin_scrolling(page: Page) -> None:
    """Give a listing's page a sign of a visitor; wait until all of its pictures can be scrolled."""
    page.mouse.move(200, 300)
    page.wait_for_selector("html[data-scroll=ready]")


def violations(page: Page) -> list[object]:
    """Return what axe finds on a page against WCAG 2.2 A and AA: each rule's name and places."""
    axe = resources.files("axe_playwright_python") / "axe.min.js"
    page.evaluate(axe.read_text("utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found: list[object] = page.evaluate(
        "tags => axe.run(document, {runOnly: tags})"
        ".then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))",
        tags,
    )
    return found
