"""What the daemon says, in the journal's native form."""

import logging
import socket
import struct

from picturerail_daemon.logs import JournalHandler


def parse(entry):
    """Read a datagram of the journal's native protocol."""
    fields = {}
    while entry:
        key, mark, entry = (
            entry.partition(b"\n")
            if entry.find(b"\n") < _equals(entry)
            else (entry.partition(b"="))
        )
        if mark == b"\n":
            (length,) = struct.unpack_from("<Q", entry)
            value, entry = entry[8 : 8 + length], entry[9 + length :]
        else:
            value, _, entry = entry.partition(b"\n")
        fields[key.decode()] = value.decode()
    return fields


def _equals(entry):
    found = entry.find(b"=")
    return len(entry) if found < 0 else found


def test_records_reach_the_journal_with_their_fields(tmp_path):
    """Message, priority and origin are fields of their own; a newline in a name forges none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        journal.settimeout(10)
        handler = JournalHandler(tmp_path / "journal")
        log = logging.getLogger("picturerail_daemon.test")
        log.addHandler(handler)
        try:
            log.warning("lost: %s", "a\nPRIORITY=0")
        finally:
            log.removeHandler(handler)
            handler.close()
        fields = parse(journal.recv(65536))

    assert fields["MESSAGE"] == "lost: a\nPRIORITY=0"
    assert fields["PRIORITY"] == "4"
    assert fields["SYSLOG_IDENTIFIER"] == "picturerail"
    assert fields["LOGGER"] == "picturerail_daemon.test"
    assert fields["CODE_FUNC"] == "test_records_reach_the_journal_with_their_fields"
