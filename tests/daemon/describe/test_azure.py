"""The service describer against a real local server that speaks the documented protocol."""

import email.utils
import io
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from picturerail_daemon.describe.azure import AzureDescriber
from picturerail_daemon.describe.interface import DescriberUnavailable

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


class Service(ThreadingHTTPServer):
    """Answers as told, one reply a request, the last one for ever; remembers what it got."""

    daemon_threads = True

    def __init__(self):
        """Listen on a free port of loopback."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = [(200, {}, json.dumps(TAGS).encode())]
        self.requests = []

    @property
    def endpoint(self):
        """The address to configure."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def will(self, *replies):
        """Answer so from now on."""
        self.replies = list(replies)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        replies = self.server.replies
        status, headers, content = replies.pop(0) if len(replies) > 1 else replies[0]
        if status is None:
            return  # cut off without an answer
        self.send_response(status)
        usual = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    """Run the service on loopback."""
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def pauses():
    """Gather the pauses instead of sleeping."""
    return []


@pytest.fixture
def describer(service, pauses):
    """Make a describer for the service."""
    return AzureDescriber(
        endpoint=service.endpoint,
        key="secret",
        threshold=0.5,
        timeout_seconds=1.0,
        pause=pauses.append,
    )


def fault(status, code, message, **headers):
    """Return a reply in the documented form of a failure."""
    return status, headers, json.dumps({"error": {"code": code, "message": message}}).encode()


def test_tags_above_the_threshold_and_the_documented_request(service, describer, subject):
    """The key goes into its header, a JPEG into the body, and confident tags come back."""
    answer = describer.describe([subject(Image.new("RGB", (4000, 3000), "green"))])[0]

    assert [(t.name, t.confidence) for t in answer.description.tags] == [
        ("grass", 0.99),
        ("dog", 0.8),
    ]
    path, headers, body = service.requests[0]
    assert path == "/vision/v3.2/tag"
    assert (
        headers["Ocp-Apim-Subscription-Key"],
        headers["Content-Type"],
    ) == ("secret", "application/octet-stream")
    sent = Image.open(io.BytesIO(body))
    assert (sent.format, max(sent.size)) == ("JPEG", 1600)
    assert not sent.getexif()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_asking(service, describer, subject, status):
    """A wrong key is the describer's trouble, not each picture's."""
    service.will(fault(status, "Unauthorized", "Access denied due to invalid subscription key"))

    with pytest.raises(DescriberUnavailable, match=r"refused the key.*Access denied"):
        describer.describe([subject()])
    assert len(service.requests) == 1


def test_a_short_rate_limit_is_waited_for(service, describer, pauses, subject):
    """Retry-After is honoured, and the picture is described after it."""
    good = service.replies[0]
    service.will(fault(429, "429", "Too many", **{"Retry-After": "7"}), good)

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
    good = service.replies[0]
    service.will(fault(500, "InternalServerError", "oops"), (None, {}, b""), good)

    assert describer.describe([subject()])[0].description.state == "done"
    assert len(pauses) == 2


@pytest.mark.parametrize(
    "reply",
    [
        (200, {}, b"<html>"),
        (200, {}, b'{"tags": 7}'),
        (200, {}, b'{"tags": [{"name": 1}]}'),
        (200, {}, b"\xff\xfe"),
        (200, {"Content-Length": "9999"}, b'{"tags": ['),
        (200, {}, b'{"tags": []}' + b" " * (2 << 20)),
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


def test_a_slow_service_is_given_up_on(subject):
    """A server that accepts and says nothing ends in a time-out, not in a hang."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = AzureDescriber(
            endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}",
            key="k",
            threshold=0.5,
            timeout_seconds=0.1,
            pause=lambda _: None,
        )
        answer = slow.describe([subject()])[0]

    assert answer.description.state == "waiting"
    assert "cannot be reached" in answer.description.reason
