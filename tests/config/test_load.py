"""Reading the configuration."""

from pathlib import Path

import pytest

from picturerail_config import ConfigError, find_config, load
from picturerail_config.example import example_text


@pytest.fixture
def write(tmp_path):
    """Write a configuration file and return its path."""

    def write(text: str) -> Path:
        file = tmp_path / "picturerail.toml"
        file.write_text(text)
        return file

    return write


SMALLEST = '[library]\nfolders = ["photos"]\n'


def test_smallest_file_gives_every_default_and_absolute_paths(write, tmp_path):
    """A file that names only folders is enough, and relative paths start at its own folder."""
    loaded = load(write(SMALLEST))

    assert (tmp_path / "photos",) == loaded.settings.library.folders
    assert loaded.settings.describe.sources == ("sidecar", "local")
    assert loaded.settings.store.path.is_absolute()
    assert {"library.folders"} == loaded.keys


def test_example_says_nothing_but_the_defaults(tmp_path, monkeypatch):
    """The file that users copy shows the defaults as they are."""
    monkeypatch.setenv("HOME", str(tmp_path))
    shown = tmp_path / "shown.toml"
    shown.write_text(example_text([tmp_path / "photos"]))
    least = tmp_path / "least.toml"
    least.write_text(SMALLEST)

    assert load(least).settings == load(shown).settings


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            SMALLEST + "[store]\nkeep_orignals = true\n",
            r":4: unknown key `store.keep_or.*; did",
        ),
        (SMALLEST + "[stor]\n", r":3: unknown key `stor`; did you mean `store`"),
        (SMALLEST + '[watch]\nsettle_seconds = "1"\n', r":4: `watch.settle_seconds`: expected"),
        (SMALLEST + "[describe.local]\nthreshold = 2\n", r":4: `describe.local.threshold`"),
        (SMALLEST + 'store = "here"\n', r"`library.store`|`store` must be a table"),
        ('[store]\npath = "x"\n', r"`library.folders` must be given"),
        ("[library]\nfolders = []\n", r":2: `library.folders`"),
        ("[library\n", r"not valid TOML"),
        ('[library]\nfolders = ["a", "a/b"]\n', r"overlap"),
        ('[library]\nfolders = ["~nosuchuser/x"]\n', r":2: `library.folders`.* no such user"),
        (SMALLEST + "[store]\nkeep_deleted_days = 4000000\n", r":4: `store.keep_deleted_days`"),
        (SMALLEST + "[search]\nweights = {filename = inf}\n", r"`search.weights"),
        (
            SMALLEST + '[store]\npath = "photos/store"\n',
            r":4: `store.path` .* overlaps the watched",
        ),
        (SMALLEST + '[export]\npath = "photos"\n', r":4: `export.path` .* overlaps"),
        (SMALLEST + '[store]\npath = "s"\n[export]\npath = "s/site"\n', r"must lie apart"),
        (SMALLEST + '[describe]\nsources = ["magic"]\n', r":4: `describe.sources`"),
    ],
)
def test_every_mistake_names_file_line_and_key(write, text, wanted):
    """A mistake is one line that says where it is and what to do."""
    file = write(text)

    with pytest.raises(ConfigError, match=wanted) as caught:
        load(file)

    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value).replace("\n", "", str(caught.value).count("TOML"))


def test_links_do_not_hide_an_overlap(write, tmp_path):
    """A folder named twice through a link, or a store inside one through a link, is refused."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to("photos")

    with pytest.raises(ConfigError, match="overlap"):
        load(write('[library]\nfolders = ["photos", "link"]\n'))
    with pytest.raises(ConfigError, match=r"store.path"):
        load(write(SMALLEST + '[store]\npath = "link/store"\n'))
    with pytest.raises(ConfigError, match=r"store.path"):
        load(write('[library]\nfolders = ["store/deep"]\n[store]\npath = "store"\n'))


def test_no_file_says_how_to_make_one(tmp_path, monkeypatch):
    """Without any configuration the message names the places and the command."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    with pytest.raises(ConfigError, match="picturerail init"):
        find_config()


def test_users_own_file_comes_before_the_systems(tmp_path, monkeypatch):
    """The user's file under XDG_CONFIG_HOME is found first."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = tmp_path / "picturerail" / "picturerail.toml"
    own.parent.mkdir()
    own.write_text(SMALLEST)

    assert own == find_config()
