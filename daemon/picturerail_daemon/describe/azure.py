"""Azure AI Vision's image analysis: the tag operation, over requests.

Speaks Computer Vision 3.2, `POST {endpoint}/vision/v3.2/tag`: the picture's bytes as
application/octet-stream, the key in the header Ocp-Apim-Subscription-Key; the answer is
`{"tags": [{"name", "confidence"}], "requestId", "metadata"}`, a failure
`{"error": {"code", "message"}}`. A picture may have 4 MB and must be larger than 50 by 50
pixels, so a downscaled copy is sent. Nothing is sent unless the configuration names the
source.
"""

from __future__ import annotations

import email.utils
import io
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import requests
import tenacity

from picturerail_daemon.describe.interface import Answer, DescriberUnavailable, Subject
from picturerail_daemon.describe.xmp import clean
from picturerail_native.records import Description, Tag

MOST_BYTES = 4_000_000
LARGEST_SIDE = 1600
MOST_ANSWER_BYTES = 1 << 20
ATTEMPTS = 3
LONGEST_PAUSE = 10.0


class _Tag(msgspec.Struct):
    name: str
    confidence: float = 0.0


class _Tags(msgspec.Struct):
    tags: list[_Tag]


class _Fault(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Failure(msgspec.Struct):
    error: _Fault


class _TryAgain(Exception):  # noqa: N818  a state, not a defect
    """The service cannot answer now; `seconds` is when to ask again."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


class _Refused(Exception):  # noqa: N818  a state, not a defect
    """The service will not describe this picture."""


class AzureDescriber:
    """Tags from Azure's image analysis.

    Args:
        endpoint: the resource's address, as `https://NAME.cognitiveservices.azure.com`.
        key: the resource's key.
        threshold: the least confidence of a tag.
        timeout_seconds: for connecting, and between two pieces of the answer.
        pause: the sleep between attempts (tests hand in their own).
    """

    name = "azure"
    version = "v3.2-tag/1"
    batch = 1

    def __init__(
        self,
        *,
        endpoint: str,
        key: str,
        threshold: float,
        timeout_seconds: float,
        pause: Any = time.sleep,
    ) -> None:
        """Keep what is needed; nothing is sent before a picture is described."""
        self._url = endpoint.rstrip("/") + "/vision/v3.2/tag"
        self._threshold = threshold
        self._timeout = timeout_seconds
        self._session = requests.Session()
        self._session.headers["Ocp-Apim-Subscription-Key"] = key
        # Proxies and .netrc of the environment must not see the key unasked.
        self._session.trust_env = False
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, _TryAgain) and error.seconds <= LONGEST_PAUSE
            ),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_pause_of,
            sleep=pause,
            reraise=True,
        )

    def describe(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Describe pictures, one request each."""
        return [self._describe(subject) for subject in subjects]

    def _describe(self, subject: Subject) -> Answer:
        try:
            body = shrink(subject)
        except Exception as error:
            return Answer(Description(self.version, "failed", f"cannot be sent: {error}"))
        try:
            tags = self._retrying(self._ask, body)
        except _Refused as error:
            return Answer(Description(self.version, "failed", str(error)))
        except _TryAgain as error:
            description = Description(self.version, "waiting", str(error))
            return Answer(description, retry_seconds=max(error.seconds, 60.0))
        return Answer(Description(self.version, tags=tags))

    def _ask(self, body: bytes) -> tuple[Tag, ...]:
        try:
            with self._session.post(
                self._url,
                data=body,
                headers={"Content-Type": "application/octet-stream"},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = response.raw.read(MOST_ANSWER_BYTES + 1, decode_content=True)
                status, headers = response.status_code, response.headers
        except (requests.RequestException, OSError) as error:
            raise _TryAgain(f"the service cannot be reached: {_cause(error)}", 5.0) from error
        except Exception as error:  # urllib3's own, while the answer is read
            raise _TryAgain(f"the answer was cut off: {_cause(error)}", 5.0) from error
        if len(content) > MOST_ANSWER_BYTES:
            raise _TryAgain("the answer is larger than any answer should be", 300.0)
        self._judge(status, headers, content)
        try:
            found = msgspec.json.decode(content, type=_Tags)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _TryAgain(
                f"the answer is not what the service documents: {error}", 300.0
            ) from error
        kept = [tag for tag in found.tags if tag.confidence >= self._threshold]
        return tuple(
            Tag(name, round(min(max(tag.confidence, 0.0), 1.0), 4))
            for tag in kept
            if (name := clean(tag.name))
        )

    @staticmethod
    def _judge(status: int, headers: Any, content: bytes) -> None:
        """Make every documented status other than 200 a clear state."""
        if status == 200:
            return
        try:
            said = msgspec.json.decode(content, type=_Failure).error
            reason = f"{said.code}: {said.message}" if said.code else said.message
        except (msgspec.DecodeError, UnicodeDecodeError):
            reason = ""
        reason = clean(reason)[:300] or f"status {status}"
        if status in {401, 403}:
            raise DescriberUnavailable(f"the service refused the key: {reason}")
        if status == 404 or 300 <= status < 400:
            raise DescriberUnavailable(f"there is no such service at this endpoint: {reason}")
        if status == 429:
            raise _TryAgain(f"the service's rate limit is reached: {reason}", _after(headers))
        if status >= 500:
            raise _TryAgain(f"the service failed: {reason}", 5.0)
        raise _Refused(f"the service refused the picture: {reason}")


def shrink(subject: Subject) -> bytes:
    """Return the picture as a JPEG within the service's limits."""
    image = subject.large().convert("RGB")
    if min(image.size) <= 50:
        raise ValueError("it is smaller than the 51 by 51 pixels that the service asks for")
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    for quality in (88, 70, 50):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= MOST_BYTES:
            return buffer.getvalue()
    raise ValueError("it does not fit into the service's 4 MB")


def _pause_of(state: tenacity.RetryCallState) -> float:
    """Wait as long as the service asks, else longer each time with some jitter."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.seconds if isinstance(error, _TryAgain) else 0.0
    jittered: float = tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE)(state)
    return max(asked, jittered) if asked != 5.0 else jittered


def _after(headers: Any) -> float:
    """Return Retry-After in seconds, given as such or as a date; 60 where it says nothing."""
    value = headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 60.0
    return max(0.0, moment.timestamp() - time.time())


def _cause(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return clean(text)[:200]
