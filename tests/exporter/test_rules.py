"""What may be published, by folder."""

from dataclasses import replace

import pytest

from picturerail_exporter.rules import Allowed, Rule, Rules

from .helpers import plain, public


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("Pictures/Family", "Pictures/Family", True),
        ("Pictures/Family", "Pictures/Family/2019/x", True),
        ("Pictures/Family", "Pictures/Families", False),
        ("**/private", "Pictures/a/b/private/c", True),
        ("**/private", "private", True),
        ("Pictures/**/private", "Pictures/private", True),
        ("Pictures/**", "Pictures", True),
        ("*/2019", "Pictures/2019", True),
        ("*/2019", "Pictures/a/2019", False),
        ("Pictures/?", "Pictures/ab", False),
        ("Pictures/[x]", "Pictures/x", False),
    ],
)
def test_globs_name_folders(glob, path, matches):
    """A glob holds for the folders that it names and for all below them, and for no other."""
    rules = Rules(folders=(Rule((glob,), show=False),))

    assert rules.of(tuple(part.encode() for part in path.split("/"))).show is not matches


def test_later_rules_go_before():
    """A later rule changes what it says and leaves the rest."""
    rules = Rules(
        Allowed(place="town"),
        (Rule(("A",), show=False, place="none"), Rule(("A/b",), show=True)),
    )

    assert rules.of((b"A", b"b")) == Allowed(show=True, place="none")
    assert rules.of((b"B",)) == Allowed(place="town")


def test_hidden_folders_are_nowhere(source, options, publish):
    """A folder that is not shown is in no file of the site, nor are its words and its number."""
    source.add("open/a.jpg", plain((1, 2, 3)), tags=("sea",))
    source.add("vault/secret.jpg", plain((3, 2, 1)), tags=("hush",), camera="Minox")
    publish()
    rules = Rules(folders=(Rule(("*/vault",), show=False),))
    publish(replace(options, rules=rules))

    everything = public(options.path)
    for private in ("secret", "hush", "minox", "vault", "photo/2/"):
        assert not [name for name in everything if private in name.lower()]
        assert not [name for name, data in everything.items() if private.encode() in data.lower()]
    assert b"1 picture" in everything["index.html"]


def test_private_keywords_are_nowhere(source, options, publish):
    """A private keyword is on no page and in no index, but where its folder allows it."""
    for folder in ("open", "allowed"):
        tags = ("Family Album", f"sea {folder}")
        source.add(f"{folder}/a.jpg", plain((1, 2, len(folder))), tags=tags)
    rules = Rules(private=("family*",))
    publish(replace(options, rules=rules))
    assert b"amily" not in b"".join(public(options.path).values())

    allowed = (Rule(("*/allowed",), private_keywords=True),)
    publish(replace(options, rules=replace(rules, folders=allowed)))
    page = (options.path / "photo/2/index.html").read_text()
    assert "Family Album" in page
    assert "Family Album" not in (options.path / "photo/1/index.html").read_text()
