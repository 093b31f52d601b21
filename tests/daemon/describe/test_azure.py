"""The service describer against a real local server that speaks the documented protocol."""

import email.utils
import io
import json
import socket
import time
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image

from picturerail_daemon.describe.azure import SPACE, AzureDescriber, AzureTextEncoder
from picturerail_daemon.describe.interface import DescriberUnavailable

ANALYSIS = {
    "modelVersion": "2023-10-01",
    "metadata": {"width": 320, "height": 240},
    "tagsResult": {
        "values": [
            {"name": "grass", "confidence": 0.99},
            {"name": "dog", "confidence": 0.8},
            {"name": "maybe", "confidence": 0.2},
        ]
    },
    "captionResult": {"text": "a dog on the grass", "confidence": 0.9},
    "objectsResult": {
        "values": [
            {
                "boundingBox": {"x": 1, "y": 1, "w": 9, "h": 9},
                "tags": [{"name": "frisbee", "confidence": 0.7}],
            }
        ]
    },
    "readResult": {
        "blocks": [
            {"lines": [{"text": "KEEP OFF"}, {"text": "THE GRASS"}]},
        ]
    },
}
TAGS = {
    "tags": [
        {"name": "grass", "confidence": 0.99},
        {"name": "dog", "confidence": 0.8},
        {"name": "maybe", "confidence": 0.2},
    ],
    "requestId": "1",
    "metadata": {"height": 240, "width": 320, "format": "Jpeg"},
    "modelVersion": "2021-05-01",
}
DESCRIBED = {
    "description": {
        "tags": ["grass"],
        "captions": [
            {"text": "a lawn", "confidence": 0.6},
            {"text": "a dog on a lawn", "confidence": 0.7},
        ],
    },
    "requestId": "2",
}


def good(document):
    """Return a reply of success."""
    return 200, {}, json.dumps(document).encode()


def describer_of(service, client, **more):
    """Make a describer for the service."""
    settings = {"api": "4.0", "threshold": 0.5, "embeddings": False, **more}
    return AzureDescriber(endpoint=service.endpoint, client=client, **settings)


@pytest.fixture
def describer(service, client):
    """Make a describer of the newer generation."""
    service.will(good(ANALYSIS))
    return describer_of(service, client())


def fault(status, code, message, **headers):
    """Return a reply in the documented form of a failure."""
    return status, headers, json.dumps({"error": {"code": code, "message": message}}).encode()


def test_everything_that_the_analysis_knows(service, describer, subject):
    """Sure tags and objects, the caption and what is written come back; a JPEG was sent."""
    answer = describer.describe([subject(Image.new("RGB", (4000, 3000), "green"))])[0]

    said = answer.description
    assert [(t.name, t.confidence) for t in said.tags] == [
        ("grass", 0.99),
        ("dog", 0.8),
        ("frisbee", 0.7),
    ]
    assert (said.caption, said.text) == ("a dog on the grass", "KEEP OFF THE GRASS")
    path, headers, body = service.requests[0]
    address = urlsplit(path)
    assert address.path == "/computervision/imageanalysis:analyze"
    assert parse_qs(address.query) == {
        "api-version": ["2024-02-01"],
        "features": ["tags,caption,objects,read"],
        "language": ["en"],
    }
    assert (
        headers["Ocp-Apim-Subscription-Key"],
        headers["Content-Type"],
    ) == ("secret", "application/octet-stream")
    sent = Image.open(io.BytesIO(body))
    assert (sent.format, max(sent.size)) == ("JPEG", 1600)
    assert not sent.getexif()


def test_a_region_without_captions_gives_the_rest(service, describer, subject):
    """What the region cannot do is not asked for again."""
    refusal = fault(400, "InvalidRequest", "The feature 'Caption' is not supported in this region.")
    service.will(refusal, good({"tagsResult": ANALYSIS["tagsResult"]}))

    answers = describer.describe([subject(), subject()])

    assert [a.description.state for a in answers] == ["done", "done"]
    asked = [parse_qs(urlsplit(path).query)["features"][0] for path, _, _ in service.requests]
    assert asked == ["tags,caption,objects,read", "tags,objects,read", "tags,objects,read"]


def test_the_older_generation(service, client, subject):
    """3.2 is asked for tags, then for a description, of which the surest sentence is taken."""
    service.will(good(TAGS), good(DESCRIBED))

    said = describer_of(service, client(), api="3.2").describe([subject()])[0].description

    assert [tag.name for tag in said.tags] == ["grass", "dog"]
    assert said.caption == "a dog on a lawn"
    assert [path for path, _, _ in service.requests] == [
        "/vision/v3.2/tag",
        "/vision/v3.2/describe",
    ]


def test_pictures_and_texts_get_vectors_of_one_space(service, client, subject):
    """The picture's bytes and the text are sent to the two sides of the same model."""
    vector = {"modelVersion": "2023-04-15", "vector": [0.5] * 1024}
    service.will(good(ANALYSIS), good(vector))

    answer = describer_of(service, client(), embeddings=True).describe([subject()])[0]
    encoder = AzureTextEncoder(endpoint=service.endpoint, client=client())
    text = encoder.encode("a dog")

    assert encoder.space == SPACE
    assert list(answer.vectors) == [SPACE]
    assert np.array_equal(answer.vectors[SPACE], text)
    (_, _, _), (image_path, _, _), (text_path, _, text_body) = service.requests
    assert urlsplit(image_path).path == "/computervision/retrieval:vectorizeImage"
    assert urlsplit(text_path).path == "/computervision/retrieval:vectorizeText"
    query = {"api-version": ["2024-02-01"], "model-version": ["2023-04-15"]}
    assert parse_qs(urlsplit(text_path).query) == query
    assert json.loads(text_body) == {"text": "a dog"}


