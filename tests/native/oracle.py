"""A search engine of a page: everything in dictionaries, every document looked at.

It states what the engine must answer; it shares nothing with it but the analyser. Stems are those
of snowballstemmer, by the same author as the algorithm.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import snowballstemmer

from picturerail_native.search import analyse

K1, B, GAP = 2.0, 0.75, 16
FORM, NEAR, FARTHEST = 0.7, 0.6, 4
STOP_WORDS = {"a", "do"}  # of those that tests use
WEIGHTS = {"filename": 4.0, "tags": 3.0, "caption": 2.0, "folder": 1.0}


_english = snowballstemmer.stemmer("english")


def stem(word: str) -> str:
    """Return a word's English stem."""
    return str(_english.stemWord(word)) if word.isascii() and word.isalpha() else word


def words_of(text: str) -> tuple[str, ...]:
    """Return a text's folded words."""
    return tuple(token.term for token in analyse(text) if not token.tail)


@dataclass
class Document:
    """One document: per field its words by position, and its whole tags."""

    order: int
    words: dict[str, dict[int, str]] = field(default_factory=dict)
    tags: set[tuple[str, ...]] = field(default_factory=set)
    values: dict[str, set[str]] = field(default_factory=dict)

    @staticmethod
    def of(fields: Sequence[tuple[str, str]], order: int) -> Document:
        """Cut the values up; values of one field stand GAP apart."""
        document = Document(order)
        ends: dict[str, int] = {}
        for name, value in fields:
            begin, words = ends.get(name, 0), words_of(value)
            ends[name] = begin + len(words) + GAP
            document.words.setdefault(name, {}).update(enumerate(words, begin))
            document.values.setdefault(name, set()).add(value)
            if name == "tags":
                document.tags.add(words)
        return document


@dataclass(frozen=True)
class Wanted:
    """A word of the query: one term, or a phrase; and where tags may know it as a neighbour."""

    terms: tuple[str, ...]
    phrase: bool
    near: frozenset[tuple[str, ...]] = frozenset()
    field: str = ""
    prefixes: bool = True
    forms: bool = True
    typos: bool = True
    # Not 0: of the words that one piece without spaces was cut into.
    piece: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True)
class Both:
    """All of these must match."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Either:
    """Any of these is enough."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Without:
    """This must not match."""

    part: Tree


@dataclass(frozen=True)
class Times:
    """The document's order must lie between these seconds."""

    begin: int
    before: int


Tree = Wanted | Both | Either | Without | Times


