"""The language of the index."""

from pathlib import Path

from picturerail_daemon.index.follower import IndexFollower
from picturerail_daemon.index.rebuilds import count_rebuilds
from picturerail_daemon.meaning.words import WordVectors
from picturerail_native.database import Database, Mode
from picturerail_native.records import ImageRow
from picturerail_native.search import Reader

METADATA = b'{"mime": "image/jpeg", "width": 1, "height": 1}'


def test_another_language_has_the_index_built_anew(tmp_path: Path) -> None:
    """Forms of words follow the setting, back and forth; that is no repair, and not counted."""
    with Database(tmp_path / "store", Mode.CREATE) as database:
        with database.begin() as transaction:
            transaction.insert(
                ImageRow(0, b"Zwei Straende.jpg", METADATA, path=b"Zwei Straende.jpg")
            )
        for language, found in [("english", 0), ("german", 1), ("german", 1), ("none", 0)]:
            follower = IndexFollower(
                database, tmp_path / "index", WordVectors("builtin", 100), language
            )
            follower.catch_up()
            follower.close()

            with Reader(tmp_path / "index") as reader:
                assert reader.search("strand", typos=False).total == found
            assert count_rebuilds(tmp_path / "index") == 0
