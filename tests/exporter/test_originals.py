"""Copies of originals: what may be downloaded, and that nothing private is in it."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from picturerail_exporter.check import check_site
from picturerail_exporter.rules import Allowed, Rule, Rules
from picturerail_exporter.strip import UnstrippableError, strip

from .helpers import broken_links, encoded, photograph, plain, tree

SECRETS = (b"SERIAL-4711", b"GeheimerOrt", b"a comment")


def private_file(kind, orientation=1, **options):
    """Return a picture's file that is full of what nobody should see."""
    exif = Image.Exif()
    exif[0x010F] = "GeheimerOrt"
    exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0xA431] = "SERIAL-4711"
    exif.get_ifd(0x8825)[2] = (38.0, 43.0, 12.3456)
    if kind == "GIF":
        return encoded(photograph("coffee").resize((60, 40)), kind, comment=b"a comment", **options)
    if kind == "JPEG":
        options |= {"comment": b"a comment", "xmp": b"<x>GeheimerOrt</x>"}
    if kind == "WEBP":
        options |= {"xmp": b"<x>GeheimerOrt</x>"}
    return encoded(photograph("coffee").resize((60, 40)), kind, exif=exif, **options)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"restart_marker_blocks": 2}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
    ],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_stripping_keeps_pixels_and_loses_the_rest(kind, options, orientation):
    """A stripped copy has the same pixels, colours and orientation, and nothing else."""
    profile = b"" if kind == "GIF" else b"icc" * 60
    data = private_file(
        kind, orientation, **options, **({"icc_profile": profile} if profile else {})
    )
    assert any(secret in data for secret in SECRETS)  # else this would test nothing

    bare = strip(data + (b"GeheimerOrt" if kind == "JPEG" else b""))

    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(bare)) as after:
        assert np.array_equal(np.asarray(before), np.asarray(after))
        assert after.info.get("icc_profile", b"") == profile
        kept = dict(after.getexif())
        assert kept == ({0x0112: 6} if orientation == 6 and kind != "GIF" else {})
    assert not [secret for secret in SECRETS if secret in bare]
    assert strip(bare) == bare


def test_animations_stay_animations():
    """A stripped animation has all its frames, and still loops."""
    frames = [Image.new("RGB", (16, 16), (at * 60, 30, 40)) for at in range(4)]
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], loop=0)
        with Image.open(io.BytesIO(strip(data))) as image:
            assert image.n_frames == 4
            assert image.info.get("loop") == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_damaged_files_are_refused(kind):
    """Wherever a file ends too early nothing is let through; and no byte turned makes it fall."""
    data = private_file(kind)
    for percent in (1, 10, 40, 70, 95):
        with pytest.raises(UnstrippableError):
            strip(data[: len(data) * percent // 100])
    rng = np.random.default_rng(7)
    for _ in range(300):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] = rng.integers(256)
        try:
            strip(bytes(damaged))
        except UnstrippableError:
            continue


def test_downloads_follow_the_rules(source, options, publish):
    """No original is on the site but where a rule allows it, bare or as it is, and goes again."""
    data = private_file("JPEG")
    source.add("a/none.jpg", private_file("JPEG", quality=50))
    source.add("b/bare.jpg", data)
    source.add("c/full.jpg", data)
    rules = Rules(
        folders=(
            Rule(("*/b",), originals="stripped"),
            Rule(("*/c",), originals="full"),
        )
    )
    publish(replace(options, rules=rules))

    found = {path.name: path.read_bytes() for path in options.path.rglob("*-original.*")}
    assert sorted(found.values()) == sorted([strip(data), data])
    pages = {n: (options.path / f"photo/{n}/index.html").read_text() for n in (1, 2, 3)}
    assert "download=" not in pages[1]
    assert 'download="bare.jpg"' in pages[2]
    assert "-stripped1-original.jpg" in pages[2]
    assert "-full-original.jpg" in pages[3]
    assert broken_links(options.path) == []
    assert check_site(source, options.path, deep=True, rules=rules) == []

    source.delete(3)
    publish(replace(options, rules=rules))
    assert [path.read_bytes() for path in options.path.rglob("*-original.*")] == [strip(data)]
    publish(options)
    assert not list(options.path.rglob("*-original.*"))


def test_what_cannot_be_stripped_is_not_offered(source, options, publish, tmp_path):
    """A format that cannot be stripped, or a file built wrongly, has no download, and is named."""
    source.add("a.tif", encoded(photograph("coffee"), "TIFF"), mime="image/tiff")
    odd = private_file("JPEG")
    odd = odd[:2] + b"\xff\x01\xff\x01" + odd[2:]
    source.add("odd.jpg", odd, width=60, height=40)
    everything = replace(options, rules=Rules(Allowed(originals="stripped")))

    report = publish(everything)

    assert not list(options.path.rglob("*-original.*"))
    (problem,) = report.problems
    assert problem.startswith("odd.jpg: offered without its original")
    fresh = replace(everything, path=tmp_path / "fresh")
    publish(fresh)
    assert tree(fresh.path) == tree(options.path)


def test_check_finds_private_originals(source, options, publish):
    """A stripped copy in whose place the file itself lies is found by a check."""
    data = private_file("JPEG")
    source.add("a.jpg", data)
    rules = Rules(Allowed(originals="stripped"))
    publish(replace(options, rules=rules))
    (copy,) = options.path.rglob("*-original.jpg")
    copy.unlink()
    copy.write_bytes(data)

    ((where, what),) = check_site(source, options.path, deep=True, rules=rules)

    assert (where, "more than a picture" in what) == (str(copy), True)


def test_same_stem_files_never_collide(source, options, publish):
    """Files of one stem have renditions, pages and downloads of their own."""
    for kind, suffix in (("JPEG", "jpg"), ("PNG", "png"), ("GIF", "gif"), ("WEBP", "webp")):
        image = Image.new("RGB", (40, 30), (len(kind) * 20, ord(kind[0]), 60))
        source.add(f"plain.{suffix}", encoded(image, kind), mime=f"image/{kind.lower()}")
    source.add("PLAIN.JPG", plain((200, 3, 3)))
    publish(replace(options, rules=Rules(Allowed(originals="stripped"))))

    assert len(list(options.path.glob("media/*/*-large.webp"))) == 5
    assert len(list(options.path.glob("media/*/*-original.*"))) == 5
    assert broken_links(options.path) == []
