"""The index that a visitor's browser searches, kept beside the site's state.

An index of the engine's own holds exactly the pictures that the site shows; what it says of each
term (`picturerail_native.site_terms`) is kept in tables (`search_state`), and cut into files
(`search_file`). A changed picture changes only the terms that it bears or bore. Each file is a
function of what is published: after any changes they are the same as if all were made anew.
"""

from __future__ import annotations

import functools
import shutil
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from picturerail_exporter import media, search_rows
from picturerail_exporter.collection import Photo
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.search_beside import Beside
from picturerail_exporter.search_file import Directory, body_of, root_of, varint
from picturerail_exporter.search_rows import Shown, is_inviting
from picturerail_exporter.search_state import FREQUENT, ROWS, TERMS, SearchState
from picturerail_exporter.search_together import Stems, by_stem, near_key_of
from picturerail_exporter.search_told import BLOCKS, SAY, lengths_of, told_of
from picturerail_exporter.state import SiteState
from picturerail_native.fields import FIELD_WEIGHTS, FIELDS
from picturerail_native.search import Reader, Writer, analyse
from picturerail_native.search import stems as stems_of
from picturerail_native.site_terms import SiteTerms, is_stop_word

if TYPE_CHECKING:
    from picturerail_exporter.search_meaning import Meaning, Vectors

Pictures = Mapping[int, tuple[Photo | None, Photo | None]]
NearWords = Callable[[str], Sequence[tuple[str, float]]]
"""The words near a tag, with their similarity; none where the tag is not known."""

_LARGEST = max(BLOCKS.values())
"""All others divide it."""

_MOST_DIGITS = 2
_MOST_LETTERS = 64
_PUT_AT_ONCE = 20_000
_TOGETHER = "search together"
_BESIDE = "search beside"


@dataclass(slots=True)
class Brought:
    """The index's files that an export brings, by path; and those that go."""

    written: dict[str, bytes]
    gone: list[str]
    root: bytes


@dataclass(slots=True)
class _Changed:
    """What changed pictures touch: keys of terms, the stems of each as it was or is, ids."""

    keys: set[bytes] = field(default_factory=set)
    stems: list[set[str]] = field(default_factory=list)
    ids: set[int] = field(default_factory=set)


