"""The words whose meaning a site knows: what a visitor may search for that no picture bears.

The most frequent words of the word vectors, in every space in which a text gets its vector on this
machine. A service would be paid for each word, so its space is not among them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from picturerail_config.settings import Settings
from picturerail_daemon.describe.interface import DescriberUnavailable, TextEncoder
from picturerail_daemon.meaning.words import WordVectors
from picturerail_daemon.service.describers import own_text_encoder
from picturerail_daemon.service.places import Layout
from picturerail_exporter.search_meaning import Meaning, Vocabulary
from picturerail_native.search import analyse

log = logging.getLogger(__name__)

WORDS = 12_000
_VERSION = 1


def site_meaning(settings: Settings, layout: Layout, words: WordVectors) -> Meaning:
    """Return the vocabularies of a site; nothing is loaded yet."""
    clip = own_text_encoder(settings, layout)
    stamp = _stamp(clip.text_file) if clip else ""

    def load() -> Sequence[Vocabulary]:
        texts = _terms(words)
        found: list[Vocabulary] = []
        if not texts:  # as of words without spaces, which searches cut into pairs of letters
            return found
        if clip is not None:
            place = layout.models / f"vocabulary-{_digest(stamp, *texts)}.npy"
            try:
                found.append(_vocabulary(clip, texts, place))
            except DescriberUnavailable as error:
                log.warning("the site is made without what this model knows: %s", error)
        found.append(_vocabulary(words, texts, None))
        return found

    return Meaning(f"{_VERSION} {WORDS} {words.space} {stamp}", load)


def _terms(words: WordVectors) -> list[str]:
    """Return the frequent words as searches see them, each once."""
    terms = (analyse(word) for word in words.frequent(WORDS))
    return list(dict.fromkeys(term[0].term for term in terms if len(term) == 1))


def _vocabulary(encoder: TextEncoder, texts: Sequence[str], kept: Path | None) -> Vocabulary:
    """Return a vocabulary in a space; `kept` is where its vectors are, or are to be."""
    space = encoder.space
    vectors = None if kept is None else _kept(kept, len(texts))
    if vectors is None:
        if kept is not None:
            log.info("giving %d words a vector in %s, once", len(texts), space)
        encoded = [encoder.encode(text) for text in texts]
        length = next((len(each) for each in encoded if each is not None), 0)
        nothing = np.zeros(length, np.float32)
        vectors = np.stack([nothing if each is None else each for each in encoded])
        vectors = vectors.astype(np.float16)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            new = kept.with_suffix(".new.npy")
            np.save(new, vectors)
            new.replace(kept)
    return Vocabulary(space, encoder.least, texts, vectors.astype(np.float32))


def _kept(place: Path, count: int) -> npt.NDArray[np.float16] | None:
    """Return the vectors of so many words that were kept; None where they are not, or damaged."""
    try:
        vectors: npt.NDArray[np.float16] = np.load(place)
    except (OSError, ValueError, EOFError):
        return None
    whole = vectors.dtype == np.float16 and vectors.ndim == 2 and len(vectors) == count
    return vectors if whole else None


def _stamp(file: Path) -> str:
    """Return what is another for another file."""
    try:
        found = file.stat()
    except OSError:
        return f"{file} is not there"
    return f"{file.parent.name} {found.st_size} {found.st_mtime_ns}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
