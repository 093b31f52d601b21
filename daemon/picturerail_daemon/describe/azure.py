"""Azure AI Vision over HTTP: Image Analysis 4.0 or Computer Vision 3.2, and multimodal vectors.

What is spoken, each a POST with the key in the header Ocp-Apim-Subscription-Key and the picture's
bytes as application/octet-stream:

    4.0   {endpoint}/computervision/imageanalysis:analyze?api-version=2024-02-01&features=...
          tagsResult.values[name, confidence], captionResult{text, confidence},
          objectsResult.values[tags[name, confidence]], readResult.blocks[lines[text]]
    3.2   {endpoint}/vision/v3.2/tag: tags[name, confidence]
          {endpoint}/vision/v3.2/describe: description.captions[text, confidence]
    both  {endpoint}/computervision/retrieval:vectorizeImage?api-version=...&model-version=...
          vector[1024 numbers]; retrieval:vectorizeText takes {"text": ...} as JSON

A failure is `{"error": {"code", "message"}}`. 4.0 takes pictures of 51 to 15,999 pixels and less
than 20 MB, 3.2 of more than 50 pixels and at most 4 MB; a downscaled copy within both is sent.
Captions exist in some of the service's regions only: where they do not, the rest is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlencode

import msgspec
import numpy as np

from picturerail_daemon.describe.client import Client, Refused, TryAgain, shrink, state_of
from picturerail_daemon.describe.interface import Answer, DescriberUnavailable, Subject, Vector
from picturerail_daemon.describe.xmp import clean
from picturerail_native.records import Description, Tag

MOST_BYTES = 4_000_000
LARGEST_SIDE = 1600
LEAST_SIDE = 51
_ANALYSIS_VERSION = "2024-02-01"
_VECTOR_MODEL = "2023-04-15"
_PICTURE = "application/octet-stream"
SPACE = f"azure/{_VECTOR_MODEL}"
LEAST_COSINE = 0.2
"""Below it a text and a picture have nothing in common in this space, which puts what belongs
together at about 0.2 to 0.4."""

Api = Literal["4.0", "3.2"]


class _Word(msgspec.Struct, frozen=True):
    name: str
    confidence: float = 0.0


class _Caption(msgspec.Struct, frozen=True):
    text: str = ""
    confidence: float = 0.0


class _Words(msgspec.Struct, frozen=True):
    values: list[_Word] = []


class _Object(msgspec.Struct, frozen=True):
    tags: list[_Word] = []


class _Objects(msgspec.Struct, frozen=True):
    values: list[_Object] = []


class _Line(msgspec.Struct, frozen=True):
    text: str = ""


class _Block(msgspec.Struct, frozen=True):
    lines: list[_Line] = []


class _Read(msgspec.Struct, frozen=True):
    blocks: list[_Block] = []


class _Analysis(msgspec.Struct, frozen=True, rename="camel"):
    tags_result: _Words
    caption_result: _Caption = _Caption()
    objects_result: _Objects = _Objects()
    read_result: _Read = _Read()


class _Tagged(msgspec.Struct, frozen=True):
    tags: list[_Word]


class _Captions(msgspec.Struct, frozen=True):
    captions: list[_Caption] = []


class _Described(msgspec.Struct, frozen=True):
    description: _Captions


class _Vectorised(msgspec.Struct, frozen=True):
    vector: list[float]


class AzureDescriber:
    """Tags, a caption, what is written in the picture, and a vector, from Azure.

    Args:
        endpoint: the resource's address, as `https://NAME.cognitiveservices.azure.com`.
        client: carries the key.
        api: which of the two generations the resource speaks.
        threshold: the least confidence of a tag or caption.
        embeddings: whether to ask for a vector as well.
    """

    name = "azure"
    batch = 1

    def __init__(
        self, *, endpoint: str, client: Client, api: Api, threshold: float, embeddings: bool
    ) -> None:
        """Keep what is needed; nothing is sent before a picture is described."""
        self.version = f"{api}/2/{threshold:g}" + (f"/{SPACE}" if embeddings else "")
        self._endpoint = endpoint.rstrip("/")
        self._client = client
        self._api = api
        self._threshold = threshold
        self._embeddings = embeddings
        self._captions = True

    def describe(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Describe pictures, one after the other."""
        return [self._describe(subject) for subject in subjects]

    def _describe(self, subject: Subject) -> Answer:
        try:
            body = shrink(subject, LARGEST_SIDE, LEAST_SIDE, MOST_BYTES)
            said = self._analyse(body) if self._api == "4.0" else self._tag(body)
            vectors = {}
            if self._embeddings:
                vectors[SPACE] = _vector(
                    self._client.ask(
                        _vector_url(self._endpoint, "Image"), body, _PICTURE, _Vectorised
                    )
                )
        except (TryAgain, Refused) as error:
            return state_of(error, self.version)
        return Answer(said, vectors)

    def _analyse(self, body: bytes) -> Description:
        try:
            found = self._client.ask(self._analysis_url(), body, _PICTURE, _Analysis)
        except Refused as error:
            if not (self._captions and "caption" in str(error).lower()):
                raise
            self._captions = False  # not in this region
            found = self._client.ask(self._analysis_url(), body, _PICTURE, _Analysis)
        objects = [tag for thing in found.objects_result.values for tag in thing.tags]
        lines = [line.text for block in found.read_result.blocks for line in block.lines]
        return Description(
            self.version,
            caption=self._caption([found.caption_result]),
            tags=self._kept([*found.tags_result.values, *objects]),
            text=clean(" ".join(lines)),
        )

    def _analysis_url(self) -> str:
        features = ["tags", *(["caption"] if self._captions else []), "objects", "read"]
        query = {
            "api-version": _ANALYSIS_VERSION,
            "features": ",".join(features),
            "language": "en",
        }
        address = f"{self._endpoint}/computervision/imageanalysis:analyze"
        return f"{address}?{urlencode(query, safe=',')}"

    def _tag(self, body: bytes) -> Description:
        base = f"{self._endpoint}/vision/v3.2"
        tags = self._client.ask(f"{base}/tag", body, _PICTURE, _Tagged).tags
        described = self._client.ask(f"{base}/describe", body, _PICTURE, _Described)
        return Description(
            self.version,
            caption=self._caption(described.description.captions),
            tags=self._kept(tags),
        )

    def _caption(self, captions: Sequence[_Caption]) -> str:
        sure = [c for c in captions if c.text and c.confidence >= self._threshold]
        return clean(max(sure, key=lambda c: c.confidence).text) if sure else ""

    def _kept(self, words: Sequence[_Word]) -> tuple[Tag, ...]:
        best: dict[str, float] = {}
        for word in words:
            name = clean(word.name)
            if name and word.confidence >= self._threshold:
                sure = round(min(max(word.confidence, 0.0), 1.0), 4)
                best[name] = max(sure, best.get(name, 0.0))
        return tuple(Tag(name, sure) for name, sure in best.items())


