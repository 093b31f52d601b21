"""How well the engine ranks: nDCG@10 on a collection with judgements, such as Cranfield.

    python tests/bench/bench_relevance.py FOLDER

The folder holds docs.tsv (document, text), queries.tsv (query, text) and qrels.tsv (query,
document, gain), none of which are part of this repository. Three rows: what Lucene's classic set-up
gives, computed here (Porter2 stems, its stop words left out, BM25 with k1 1.2 and b 0.75); the
same tokens given to the engine without a language; and the texts as they are, with the engine's own
analysis, the title (up to the first full stop) a field of its own. The weight of the title is
chosen by five-fold cross-validation: for each fifth, the one that is best on the other four.
"""

from __future__ import annotations

import argparse
import collections
import math
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean

import snowballstemmer

from picturerail_native.search import Reader, Writer

WEIGHTS = (1.0, 2.0, 4.0, 8.0)
FOLDS = 5
# Lucene's, and the words with which questions are asked.
LUCENE_STOP_WORDS = {
    "a",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "but",
    "by",
    "for",
    "if",
    "in",
    "into",
    "is",
    "it",
    "no",
    "not",
    "of",
    "on",
    "or",
    "such",
    "that",
    "the",
    "their",
    "then",
    "there",
    "these",
    "they",
    "this",
    "to",
    "was",
    "will",
    "with",
    "what",
    "which",
    "how",
    "from",
    "have",
    "has",
    "can",
    "do",
    "does",
}
Judgements = Mapping[str, Mapping[str, int]]
Scores = dict[str, float]


def read(file: Path) -> list[list[str]]:
    """Return a file's rows."""
    return [line.split("\t") for line in file.read_text("utf-8").splitlines()]


def ndcg(found: Sequence[str], gains: Mapping[str, int]) -> float:
    """Return the normalised discounted cumulative gain of the first ten, with linear gains."""
    ideal = sorted(gains.values(), reverse=True)[:10]
    best = sum(gain / math.log2(rank + 2) for rank, gain in enumerate(ideal))
    own = sum(gains.get(doc, 0) / math.log2(rank + 2) for rank, doc in enumerate(found[:10]))
    return own / best if best else 0.0


def bm25(
    documents: Sequence[tuple[str, list[str]]], queries: Sequence[tuple[str, list[str]]]
) -> dict[str, list[str]]:
    """Return each query's ten best, every document looked at."""
    postings: dict[str, dict[int, int]] = collections.defaultdict(dict)
    for number, (_, words) in enumerate(documents):
        for word, times in collections.Counter(words).items():
            postings[word][number] = times
    average = sum(len(words) for _, words in documents) / len(documents)
    found = {}
    for query, words in queries:
        scores: dict[int, float] = collections.defaultdict(float)
        for word, asked in collections.Counter(words).items():
            held = postings.get(word, {})
            idf = math.log(1 + (len(documents) - len(held) + 0.5) / (len(held) + 0.5))
            for number, times in held.items():
                norm = 1.2 * (0.25 + 0.75 * len(documents[number][1]) / average)
                scores[number] += asked * idf * times * 2.2 / (times + norm)
        best = sorted(scores, key=lambda number: (-scores[number], number))[:10]
        found[query] = [documents[number][0] for number in best]
    return found


def engine(
    folder: Path,
    documents: Sequence[tuple[str, list[tuple[str, str]]]],
    language: str,
) -> Reader:
    """Index documents; their ids are their places, from 1 on."""
    with Writer(folder, bytes(16), language=language) as writer:
        for number, (_, fields) in enumerate(documents, 1):
            writer.put(number, fields)
        writer.commit(1)
    return Reader(folder)


def ask(
    reader: Reader,
    names: Sequence[str],
    queries: Sequence[tuple[str, str]],
    weights: Mapping[str, float] | None,
) -> dict[str, list[str]]:
    """Return each query's ten best; every query must be answered."""
    found = {}
    for query, text in queries:
        hits = reader.search(text, limit=10, weights=weights).hits
        if not hits:
            raise SystemExit(f"query {query} finds nothing: {text}")
        found[query] = [names[hit.id - 1] for hit in hits]
    return found


def cross_validated(by_weight: Mapping[float, Scores]) -> tuple[float, list[float]]:
    """Return the mean over all queries, each with the weight that is best on the other folds."""
    queries = sorted(next(iter(by_weight.values())))
    scores, chosen = [], []
    for fold in range(FOLDS):
        others = [query for at, query in enumerate(queries) if at % FOLDS != fold]
        best = max(by_weight, key=lambda weight: mean(by_weight[weight][q] for q in others))
        chosen.append(best)
        scores += [by_weight[best][q] for at, q in enumerate(queries) if at % FOLDS == fold]
    return mean(scores), chosen


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    gains: dict[str, dict[str, int]] = collections.defaultdict(dict)
    for query, document, gain in read(folder / "qrels.tsv"):
        gains[query][document] = int(gain)
    rows = [(name, text[0] if text else "") for name, *text in read(folder / "docs.tsv")]
    queries = [(row[0], row[1]) for row in read(folder / "queries.tsv") if row[0] in gains]
    names = [name for name, _ in rows]
    print(f"{len(rows)} documents, {len(queries)} judged queries; nDCG@10")

    stem = snowballstemmer.stemmer("english").stemWord

    def tokens(text: str) -> list[str]:
        words = re.findall("[a-z0-9]+", text.lower())
        return [stem(word) for word in words if word not in LUCENE_STOP_WORDS]

    def score(found: Mapping[str, Sequence[str]]) -> Scores:
        return {query: ndcg(found[query], gains[query]) for query, _ in queries}

    def show(label: str, scores: Scores) -> None:
        print(f"{label:60} {mean(scores.values()):.4f}")

    cut: Callable[[str], str] = lambda text: " ".join(tokens(text))  # noqa: E731
    show(
        "BM25, Lucene's tokens",
        score(bm25([(n, tokens(t)) for n, t in rows], [(q, tokens(t)) for q, t in queries])),
    )
    with tempfile.TemporaryDirectory() as temporary:
        documents = [(name, [("body", cut(text))]) for name, text in rows]
        with engine(Path(temporary, "tokens"), documents, "none") as reader:
            asked = [(query, " OR ".join(tokens(text))) for query, text in queries]
            show("the engine, Lucene's tokens", score(ask(reader, names, asked, None)))
        documents = []
        for name, text in rows:
            title, _, body = text.partition(" . ")
            documents.append((name, [("title", title), ("body", body)]))
        # Whole sentences are asked, of which no document bears every word: the word that none has
        # says so where one does.
        asked = [(query, f"{text} 0none0") for query, text in queries]
        with engine(Path(temporary, "texts"), documents, "english") as reader:
            by_weight = {
                weight: score(ask(reader, names, asked, {"title": weight})) for weight in WEIGHTS
            }
        for weight, scores in by_weight.items():
            show(f"the engine, its own analysis, the title's weight {weight:g}", scores)
        value, chosen = cross_validated(by_weight)
        label = "the same, the weight by five-fold cross-validation"
        print(f"{label:60} {value:.4f}   (chosen: {', '.join(f'{w:g}' for w in chosen)})")


if __name__ == "__main__":
    main()