class Oracle:
    """The index as it should be."""

    def __init__(self) -> None:
        """Begin empty."""
        self.documents: dict[int, Document] = {}
        self.neighbours: dict[tuple[str, ...], dict[tuple[str, ...], float]] = {}

    def put(self, doc_id: int, fields: Sequence[tuple[str, str]], order: int) -> None:
        """Add or replace."""
        self.documents[doc_id] = Document.of(fields, order)

    def remove(self, doc_id: int) -> None:
        """Remove."""
        self.documents.pop(doc_id, None)

    def set_neighbours(self, tag: str, words: Sequence[tuple[str, float]]) -> None:
        """Set a tag's words; of those that fold alike, the nearest counts."""
        near: dict[tuple[str, ...], float] = {}
        for word, similarity in words:
            near[words_of(word)] = max(similarity, near.get(words_of(word), 0))
        self.neighbours[words_of(tag)] = near

    def search(
        self, query: str, weights: Mapping[str, float] | None = None, *, plain: bool = False
    ) -> tuple[list[tuple[int, float]], bool]:
        """Return all (id, score), best first, and whether it relaxed."""
        words = parse(query)
        if plain:
            words = [
                dataclasses.replace(
                    word, near=frozenset(), prefixes=False, forms=False, typos=False
                )
                for word in words
            ]
        return self.search_tree(Both(tuple(words)), weights, once=not plain)

    def facets(self, ids: Iterable[int], name: str) -> list[tuple[str, int]]:
        """Return how many of these documents have each whole value of a field, the most first."""
        counts = collections.Counter[str]()
        for i in ids:
            document = self.documents[i]
            year = time.gmtime(document.order).tm_year
            counts.update([str(year)] if name == "year" else document.values.get(name, set()))
        return sorted(counts.items(), key=lambda item: (-item[1], item[0].encode()))

    def search_tree(
        self, asked: Both, weights: Mapping[str, float] | None = None, *, once: bool = True
    ) -> tuple[list[tuple[int, float]], bool]:
        """Return the same for what a query means; `once`: a word asked for again counts once."""
        tree = Both(tuple({key_of(part): part for part in asked.parts}.values())) if once else asked
        if not tree.parts:
            return [], False
        chosen = {**WEIGHTS, **(weights or {})}
        self._idfs: dict[object, float] = {}
        scores = self._evaluate(tree, chosen)
        free = tuple(
            part
            for part in tree.parts
            if not isinstance(part, Without | Times)
            and not (isinstance(part, Wanted) and part.field)
        )
        if any(not is_stop(part) for part in tree.parts if not isinstance(part, Without | Times)):
            free = tuple(part for part in free if not is_stop(part))
        relaxed = False
        units = pieces(free)
        if not scores and len(units) > 1:
            rest = tuple(part for part in tree.parts if part not in free)
            scores = self._evaluate(Both((Either(units), *rest)), chosen)
            relaxed = bool(scores)
        for i in scores:
            scores[i] += self._nearness(asked, i, chosen)
        ranked = sorted(scores, key=lambda i: (-scores[i], -self.documents[i].order, i))
        return [(i, scores[i]) for i in ranked], relaxed

    def _nearness(self, tree: Both, doc_id: int, weights: Mapping[str, float]) -> float:
        """Return what the nearness of words adds to a document's score."""
        parts = tree.parts
        words = [
            part for part in parts if isinstance(part, Wanted) and not part.phrase and part.forms
        ]
        if any(not is_stop(part) for part in parts if not isinstance(part, Without | Times)):
            words = [word for word in words if not is_stop(word)]
        total = 0.0
        idfs = {word: self._idf(word, weights) for word in words} if len(words) > 1 else {}
        pairs = {
            frozenset({key_of(a), key_of(b)}): (a, b)
            for a, b in itertools.pairwise(words)
            if a.field == b.field and key_of(a) != key_of(b)
        }
        for a, b in pairs.values():
            distances = [
                abs(i - j)
                for name, held in self.documents[doc_id].words.items()
                if (weights.get(name, 1.0) and not a.field) or name == a.field
                for i, one in held.items()
                if stem(one) == stem(a.terms[0])
                for j, other in held.items()
                if stem(other) == stem(b.terms[0]) and 0 < abs(i - j) <= FARTHEST
            ]
            if distances:
                total += NEAR * min(idfs[a], idfs[b]) / min(distances)
        return total

    def _idf(self, word: Wanted, weights: Mapping[str, float]) -> float:
        key = (word, tuple(sorted(weights.items())), len(self.documents))
        if key not in self._idfs:
            self._idfs[key] = self._match(word, weights)[1]
        return self._idfs[key]

    def _evaluate(self, tree: Tree, weights: Mapping[str, float]) -> dict[int, float]:
        """Return the scores of the documents that match."""
        if isinstance(tree, Wanted):
            return self._match(tree, weights)[0]
        if isinstance(tree, Times):
            return {
                i: 0.0 for i, d in self.documents.items() if tree.begin <= d.order < tree.before
            }
        if isinstance(tree, Without):
            bearing = self._evaluate(tree.part, weights)
            return {i: 0.0 for i in self.documents if i not in bearing}
        stops = [part for part in tree.parts if is_stop(part)]
        rest = [part for part in tree.parts if part not in stops]
        wanted = any(not isinstance(part, Without | Times) for part in rest)
        if stops and wanted and isinstance(tree, Both):
            return self._evaluate(Both(tuple(rest)), weights)
        if stops and wanted:
            meant = (itself(part) if part in stops else part for part in tree.parts)
            found = [self._evaluate(part, weights) for part in meant]
        else:
            found = [self._evaluate(part, weights) for part in tree.parts]
        ids = set(self.documents) if isinstance(tree, Both) else set()
        for scores in found:
            ids = ids & set(scores) if isinstance(tree, Both) else ids | set(scores)
        return {i: sum(scores.get(i, 0.0) for scores in found) for i in ids}

    def _match(self, word: Wanted, weights: Mapping[str, float]) -> tuple[dict[int, float], float]:
        """Return the scores of one word of the query, and its idf."""
        if word.phrase:
            return self._match_phrase(word, weights)
        average = self._average_lengths()
        # By tier (0 exact, 1 form, 2 prefix, 3 typo, 4 neighbour), term, document.
        worths: dict[tuple[int, tuple[str, ...]], dict[int, float]] = {}
        if word.field:
            weights = {name: 0.0 for d in self.documents.values() for name in d.words} | {
                word.field: weights.get(word.field, 1.0) or 1.0
            }
        ways = {i: self._ways(word, document) for i, document in self.documents.items()}
        known = any(
            tier < 3 and any(weights.get(name, 1.0) for name in counts)
            for held in ways.values()
            for (tier, _), counts in held.items()
        )
        for doc_id, document in self.documents.items():
            for (tier, term), counts in ways[doc_id].items():
                if tier == 3 and known:
                    continue
                w = 0.0
                for name, times in counts.items():
                    relative = len(document.words[name]) / average[name]
                    w += weights.get(name, 1.0) * times / (1 - B + B * relative)
                if w == 0:
                    continue
                s = w / (K1 + w)
                of_form = FORM * w / (K1 + FORM * w)
                near = self._similarity(term, word) if tier == 4 else 1.0
                typo = 0.0
                if tier == 3:
                    typo = 0.1 + (0.06 if edits_between(word.terms[0], term[0]) == 1 else 0.04) * s
                neighbour = 0.1 * near * (0.8 + 0.2 * s)
                exact, form = 0.25 + (K1 + 1) * s, 0.2 + (K1 + 1) * of_form
                worth = (exact, form, 0.1 + 0.1 * s, typo, neighbour)[tier]
                worths.setdefault((tier, term), {})[doc_id] = worth
        if not worths:
            return {}, math.log(1 + (len(self.documents) + 0.5) / 0.5)
        nearest = min(tier for tier, _ in worths)
        df = max(len(ids) for (tier, _), ids in worths.items() if tier == nearest)
        bearing = {i for (tier, _), ids in worths.items() if tier < 2 for i in ids}
        df = len(bearing) or df
        idf = math.log(1 + (len(self.documents) - df + 0.5) / (df + 0.5))
        scores: dict[int, float] = {}
        for ids in worths.values():
            for doc_id, worth in ids.items():
                scores[doc_id] = max(scores.get(doc_id, 0.0), idf * worth)
        return scores, idf

    def _match_phrase(
        self, phrase: Wanted, weights: Mapping[str, float]
    ) -> tuple[dict[int, float], float]:
        """Return what its words score in the documents that bear it, and the sum of their idfs."""
        scores = {
            i: 0.0
            for i, document in self.documents.items()
            if any(
                (name == phrase.field if phrase.field else weights.get(name, 1.0))
                for counts in self._ways(phrase, document).values()
                for name in counts
            )
        }
        whole = 0.0
        for term in set(phrase.terms):
            exact = Wanted(
                (term,), False, field=phrase.field, prefixes=False, forms=False, typos=False
            )
            of_word, in_field = self._match(exact, weights)
            df = sum(
                any(term in words.values() for words in d.words.values())
                for d in self.documents.values()
            )
            idf = math.log(1 + (len(self.documents) - df + 0.5) / (df + 0.5))
            whole += idf
            for i in scores:
                scores[i] += of_word[i] / in_field * idf
        return scores, whole

    def _ways(
        self, word: Wanted, document: Document
    ) -> dict[tuple[int, tuple[str, ...]], dict[str, int]]:
        """Return in which ways a document has the word: per way, how often in which field."""
        ways: dict[tuple[int, tuple[str, ...]], dict[str, int]] = {}
        for name, words in document.words.items():
            for position in words:
                here = tuple(words.get(position + i, "") for i in range(len(word.terms)))
                if here == word.terms:
                    way = (0, word.terms)
                elif not word.phrase and word.forms and stem(here[0]) == stem(word.terms[0]):
                    way = (1, here)
                elif not word.phrase and word.prefixes and here[0].startswith(word.terms[0]):
                    way = (2, here)
                elif (
                    not word.phrase
                    and word.typos
                    and 0 < edits_between(word.terms[0], here[0]) <= edits_allowed(word.terms[0])
                ):
                    way = (3, here)
                else:
                    continue
                counts = ways.setdefault(way, {})
                counts[name] = counts.get(name, 0) + 1
        for tag in document.tags:
            if self._similarity(tag, word) > 0:
                ways[4, tag] = {"tags": 1}
        return ways

    def _similarity(self, tag: tuple[str, ...], word: Wanted) -> float:
        near = self.neighbours.get(tag, {})
        return max((near.get(key, 0.0) for key in word.near), default=0.0)

    def _average_lengths(self) -> dict[str, float]:
        lengths: dict[str, list[int]] = {}
        for document in self.documents.values():
            for name, words in document.words.items():
                if words:
                    lengths.setdefault(name, []).append(len(words))
        return {name: sum(found) / len(found) for name, found in lengths.items()}


