"""Any service that speaks OpenAI's chat completions with pictures: Ollama, llama.cpp, vLLM ...

`POST {base}/chat/completions` with the picture as a `data:` address and, as `response_format`, a
JSON schema of a caption and tags; the key, where there is one, as a bearer token. A server that
does not know `response_format` answers 400 and is asked in words alone from then on. The answer
is in `choices[0].message.content`: JSON, perhaps between other words.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from picturerail_daemon.describe.client import Client, Refused, TryAgain, shrink, state_of
from picturerail_daemon.describe.interface import Answer, Subject
from picturerail_daemon.describe.xmp import clean
from picturerail_native.records import Description, Tag

MOST_BYTES = 4_000_000
LARGEST_SIDE = 1024
MOST_TAGS = 30
_CONFIDENCE = 0.8
"""Such a model gives none; below what people wrote, among what a classifier is sure of."""
_LONGEST_TAG = 60
_MOST_TEXT = 20_000

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "caption": {"type": "string", "description": "One sentence that says what is seen."},
        "tags": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Words for what is seen, each of one to three words, in small letters.",
        },
    },
    "required": ["caption", "tags"],
    "additionalProperties": False,
}
_ASK = (
    "Describe this photograph for somebody who will look for it by words. Answer with JSON alone: "
    '{"caption": one sentence, "tags": [5 to 20 words for things, people, animals, places, '
    "actions and moods that are truly seen]}. Do not guess names of persons."
)


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message


class _Completion(msgspec.Struct, frozen=True):
    choices: list[_Choice]


class _Said(msgspec.Struct, frozen=True):
    caption: str = ""
    tags: list[str] = []


class OpenAiDescriber:
    """A caption and tags from a model that sees.

    Args:
        endpoint: the interface's address, as `http://localhost:11434/v1`.
        model: its name there.
        client: carries the key.
    """

    name = "openai"
    batch = 1

    def __init__(self, *, endpoint: str, model: str, client: Client) -> None:
        """Keep what is needed; nothing is sent before a picture is described."""
        self.version = f"{model}/1"
        self._url = endpoint.rstrip("/") + "/chat/completions"
        self._model = model
        self._client = client
        self._schema = True

    def describe(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Describe pictures, one request each."""
        return [self._describe(subject) for subject in subjects]

    def _describe(self, subject: Subject) -> Answer:
        try:
            picture = shrink(subject, LARGEST_SIDE, 1, MOST_BYTES)
            try:
                found = self._ask(picture)
            except Refused as error:
                if not (self._schema and "response_format" in str(error)):
                    raise
                self._schema = False
                found = self._ask(picture)
            return Answer(self._read(found))
        except (TryAgain, Refused) as error:
            return state_of(error, self.version)

    def _ask(self, picture: bytes) -> _Completion:
        address = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
        body: dict[str, Any] = {
            "model": self._model,
            "temperature": 0,
            "max_tokens": 500,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": _ASK},
                        {"type": "image_url", "image_url": {"url": address}},
                    ],
                }
            ],
        }
        if self._schema:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "description", "strict": True, "schema": _SCHEMA},
            }
        encoded = msgspec.json.encode(body)
        return self._client.ask(self._url, encoded, "application/json", _Completion)

    def _read(self, found: _Completion) -> Description:
        message = found.choices[0].message if found.choices else _Message()
        if message.refusal:
            raise Refused(f"the service refused the picture: {clean(message.refusal)[:300]}")
        said = _first_object(message.content or "")
        if said is None or not (said.caption or said.tags):
            raise TryAgain("the answer is not the JSON that was asked for", 300.0)
        names = dict.fromkeys(clean(tag).casefold() for tag in said.tags)
        tags = [Tag(name, _CONFIDENCE) for name in names if 0 < len(name) <= _LONGEST_TAG]
        return Description(self.version, caption=clean(said.caption), tags=tuple(tags[:MOST_TAGS]))


def _first_object(text: str) -> _Said | None:
    """Return the first JSON object of the shape in a text, which may stand in a code fence."""
    decoder = json.JSONDecoder()
    text = text[:_MOST_TEXT]
    at = text.find("{")
    while at >= 0:
        try:
            value, _ = decoder.raw_decode(text, at)
            return msgspec.convert(value, _Said)
        except (ValueError, RecursionError, msgspec.ValidationError):
            at = text.find("{", at + 1)
    return None
