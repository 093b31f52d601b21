"""What the engine promises of how quoted words rank: each by itself, where they stand together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from picturerail_native import search

from .indexes import UUID, found

Fields = Sequence[tuple[str, str]]


def write(folder: Path, documents: Mapping[int, Fields]) -> None:
    """Write an index of these documents, in one segment."""
    with search.Writer(folder, UUID) as writer:
        for doc_id, fields in documents.items():
            writer.put(doc_id, fields)
        writer.commit(1)


def captions(*texts: str) -> dict[int, Fields]:
    """Return documents of one caption each, from 1 on."""
    return {doc_id: [("caption", text)] for doc_id, text in enumerate(texts, 1)}


def scores(
    folder: Path, query: str, weights: Mapping[str, float] | None = None
) -> dict[int, float]:
    """Return what each document that is found scores."""
    with search.Reader(folder) as reader:
        return {hit.id: hit.score for hit in reader.search(query, weights=weights).hits}


def test_the_rarer_word_counts_more_in_a_phrase(tmp_path: Path) -> None:
    """Of two that bear it once and as many words, the one that repeats the rarer word leads."""
    texts = ["golden gate golden", "golden gate gate", *["golden hill view"] * 5]
    write(tmp_path, captions(*texts))

    assert found(tmp_path, '"golden gate"') == [2, 1]


def test_words_count_in_every_searched_field(tmp_path: Path) -> None:
    """What stands outside of the phrase counts, in the fields that are searched alone."""
    documents = {
        1: [("caption", "golden gate"), ("folder", "pier")],
        2: [("caption", "golden gate"), ("folder", "gate")],
        3: [("caption", "pier")],
    }
    write(tmp_path, documents)

    assert found(tmp_path, '"golden gate"') == [2, 1]
    in_caption = scores(tmp_path, 'caption:"golden gate"')
    assert in_caption[1] == in_caption[2]
    without_folders = scores(tmp_path, '"golden gate"', {"folder": 0})
    assert without_folders[1] == without_folders[2]


@pytest.mark.parametrize("begin", ["", "caption:"])
def test_a_phrase_scores_what_its_words_do(begin: str, tmp_path: Path) -> None:
    """It is the sum of its words' scores where it stands, whichever documents bear it elsewhere."""
    documents = {
        **captions("old golden gate of gold", "gate golden", "golden golden gates", "a gate"),
        5: [("folder", "golden gate"), ("caption", "bridge")],
    }
    write(tmp_path, documents)
    # Forms and beginnings are no part of a phrase, nor of how frequent its words are.
    golden, gate = (scores(tmp_path, f'{begin}"{word}"') for word in ("golden", "gate"))

    expected = {i: golden[i] + gate[i] for i in ([1] if begin else [1, 5])}
    assert expected == pytest.approx(scores(tmp_path, f'{begin}"golden gate"'), rel=1e-6)


def test_a_word_is_as_rare_as_it_is_in_any_field(tmp_path: Path) -> None:
    """Where a phrase is sought in one field, too: so nobody has to count there."""
    few = captions("golden gate gate", "golden golden gate", "golden", "gate", "gate", "pier")
    write(tmp_path / "few", few)
    write(tmp_path / "more", {i: [*fields, ("folder", "golden")] for i, fields in few.items()})

    assert found(tmp_path / "few", 'caption:"golden gate"') == [2, 1]
    assert found(tmp_path / "more", 'caption:"golden gate"') == [1, 2]


def test_how_many_bear_a_phrase_says_nothing(tmp_path: Path) -> None:
    """Documents that have its words apart rather than together leave a phrase's score as it is."""
    write(tmp_path / "apart", captions("golden gate", *["gate golden"] * 5, *["pier view"] * 5))
    write(tmp_path / "together", captions(*["golden gate"] * 6, *["pier view"] * 5))

    (expected,) = scores(tmp_path / "apart", '"golden gate"').values()
    assert {expected} == set(scores(tmp_path / "together", '"golden gate"').values())


def test_a_repeated_word_counts_once(tmp_path: Path) -> None:
    """A phrase that repeats a word is worth what its different words are."""
    write(tmp_path, captions("hand in hand", "hand in", "in a boat", "boat"))

    expected = scores(tmp_path, '"hand in"')[1]
    assert {1: expected} == scores(tmp_path, '"hand in hand"')


def test_a_phrase_of_one_word_is_that_word(tmp_path: Path) -> None:
    """A quoted word scores like the word itself, and so it does repeated."""
    write(tmp_path, captions("bora bora", "bora", "bora bora bora island", "island"))

    with search.Reader(tmp_path) as reader:
        hits = reader.search("bora", plain=True).hits
    expected = {hit.id: hit.score for hit in hits}
    assert expected == scores(tmp_path, '"bora"')
    del expected[2]
    assert expected == scores(tmp_path, '"bora bora"')


@pytest.mark.parametrize(
    "query", ['"golden gate"', 'caption:"golden gate"', '"the golden gate" -x']
)
def test_segments_and_deletions_leave_no_trace_in_phrases(query: str, tmp_path: Path) -> None:
    """Scores are of the living documents, however these lie in segments."""
    texts = ["the golden gate", "golden gate gate", "golden", "gate", "the golden gate of gold"]
    documents = {**captions(*texts), 6: [("folder", "the golden gate"), ("caption", "the pier")]}
    write(tmp_path / "one", documents)
    with search.Writer(tmp_path / "many", UUID) as writer:
        for seq, (doc_id, fields) in enumerate(documents.items()):
            for dead in range(100, 103):
                writer.put(dead + 3 * doc_id, [("caption", "golden golden gate")])
            writer.put(doc_id, fields)
            writer.commit(2 * seq + 1)
            for dead in range(100, 103):
                writer.remove(dead + 3 * doc_id)
            writer.commit(2 * seq + 2)
        assert writer.info.segments > 1

    expected = scores(tmp_path / "one", query)
    assert len(expected) > 1
    assert expected == scores(tmp_path / "many", query)


def test_a_phrase_s_score_is_divided_among_its_fields(tmp_path: Path) -> None:
    """The parts that are told, of the fields where the phrase stands, add up to the score."""
    fields = [("caption", "golden gate gate"), ("folder", "golden gate"), ("tags", "golden")]
    write(tmp_path, {1: fields, **{i: [("caption", "pier")] for i in range(2, 6)}})
    with search.Reader(tmp_path) as reader:
        (hit,) = reader.search('"golden gate"', explain=True).hits

    assert sorted(match.field for match in hit.matches) == ["caption", "folder"]
    assert sum(match.score for match in hit.matches) == pytest.approx(hit.score, rel=1e-5)
