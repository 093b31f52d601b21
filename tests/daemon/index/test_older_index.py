"""An index that an older version wrote."""

import shutil
from pathlib import Path

from picturerail_daemon.index.follower import IndexFollower
from picturerail_daemon.index.rebuilds import count_rebuilds
from picturerail_daemon.meaning.words import WordVectors
from picturerail_native.database import Database, Mode

GOLDEN = Path(__file__).parents[2] / "native" / "golden-index-3"


def test_an_index_of_an_older_format_is_built_again_and_counted(tmp_path: Path) -> None:
    """The follower exchanges an index it cannot read for a new one, and counts that once."""
    shutil.copytree(GOLDEN, tmp_path / "index")
    with Database(tmp_path / "store", Mode.CREATE) as database:
        for _ in range(2):
            follower = IndexFollower(database, tmp_path / "index", WordVectors("builtin", 100))
            follower.catch_up()
            follower.close()

            assert count_rebuilds(tmp_path / "index") == 1
