"""What a grid shows of a picture: a name that no other content, copy or library ever has."""

import re
from dataclasses import replace

import pytest

from picturerail_exporter import media
from picturerail_exporter.collection import published
from picturerail_exporter.recipe import Recipe
from picturerail_exporter.rendition_store import rendition_name
from picturerail_exporter.rules import EVERYTHING

from .helpers import broken_links, plain, public, tree

COLOURS = [(1, 2, 3), (200, 2, 3)]


def tiles(site):
    """Return the names and bytes of a site's tiles."""
    found = {path.relative_to(site).as_posix(): path for path in site.glob("media/*/*-tile.*")}
    return {name: path.read_bytes() for name, path in found.items()}


@pytest.mark.parametrize("full", [True, False])
def test_a_picture_that_changes_back_gets_a_third_name(source, publish, options, full):
    """Nobody who kept an earlier file sees it in place of what is there now."""
    number = source.add("a.jpg", plain(COLOURS[0]))
    publish()
    first = tiles(options.path)
    source.add("a.jpg", plain(COLOURS[1]), number=number)
    publish(full=full)
    second = tiles(options.path)
    source.add("a.jpg", plain(COLOURS[0]), number=number)
    publish(full=full)
    third = tiles(options.path)

    version = options.recipe.version
    assert [
        [f"media/01/1-{revision}-{version}-00010203-tile.webp"] for revision in range(3)
    ] == list(map(list, (first, second, third)))
    assert [*first.values()] == [*third.values()] != [*second.values()]
    assert broken_links(options.path) == []
    assert re.findall(r'src="(media/[^"]*-tile\.webp)"', (options.path / "index.html").read_text())


def test_what_changed_and_changed_back_between_exports_is_shown_by_its_name(
    source, publish, options, tmp_path
):
    """A site that never showed the other content is still the one that all would be made to."""
    for at in range(3):
        source.add(f"{at}.jpg", plain((at, 2, 3)), tags=("sea",))
    publish()
    for colour in COLOURS[1], (1, 2, 3):
        source.add("1.jpg", plain(colour), number=2, tags=("sea",))
    publish()
    fresh = replace(options, path=tmp_path / "fresh")
    publish(fresh)

    assert public(fresh.path) == public(options.path)
    assert [name for name in tiles(options.path) if "/2-2-" in name]


def test_a_name_that_comes_back_shows_what_is_there_now(source, publish, options):
    """After 256 changes, or in a store that was put back to what it was, no file is stale."""
    number = source.add("a.jpg", plain(COLOURS[0]))
    publish()
    before = tiles(options.path)
    source.add("a.jpg", plain(COLOURS[1]), number=number, revision=256)
    report = publish()

    after = tiles(options.path)
    assert list(before) == list(after)
    assert list(before.values()) != list(after.values())
    assert set(after) < set(report.changed_files)


def test_copies_have_tiles_of_their_own(source, publish, options):
    """One of two copies goes with its tile, and leaves the other its own."""
    for name in ("a.jpg", "b.jpg"):
        source.add(name, plain(COLOURS[0]))
    publish()
    both = tiles(options.path)
    source.delete(1)
    publish()

    assert [name for name in both if "/2-0-" in name] == list(tiles(options.path))
    assert len(both) == 2
    assert broken_links(options.path) == []


def test_another_library_has_other_tiles_and_draws_none(source, publish, options, tmp_path):
    """A restored library's pictures are linked under its own names, from what was drawn before."""
    for at in range(3):
        source.add(f"{at}.jpg", plain((at, 2, 3)))
    publish()
    before = tiles(options.path)
    others = {name for name in tree(options.path) if name.endswith("-large.webp")}
    source.uuid = bytes(reversed(source.uuid))
    source.blobs.clear()  # whoever reads an original now fails
    report = publish()

    after = tiles(options.path)
    assert not set(before) & set(after)
    assert sorted(before.values()) == sorted(after.values())
    assert set(before) <= set(report.removed_files)
    assert others <= set(tree(options.path))
    assert broken_links(options.path) == []
    fresh = replace(options, path=tmp_path / "fresh")
    publish(fresh)
    assert public(fresh.path) == public(options.path)


def test_what_is_drawn_is_no_librarys(source):
    """The store's names, and those of files that copies share, are the same for every library."""
    source.add("a.jpg", plain(COLOURS[0]))
    ((photo,), _) = published(source, EVERYTHING)
    one, other = (Recipe(library=name) for name in ("01234567", "89abcdef"))
    content = photo.content_hash

    assert one.version == other.version == Recipe().version
    assert rendition_name(content, one, "tile") == rendition_name(content, other, "tile")
    assert media.media_name(content, one, "large") == media.media_name(content, other, "large")
    assert media.tile_name(photo, one) != media.tile_name(photo, other)
    assert media.tile_name(photo, one, "avif").endswith("/1-0" + media.tile_ending(one, "avif"))