class SearchIndex:
    """The index of one site."""

    def __init__(
        self,
        state: SiteState,
        folder: Path,
        uuid: bytes,
        recipe: Recipe,
        meaning: Meaning | None = None,
        language: str = "english",
    ) -> None:
        """Keep what it is made of.

        Args:
            state: of the site.
            folder: where the engine's index lies.
            uuid: of the database.
            recipe: of the renditions.
            meaning: words of which the nearest pictures are told.
            language: of the texts, as the engine knows it.
        """
        self._state, self._search = state, state.search
        self._meaning, self._language = meaning, language
        self._folder, self._uuid, self._recipe = folder, uuid, recipe

    def stands(self) -> bool:
        """Tell whether the engine's index is that which the state was made from."""
        noted = self._state.note("search index")
        if not noted or not (self._folder / "prse-manifest").is_file():
            return False
        with Reader(self._folder) as reader:
            return str(reader.info.seq) == noted

    def rebuild(self, near: NearWords, vectors: Vectors = ()) -> Brought:
        """Make everything of the state's pictures anew.

        Args:
            near: tells the words near a tag.
            vectors: of all pictures, and of others.
        """
        old = self._search.names()
        self._search.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        ids: set[int] = set()
        with Writer(self._folder, self._uuid, language=self._language) as writer:
            tags = _Tags(self._search, writer, near)
            for count, photo in enumerate(self._state.photos(), 1):
                writer.put(photo.id, photo.fields, order=photo.order)
                self._search.set_told(photo.id, told_of(photo))
                tags.count(photo, 1)
                ids.add(photo.id)
                if count % _PUT_AT_ONCE == 0:
                    writer.commit(1)
            tags.settle()
            writer.commit(1)
        self._state.set_note("search index", "1")
        with Reader(self._folder) as reader:
            terms = SiteTerms(reader, FIELDS, (search_rows.BANDED, search_rows.WHOLE))
            self._choose_beside(terms).tell(terms)
            self._fill(terms)
            self._put_together(terms)
            self._put_near(terms, Beside())
            if self._meaning:
                shown = (vector for vector in vectors if vector[0] in ids)
                self._search.meaning.fill(self._meaning, shown)
            self._tell(terms, ids)
            files = {}
            for kind in ROWS:
                files.update(self._search.cut_all(kind))
            return self._brought(files, old, terms)

    def update(
        self,
        pictures: Pictures,
        tags: Iterable[str],
        near: NearWords,
        vectors: Mapping[int, Sequence[tuple[str, bytes]]] | None = None,
        *,
        purged: bool = False,
    ) -> Brought:
        """Take over what may have changed.

        Args:
            pictures: as they were and are.
            tags: of which the near words may be others.
            near: tells them.
            vectors: all (space, vector) of pictures that are shown now or were; none where they
                are not any more.
            purged: whether one is, so that nothing of it may stay in the engine's index either.
        """
        old = self._search.names()
        changed = _Changed()
        seq = int(self._state.note("search index")) + 1
        with Writer(self._folder, self._uuid, language=self._language) as writer:
            settled = _Tags(self._search, writer, near)
            for number, (before, after) in sorted(pictures.items()):
                changed.ids.add(number)
                for photo, difference in ((before, -1), (after, 1)):
                    if photo is not None:
                        keys = set(_keys_of(photo, self._language))
                        changed.keys |= keys
                        stems = {key[:-2].decode() for key in keys if key.endswith(b"s")}
                        changed.stems.append(stems)
                        settled.count(photo, difference)
                if after is None:
                    writer.remove(number)
                    self._search.set_told(number, None)
                else:
                    writer.put(number, after.fields, order=after.order)
                    self._search.set_told(number, told_of(after))
            changed.keys.update(_key(word, "n") for word in settled.settle(tags))
            writer.commit(seq)
            if purged:
                writer.compact()
        self._state.set_note("search index", str(seq))
        with Reader(self._folder) as reader:
            terms = SiteTerms(reader, FIELDS, (search_rows.BANDED, search_rows.WHOLE))
            told = self._beside()
            beside = self._choose_beside(terms)
            beside.tell(terms)
            others = not beside.tells_as(told)
            if others:
                self._search.clear_terms()
                self._fill(terms)
                rows = {}
            else:
                rows = self._replace(terms, changed)
            rows["together"] = self._put_together(terms, changed)
            apart = self._put_near(terms, Beside() if others else told, changed.stems)
            if not others:
                rows["rest"] |= apart
            if self._meaning and vectors:
                now = ((number, *vector) for number, of in vectors.items() for vector in of)
                rows["meaning"] = self._search.meaning.update(self._meaning, vectors, now)
            rows.update(self._tell(terms, changed.ids))
            files = {}
            for kind in (*TERMS, "spelling") if others else ():
                files.update(self._search.cut_all(kind))
            for kind, keys in rows.items():
                files.update(self._search.cut_again(kind, keys))
            return self._brought(files, old, terms)

    def _beside(self) -> Beside:
        """Return of which stems postings tell."""
        return Beside.read(self._state.note(_BESIDE))

    def _choose_beside(self, terms: SiteTerms) -> Beside:
        """Choose of which stems all postings tell."""
        beside = Beside.chosen(terms, functools.partial(_stem, language=self._language))
        self._state.set_note(_BESIDE, beside.note())
        return beside

    def _fill(self, terms: SiteTerms) -> None:
        keys = set(terms.keys())
        words = [key[:-2].decode() for key in keys if key.endswith(b"w")]
        # A stem whose only word is itself has no entry.
        of = stems_of(words, self._language)
        several = {stem for word, stem in zip(words, of, strict=True) if stem != word}
        keys |= {_key(stem, "s") for stem in several}
        near = {_key(word, "n") for word in self._search.near_words()}
        looks = Shown(self._search, large=self._beside().is_large)
        for some in (keys, near):  # what a word is near to may lie beside the word itself
            self._search.add_terms(
                looks.rows(key, term, {})
                for key, term in terms.terms(sorted(some))
                if term is not None
            )
        for key in sorted(filter(None, map(_spelling, words))):
            self._search.set_spelling(key, there=True)

    def _replace(self, terms: SiteTerms, changed: _Changed) -> dict[str, set[bytes]]:
        """Take terms over as they are now; return the keys of the rows that changed, by kind."""
        rows: dict[str, set[bytes]] = {kind: set() for kind in ROWS}
        looks = Shown(self._search, changed.ids, large=self._beside().is_large)
        pending = _in_turn(changed.keys)
        while pending:
            key = pending.pop()
            term = terms.term(key)
            before = self._search.term(key)
            after = looks.rows(key, term, before) if term is not None else {}
            self._search.drop_term(key, before)
            self._search.add_terms([after])
            for kind in TERMS:
                differing = before[kind].items() ^ set(after.get(kind, ()))
                rows[kind].update(row for row, _ in differing)
            entries = before["terms"].get(key), dict(after.get("terms", ())).get(key)
            if key.endswith(b"w") and is_inviting(entries[0]) != is_inviting(entries[1]):
                others = filter(_is_word, self._search.keys("terms", key[:-2]))
                pending = _in_turn({*pending, *others}.difference((key,)))
            if key.endswith(b"w") and bool(before[FREQUENT]) != bool(after.get(FREQUENT)):
                pending.insert(0, key[:-1] + b"n")  # it lies beside the word's front
            if key.endswith(b"w") and bool(before["terms"]) != (term is not None):
                spelt = _spelling(key[:-2].decode())
                if spelt:
                    self._search.set_spelling(spelt, there=term is not None)
                    rows["spelling"].add(spelt)
        return rows

    def _put_near(
        self, terms: SiteTerms, told: Beside, touched: Iterable[set[str]] = ()
    ) -> set[bytes]:
        """Tell where stems that are told beside others are near each other.

        Args:
            terms: of the index.
            told: of which stems it is told.
            touched: the stems of each picture that changed, as it was or is.

        Returns:
            the keys of what changed, in the rest.
        """
        beside = self._beside()
        before, every = (set(each.pairs(each.all_stems())) for each in (told, beside))
        pairs = every - before
        for stems in touched:
            pairs.update(beside.pairs(stems))
        rows: dict[bytes, bytes | None] = {}
        for pair in pairs | (before - every):
            rows.update(dict.fromkeys(self._search.keys("rest", near_key_of(pair))))
        asked = sorted(pairs)
        for pair, records in zip(asked, terms.near(asked) if asked else (), strict=True):
            for number, record in enumerate(records):
                rows[near_key_of(pair) + number.to_bytes(2, "big")] = record
        return self._set_rows("rest", rows)

    def _put_together(self, terms: SiteTerms, changed: _Changed | None = None) -> set[bytes]:
        """Tell the best pictures of frequent stems together; return the keys of what changed.

        Args:
            terms: of the index.
            changed: what pictures touch that changed; None: all.
        """
        documents, fields = terms.statistics()
        lengths = (words / holding if holding else 1 for words, holding in fields.values())
        stemmed = functools.partial(_stem, language=self._language)
        says_little = functools.partial(is_stop_word, language=self._language)
        longest = by_stem(self._search.ranked(), stemmed)
        longest = {stem: count for stem, count in longest.items() if count > search_rows.WHOLE}
        most = dict(self._beside().stems)
        stems = Stems.chosen(longest, most, documents, lengths, says_little)
        before = Stems.read(self._state.note(_TOGETHER))
        if stems != before:
            self._state.set_note(_TOGETHER, stems.note())
        others = stems.changed_since(before)
        told = {key for each in before.with_any(others) for key in before.keys_of(each)}
        asked = set(stems.with_any(others))
        for each in changed.stems if changed else ():
            asked.update(stems.combinations(each))
        told.update(key for each in asked for key in stems.keys_of(each))
        rows_now: dict[bytes, bytes | None] = dict.fromkeys(told)
        looks = Shown(self._search, changed.ids if changed else None)
        for one in terms.together(stems.weights, stems.lengths, sorted(asked)) if asked else ():
            key = stems.key_of(one.stems, one.kind)
            old = self._search.row("together", key) if changed else None
            rows_now[key] = looks.row_of(one, old or b"")
        return self._set_rows("together", rows_now)

    def _set_rows(self, kind: str, rows: Mapping[bytes, bytes | None]) -> set[bytes]:
        """Keep rows; return the keys of those that were others."""
        others = {key for key, row in rows.items() if row != self._search.row(kind, key)}
        for key in others:
            self._search.set_row(kind, key, rows[key])
        return others

    def _tell(self, terms: SiteTerms, ids: set[int]) -> dict[str, set[bytes]]:
        """Say anew what is said of these pictures one by one; return the rows' keys, by kind."""
        rows: dict[str, set[bytes]] = {kind: set() for kind in BLOCKS}
        blocks: dict[int, list[int]] = {}
        for number in ids:
            blocks.setdefault(number // _LARGEST, []).append(number)
        for large, changed in sorted(blocks.items()):
            told = list(self._search.told(large * _LARGEST, (large + 1) * _LARGEST))
            for kind, say in SAY.items():
                size = BLOCKS[kind]
                for block in sorted({number // size for number in changed}):
                    begin, end = (
                        bisect_left(told, (block + more) * size, key=itemgetter(0))
                        for more in (0, 1)
                    )
                    of = say(told[begin:end]) if begin < end else None
                    value = msgspec.json.encode(of) if of is not None else None
                    key = block.to_bytes(4, "big")
                    self._search.set_row(kind, key, value)
                    rows[kind].add(key)
        size = BLOCKS["lengths"]
        for block in sorted({number // size for number in ids}):
            lengths = list(terms.lengths(block * size, (block + 1) * size))
            key = block.to_bytes(4, "big")
            value = msgspec.json.encode(lengths_of(lengths)) if lengths else None
            self._search.set_row("lengths", key, value)
            rows["lengths"].add(key)
        return rows

    def _brought(self, files: dict[str, bytes], old: set[str], terms: SiteTerms) -> Brought:
        pages, directories = self._search.cut_directories()
        files.update(pages)
        now = self._search.names()
        written = {name: files[name] for name in files.keys() & (now - old)}
        return Brought(written, sorted(old - now), self._root(terms, directories))

    def _root(self, terms: SiteTerms, directories: Iterable[Directory]) -> bytes:
        documents, fields = terms.statistics()
        beside = self._beside()
        together = Stems.read(self._state.note(_TOGETHER))
        told = {
            "documents": documents,
            "last": self._search.last(),
            "language": self._language,
            "fields": [
                [name, FIELD_WEIGHTS.get(name, 1.0), words, holding]
                for name, (words, holding) in fields.items()
            ],
            "together": {
                "two": list(together.rarest_first),
                "three": sorted(together.frequent),
                "most": sorted(together.most),
            },
            "beside": {
                "stems": beside.stems,
                "upTo": beside.up_to,
                "near": beside.frequent,
                "own": beside.owners,
            },
            **BLOCKS,
            "ending": media.tile_ending(self._recipe),
        }
        meta = msgspec.json.encode(told)
        (frequent, *_) = body_of(
            (key, value + self._near(key)) for key, value in self._search.frequent()
        )
        return root_of(meta, frequent, directories)

    def _near(self, key: bytes) -> bytes:
        """Return what the root says of a frequent word beside its pictures."""
        near = key.endswith(b"w") and self._search.is_near(key[:-2])
        return varint(1) if near else b""


class _Tags:
    """Counts how tags are written, and tells the engine what each is near to."""

    def __init__(self, search: SearchState, writer: Writer, near: NearWords) -> None:
        self._search, self._writer, self._near = search, writer, near
        self._before: dict[str, tuple[str, list[str]] | None] = {}

    def count(self, photo: Photo, difference: int) -> None:
        """Count a picture's tags in or out."""
        for tag in _tags(photo):
            if folded := _folded(tag):
                if folded not in self._before:
                    self._before[folded] = self._search.tag(folded)
                if self._search.count_tag(folded, tag, difference) and difference > 0:
                    self._search.set_near(folded, tag, _folded_all(self._near(tag)))

    def settle(self, changed: Iterable[str] = ()) -> set[str]:
        """Tell what tags are near to now; return the folded words of which that changed.

        Args:
            changed: tags whose near words are others than they were.
        """
        again = set()
        for tag in changed:
            folded = _folded(tag)
            again.add(folded)
            self._before.setdefault(folded, self._search.tag(folded))
            self._search.set_near(folded, tag, _folded_all(self._near(tag)))
        words: set[str] = set()
        for folded, before in sorted(self._before.items()):
            now = self._search.tag(folded)
            if before == now and folded not in again:
                continue
            written = now or before
            if written is not None:
                self._writer.set_neighbours(written[0], self._near(written[0]) if now else ())
            words.update(*(each[1] for each in (before, now) if each is not None))
        return words


def _keys_of(photo: Photo, language: str) -> Iterator[bytes]:
    """Yield the keys of all terms that a picture bears."""
    for word in {word for _, value in photo.fields for word in _words(value)}:
        yield _key(word, "w")
        yield _key(_stem(word, language), "s")
    for tag in _tags(photo):
        if text := _folded(tag):
            yield _key(text, "t")


def _in_turn(keys: Iterable[bytes]) -> list[bytes]:
    """Return keys of terms, the first to be looked at last.

    A word comes before what begins with it, and before what it is near to.
    """
    return sorted(keys, key=lambda key: (key.endswith(b"\0n"), key), reverse=True)


def _is_word(key: bytes) -> bool:
    return key.endswith(b"\0w")


def _key(text: str, kind: str) -> bytes:
    return text.encode() + b"\0" + kind.encode()


def _spelling(word: str) -> bytes | None:
    """Return the key of a word that somebody may have meant; none for what is mostly digits."""
    if (
        len(word) < 3
        or len(word) > 64
        or sum("0" <= letter <= "9" for letter in word) > _MOST_DIGITS
    ):
        return None
    return bytes([len(word)]) + word.encode()


def _tags(photo: Photo) -> set[str]:
    return {value for name, value in photo.fields if name == "tags"}


@functools.lru_cache(maxsize=4096)
def _stem(word: str, language: str) -> str:
    return stems_of([word], language)[0]


@functools.lru_cache(maxsize=4096)
def _words(value: str) -> tuple[str, ...]:
    return tuple(token.term for token in analyse(value))


@functools.lru_cache(maxsize=4096)
def _folded(value: str) -> str:
    return " ".join(token.term for token in analyse(value) if not token.tail)


def _folded_all(words: Iterable[tuple[str, float]]) -> list[str]:
    return sorted({text for word, _ in words if (text := _folded(word))})
