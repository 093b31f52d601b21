"""A model that sees, behind OpenAI's chat completions on loopback."""

import base64
import io
import json

import pytest
from PIL import Image

from picturerail_daemon.describe.openai import OpenAiDescriber

SAID = {"caption": "A dog on the grass.", "tags": ["Dog", "grass", "dog", "x" * 80]}


def completion(content, **message):
    """Return a reply with a message's content."""
    body = {
        "id": "1",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": "stop",
            }
        ],
    }
    return 200, {}, json.dumps(body).encode()


@pytest.fixture
def describer(service, client):
    """Make a describer for the service."""
    return OpenAiDescriber(endpoint=service.endpoint + "v1/", model="llava", client=client())


def test_a_caption_and_tags_in_the_schema_that_was_asked_for(service, describer, subject):
    """The picture goes as a data address, the schema along; tags come back small and once."""
    service.will(completion(json.dumps(SAID)))

    said = describer.describe([subject(Image.new("RGB", (3000, 2000)))])[0].description

    assert said.caption == "A dog on the grass."
    assert [tag.name for tag in said.tags] == ["dog", "grass"]
    path, _, body = service.requests[0]
    asked = json.loads(body)
    text, picture = asked["messages"][0]["content"]
    assert (path, asked["model"], text["type"]) == ("/v1/chat/completions", "llava", "text")
    assert asked["response_format"]["json_schema"]["schema"]["required"] == ["caption", "tags"]
    kind, _, data = picture["image_url"]["url"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert max(Image.open(io.BytesIO(base64.b64decode(data))).size) == 1024


@pytest.mark.parametrize(
    "content",
    [
        f"```json\n{json.dumps(SAID)}\n```",
        f"Sure! {{not}} this: {json.dumps(SAID)} I hope it helps {{}}.",
    ],
    ids=["fence", "chatter"],
)
def test_json_is_found_between_other_words(service, describer, subject, content):
    """Small models wrap their answer."""
    service.will(completion(content))

    assert describer.describe([subject()])[0].description.caption == SAID["caption"]


def test_a_server_without_schemas_is_asked_in_words(service, describer, subject):
    """A 400 that names response_format is not the picture's fault, and is not met again."""
    refusal = {"error": {"code": None, "message": "unknown field response_format"}}
    service.will((400, {}, json.dumps(refusal).encode()), completion(json.dumps(SAID)))

    answers = describer.describe([subject(), subject()])

    assert [a.description.state for a in answers] == ["done", "done"]
    assert ["response_format" in json.loads(body) for _, _, body in service.requests] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "reply",
    [
        completion("I cannot see pictures."),
        completion("{" * 30_000),
        completion('{"caption": "", "tags": []}'),
        completion('{"caption": 7}'),
        completion(None),
        (200, {}, b'{"choices": []}'),
        (200, {}, b"<html>"),
        (500, {}, b"oops"),
    ],
    ids=["words", "braces", "empty", "types", "null", "no-choice", "html", "failure"],
)
def test_a_senseless_answer_waits(service, describer, subject, reply):
    """Whatever comes, the picture waits with a reason."""
    service.will(reply)

    said = describer.describe([subject()])[0].description

    assert said.state == "waiting"
    assert said.reason


def test_a_refusal_is_kept_as_one(service, describer, subject):
    """The model's own refusal fails the picture for good, in its words."""
    service.will(completion(None, refusal="I will not describe this."))

    said = describer.describe([subject()])[0].description

    assert said.state == "failed"
    assert "I will not" in said.reason
