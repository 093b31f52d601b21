"""How services are asked over HTTP: limits, patience, and clear states for whatever they answer.

A service's trouble is one of three: it will not take this picture (`Refused`), it cannot answer
now (`TryAgain`), or it answers nobody as it is set up (`DescriberUnavailable`). Nothing is
followed to another host, no proxy or password file of the environment is used unasked, and no
answer is read further than an answer can be long.
"""

from __future__ import annotations

import email.utils
import io
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import requests
import tenacity

from picturerail_daemon.describe.budget import Budget
from picturerail_daemon.describe.interface import (
    Answer,
    DescriberUnavailable,
    Subject,
)
from picturerail_daemon.describe.xmp import clean
from picturerail_native.records import Description

T = TypeVar("T")

MOST_ANSWER_BYTES = 4 << 20
ATTEMPTS = 3
LONGEST_PAUSE = 10.0
_SOON, _LATER = 5.0, 300.0
_NO_ADDRESS = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)


class TryAgain(Exception):  # noqa: N818  a state, not a defect
    """The service cannot answer now; `seconds` is when to ask again."""

    def __init__(self, reason: str, seconds: float, *, asked: bool = False) -> None:
        """Keep when; `asked` tells that the service itself named it."""
        super().__init__(reason)
        self.seconds = seconds
        self.asked = asked


class Refused(Exception):  # noqa: N818  a state, not a defect
    """The service will not describe this picture."""


class _Fault(msgspec.Struct):
    code: str | int | None = ""
    message: str = ""


class _Failure(msgspec.Struct):
    error: _Fault


class Client:
    """One service.

    Args:
        headers: sent with every request; the key is among them.
        timeout_seconds: for connecting, and between two pieces of the answer.
        budget: how many requests a day may be made.
        pause: the sleep between attempts (tests hand in their own).
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        *,
        timeout_seconds: float,
        budget: Budget,
        pause: Any = time.sleep,
    ) -> None:
        """Keep what is needed; nothing is sent before something is asked."""
        self._timeout = timeout_seconds
        self._budget = budget
        self._session = requests.Session()
        self._session.headers.update(headers)
        # Proxies and .netrc of the environment must not see the key unasked.
        self._session.trust_env = False
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, TryAgain) and error.seconds <= LONGEST_PAUSE
            ),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_pause_of,
            sleep=pause,
            reraise=True,
        )

    def ask(self, url: str, body: bytes, content_type: str, shape: type[T]) -> T:
        """Post a body and return the answer in the documented shape, asking again where it helps.

        Raises:
            TryAgain: it could not be answered now.
            Refused: the service will not have this body.
            DescriberUnavailable: the service answers nothing as it is set up, or the day's budget
                is used up.
        """
        answer: T = self._retrying(self._ask, url, body, content_type, shape)
        return answer

    def _ask(self, url: str, body: bytes, content_type: str, shape: type[T]) -> T:
        self._budget.spend()
        try:
            with self._session.post(
                url,
                data=body,
                headers={"Content-Type": content_type},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = response.raw.read(MOST_ANSWER_BYTES + 1, decode_content=True)
                status, headers = response.status_code, response.headers
        except _NO_ADDRESS as error:
            raise DescriberUnavailable(f"the endpoint is no address: {cause(error)}") from error
        except (requests.RequestException, OSError) as error:
            raise TryAgain(f"the service cannot be reached: {cause(error)}", _SOON) from error
        except Exception as error:  # urllib3's own, while the answer is read
            raise TryAgain(f"the answer was cut off: {cause(error)}", _SOON) from error
        if len(content) > MOST_ANSWER_BYTES:
            raise TryAgain("the answer is larger than any answer should be", _LATER)
        _judge(status, headers, content)
        try:
            return msgspec.json.decode(content, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise TryAgain(
                f"the answer is not what the service documents: {error}", _LATER
            ) from error


def state_of(error: TryAgain | Refused, version: str) -> Answer:
    """Return what is kept of a picture that a service did not describe."""
    if isinstance(error, TryAgain):
        description = Description(version, "waiting", str(error))
        return Answer(description, retry_seconds=max(error.seconds, 60.0))
    return Answer(Description(version, "failed", str(error)))


def shrink(subject: Subject, largest_side: int, least_side: int, most_bytes: int) -> bytes:
    """Return the picture as a JPEG within a service's limits, without any metadata.

    Raises:
        Refused: it does not fit into them, or cannot be shown.
    """
    try:
        image = subject.large().convert("RGB")
    except Exception as error:
        raise Refused(f"cannot be sent: {error}") from error
    if min(image.size) < least_side:
        raise Refused(
            f"cannot be sent: it is smaller than the {least_side} by {least_side} pixels that "
            "the service asks for"
        )
    image.thumbnail((largest_side, largest_side))
    if min(image.size) < least_side:
        raise Refused("cannot be sent: it is too narrow for the service once its longer side fits")
    for quality in (88, 70, 50):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= most_bytes:
            return buffer.getvalue()
    raise Refused(f"cannot be sent: it does not fit into the service's {most_bytes:,} bytes")


def cause(error: BaseException) -> str:
    """Return an error's text on one line of a length that can be shown."""
    return clean(str(error) or type(error).__name__)[:200]


def _judge(status: int, headers: Any, content: bytes) -> None:
    """Make every status other than success a clear state."""
    if status == 200:
        return
    try:
        said = msgspec.json.decode(content, type=_Failure).error
        reason = f"{said.code}: {said.message}" if said.code else said.message
    except (msgspec.DecodeError, UnicodeDecodeError):
        reason = ""
    reason = clean(reason)[:300] or f"status {status}"
    if status == 403 and "quota" in reason.lower():
        raise DescriberUnavailable(
            f"the service's quota is used up: {reason}", seconds=_after(headers, 3600.0)
        )
    if status in {401, 403}:
        raise DescriberUnavailable(f"the service refused the key: {reason}")
    if status == 404 or 300 <= status < 400:
        raise DescriberUnavailable(f"there is no such service at this endpoint: {reason}")
    if status == 429:
        seconds = _after(headers, 60.0)
        raise TryAgain(f"the service's rate limit is reached: {reason}", seconds, asked=True)
    if status == 408 or status >= 500:
        seconds = _after(headers, _SOON)
        raise TryAgain(f"the service failed: {reason}", seconds, asked="Retry-After" in headers)
    raise Refused(f"the service refused the picture: {reason}")


def _pause_of(state: tenacity.RetryCallState) -> float:
    """Wait as long as the service asks, else longer each time, with some jitter."""
    error = state.outcome.exception() if state.outcome else None
    jittered: float = tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE)(state)
    if isinstance(error, TryAgain) and error.asked:
        return max(error.seconds, jittered)
    return jittered


def _after(headers: Any, otherwise: float) -> float:
    """Return Retry-After in seconds, given as such or as a date."""
    value = headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return otherwise
    return max(0.0, moment.timestamp() - time.time())