@pytest.mark.parametrize("vector", [[], [0.0] * 4], ids=["empty", "zero"])
def test_no_vector_is_not_taken_for_one(service, client, subject, vector):
    """A vector that cannot be compared is the service's fault, and the picture waits."""
    service.will(good(ANALYSIS), good({"vector": vector}))

    answer = describer_of(service, client(), embeddings=True).describe([subject()])[0]

    assert (answer.description.state, answer.vectors) == ("waiting", {})


def test_a_used_up_quota_is_not_a_wrong_key(service, describer, subject):
    """The free tier's 403 says that the quota comes back; until then nothing is asked."""
    message = "Out of call volume quota. Quota will be replenished in 1.02:03:04."
    service.will(fault(403, "403", message, **{"Retry-After": "7200"}))

    with pytest.raises(DescriberUnavailable, match="quota is used up") as caught:
        describer.describe([subject()])

    assert caught.value.seconds == 7200


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_asking(service, describer, subject, status):
    """A wrong key is the describer's trouble, not each picture's."""
    service.will(fault(status, "Unauthorized", "Access denied due to invalid subscription key"))

    with pytest.raises(DescriberUnavailable, match=r"refused the key.*Access denied"):
        describer.describe([subject()])
    assert len(service.requests) == 1


def test_a_short_rate_limit_is_waited_for(service, describer, pauses, subject):
    """Retry-After is honoured, and the picture is described after it."""
    fine = service.replies[0]
    service.will(fault(429, "429", "Too many", **{"Retry-After": "7"}), fine)

    answer = describer.describe([subject()])[0]

    assert answer.description.state == "done"
    assert [round(pause, 1) for pause in pauses] == [7.0]


def test_a_long_rate_limit_is_left_for_later(service, describer, pauses, subject):
    """A quota that opens in an hour holds up nothing now; a date is understood too."""
    later = email.utils.formatdate(time.time() + 3600, usegmt=True)
    service.will(fault(429, "429", "Out of call volume quota", **{"Retry-After": later}))

    answer = describer.describe([subject()])[0]

    assert answer.description.state == "waiting"
    assert "quota" in answer.description.reason
    assert 3500 < answer.retry_seconds <= 3600
    assert pauses == []


def test_a_passing_failure_is_tried_again(service, describer, pauses, subject):
    """500 and a connection cut off are tried again, with pauses, and then it works."""
    fine = service.replies[0]
    service.will(fault(500, "InternalServerError", "oops"), (None, {}, b""), fine)

    assert describer.describe([subject()])[0].description.state == "done"
    assert len(pauses) == 2


@pytest.mark.parametrize(
    "reply",
    [
        (200, {}, b"<html>"),
        (200, {}, b'{"tagsResult": 7}'),
        (200, {}, b'{"tagsResult": {"values": [{"name": 1}]}}'),
        (200, {}, b"\xff\xfe"),
        (200, {"Content-Length": "9999"}, b'{"tagsResult": {'),
        (200, {}, b'{"tagsResult": {"values": []}}' + b" " * (5 << 20)),
        (200, {"Content-Encoding": "gzip"}, b"not gzip"),
        (500, {}, b""),
        (503, {}, b"<html>"),
    ],
    ids=["html", "shape", "types", "encoding", "cut", "huge", "gzip", "empty", "html-503"],
)
def test_a_senseless_answer_is_a_clear_state(service, describer, subject, reply):
    """Whatever the service sends, the picture waits with a reason and nothing is raised."""
    service.will(reply)

    answer = describer.describe([subject()])[0]

    assert answer.description.state == "waiting"
    assert answer.description.reason
    assert answer.retry_seconds >= 60


def test_a_refused_picture_fails_for_good(service, describer, subject):
    """A picture that the service will not take is not sent again and again."""
    service.will(fault(400, "InvalidImageSize", "Image must be at least 50 pixels"))

    answer = describer.describe([subject()])[0]

    assert answer.description.state == "failed"
    assert "InvalidImageSize" in answer.description.reason
    assert len(service.requests) == 1


def test_too_small_a_picture_is_not_sent(service, describer, subject):
    """The service's documented limit is kept here."""
    answer = describer.describe([subject(Image.new("RGB", (50, 500)))])[0]

    assert answer.description.state == "failed"
    assert service.requests == []


@pytest.mark.parametrize("status", [301, 404])
def test_a_wrong_endpoint_is_named(service, describer, subject, status):
    """Nothing is followed elsewhere with the key, and the message speaks of the endpoint."""
    service.will((status, {"Location": "http://127.0.0.1:1/"}, b"{}"))

    with pytest.raises(DescriberUnavailable, match="endpoint"):
        describer.describe([subject()])


def test_a_slow_service_is_given_up_on(client, subject):
    """A server that accepts and says nothing ends in a time-out, not in a hang."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = AzureDescriber(
            endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}",
            client=client(timeout=0.1),
            api="4.0",
            threshold=0.5,
            embeddings=False,
        )
        answer = slow.describe([subject()])[0]

    assert answer.description.state == "waiting"
    assert "cannot be reached" in answer.description.reason


def test_an_endpoint_that_is_no_address_is_named(client, subject):
    """A slip in the configuration is not each picture's trouble."""
    with pytest.raises(DescriberUnavailable, match="endpoint"):
        describer = AzureDescriber(
            endpoint="nowhere", client=client(), api="4.0", threshold=0.5, embeddings=False
        )
        describer.describe([subject()])