def pieces(parts: Sequence[Tree]) -> tuple[Tree, ...]:
    """Return the parts, those cut from one piece together: of these all must match."""
    units: list[Tree] = []
    for number, group in itertools.groupby(parts, lambda part: getattr(part, "piece", 0)):
        same = tuple(group)
        units += (Both(same),) if number else same
    return tuple(units)


def is_stop(part: Tree) -> bool:
    """Whether it is a word that says little, of no field."""
    return (
        isinstance(part, Wanted)
        and not part.phrase
        and not part.field
        and part.forms
        and part.terms[0] in STOP_WORDS
    )


def itself(part: Tree) -> Tree:
    """Return a word that says little as it is meant beside others: nothing that is only like it."""
    return dataclasses.replace(part, prefixes=False, typos=False, near=frozenset())


def edits_allowed(word: str) -> int:
    """Return how many edits make a typo of a word."""
    if len(word) < 4 or any(c in "0123456789" for c in word):
        return 0
    return 1 if len(word) < 8 else 2


def edits_between(a: str, b: str) -> int:
    """Return by how many letters inserted, deleted, replaced or swapped two words differ."""
    rows = [list(range(len(b) + 1))]
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other)))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                row[-1] = min(row[-1], rows[-2][j - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def key_of(part: Tree) -> object:
    """Return what is the same of parts that ask for the same."""
    return (part, part.piece) if isinstance(part, Wanted) else id(part)


def parse(query: str) -> list[Wanted]:
    """Read a query: quoted words are a phrase."""
    wanted = []
    chunks = 0
    for number, piece in enumerate(query.split('"')):
        if number % 2:
            if words_of(piece):
                wanted.append(Wanted(words_of(piece), phrase=True))
            continue
        for chunk in re.split(r"[ \t\n\r\f\v]+", piece):
            terms = words_of(chunk)
            chunks += 1
            together = chunks if len(terms) > 1 and re.search("[0-9]", chunk) else 0
            wanted += [
                Wanted((term,), False, frozenset({(term,), terms}), piece=together)
                for term in terms
            ]
    return wanted