class AzureTextEncoder:
    """Gives what people type a vector among the pictures' vectors.

    Args:
        endpoint: the resource's address.
        client: carries the key.
    """

    least = LEAST_COSINE

    def __init__(self, *, endpoint: str, client: Client) -> None:
        """Keep what is needed; nothing is sent before a text is encoded."""
        self.space = SPACE
        self._url = _vector_url(endpoint.rstrip("/"), "Text")
        self._client = client

    def encode(self, text: str) -> Vector | None:
        """Return a text's vector.

        Raises:
            DescriberUnavailable: the service does not answer now, or not as it is set up.
        """
        body = msgspec.json.encode({"text": text})
        try:
            return _vector(self._client.ask(self._url, body, "application/json", _Vectorised))
        except Refused:
            return None
        except TryAgain as error:
            raise DescriberUnavailable(str(error)) from error


def _vector_url(endpoint: str, of: Literal["Image", "Text"]) -> str:
    query = {"api-version": _ANALYSIS_VERSION, "model-version": _VECTOR_MODEL}
    return f"{endpoint}/computervision/retrieval:vectorize{of}?{urlencode(query)}"


def _vector(found: _Vectorised) -> Vector:
    vector = np.asarray(found.vector, np.float32)
    if not vector.size or not np.isfinite(vector).all() or not vector.any():
        raise TryAgain("the answer is not what the service documents: no vector", 300.0)
    return vector
