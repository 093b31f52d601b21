"""How commands ask a running daemon: one JSON document a line over a unix socket.

A request is `{"command": name, "arguments": {...}}`. The daemon answers with any number of
`{"progress": [what, done, total]}` and then one `{"result": ...}` or
`{"error": message, "exit_code": n}`. The socket's folder is the store, mode 0700, and the
socket itself is 0600, so only its owner may ask.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from picturerail_daemon.errors import BusyError, PicturerailError
from picturerail_daemon.service.places import Layout

MOST_REQUEST_BYTES = 1 << 20

Progress = Callable[[str, int, int], None]
Answerer = Callable[[str, dict[str, Any], Progress], Any]


class DaemonError(PicturerailError):
    """What a daemon answered instead of a result."""

    def __init__(self, message: str, exit_code: int) -> None:
        """Keep the exit code that the daemon named."""
        super().__init__(message)
        self.exit_code = exit_code


@contextlib.contextmanager
def _address(layout: Layout) -> Iterator[str]:
    """Yield an address short enough for a socket, however long the store's path is."""
    folder = os.open(layout.store, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{layout.socket.name}"
    finally:
        os.close(folder)


def _connect(layout: Layout) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(layout) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection


def is_listening(layout: Layout) -> bool:
    """Return whether a daemon answers for this store."""
    connection = _connect(layout)
    if connection is None:
        return False
    connection.close()
    return True


def ask(
    layout: Layout, command: str, arguments: dict[str, Any], progress: Progress
) -> tuple[bool, Any]:
    """Have a running daemon do something; return (whether there is one, its result).

    Raises:
        DaemonError: it could not; with its message.
        BusyError: it went away before it answered.
    """
    connection = _connect(layout)
    if connection is None:
        return False, None
    with connection, connection.makefile("rwb") as stream:
        request = {"command": command, "arguments": arguments}
        stream.write(json.dumps(request).encode() + b"\n")
        stream.flush()
        for line in stream:
            answer = json.loads(line)
            if "progress" in answer:
                progress(*answer["progress"])
            elif "error" in answer:
                raise DaemonError(answer["error"], answer["exit_code"])
            else:
                return True, answer["result"]
    raise BusyError(f"{layout.store}: the daemon stopped before `{command}` was done; ask again")


class ControlServer:
    """Answers commands, each in a thread of its own."""

    def __init__(self, layout: Layout, answer: Answerer) -> None:
        """Listen; a socket left behind by a killed daemon is replaced.

        Only the process that holds the store's lock may call this.
        """
        self._layout = layout
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        layout.socket.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            with _address(layout) as address:
                self._listener.bind(address)
        finally:
            os.umask(before)
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(
                target=self._serve, args=(connection,), name="command", daemon=True
            ).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:

            def send(answer: dict[str, Any]) -> None:
                # Whoever asked may have gone; the work is done all the same.
                with contextlib.suppress(OSError, ValueError):
                    stream.write(json.dumps(answer).encode() + b"\n")
                    stream.flush()

            try:
                line = stream.readline(MOST_REQUEST_BYTES)
                if not line:
                    return
                request = json.loads(line)
                command, arguments = request["command"], request["arguments"]
            except (OSError, ValueError, KeyError, TypeError):
                send({"error": "the request is not understood", "exit_code": 1})
                return
            try:
                result = self._answer(
                    command,
                    arguments,
                    lambda what, done, total: send({"progress": [what, done, total]}),
                )
            except PicturerailError as error:
                send({"error": str(error), "exit_code": error.exit_code})
            except Exception as error:
                send({"error": f"{type(error).__name__}: {error}", "exit_code": 1})
                raise
            else:
                send({"result": result})

    def close(self) -> None:
        """Stop listening and remove the socket."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._layout.socket.unlink(missing_ok=True)
