import base64
import io

import pytest
from PIL import Image

from picturerail_exporter.pixels import Picture, decode
from picturerail_exporter.recipe import Recipe, Size
from picturerail_exporter.rendition_store import RenditionStore
from picturerail_exporter.renditions import mean_colour, placeholder, render

from .helpers import encoded, photograph


def picture_of(image, **options):
    """Encode an image as a JPEG and decode that."""
    return decode(io.BytesIO(encoded(image, **options)))


def test_sizes_fit_their_boxes_and_never_grow():
    """Renditions fit their boxes, and a small picture keeps its size in all of them."""
    recipe = Recipe(sizes=(Size("large", 400, 400), Size("small", 160, 80)))

    big = render(
        picture_of(photograph("chelsea")), recipe
    )  # 451 x 300, whose quarter nearly fills the box
    small = render(picture_of(Image.new("RGB", (20, 10))), recipe)

    assert [(r.name, r.width, r.height) for r in big] == [("large", 400, 266), ("small", 113, 75)]
    assert [(r.width, r.height) for r in small] == [(20, 10), (20, 10)]
    for rendition in (*big, *small):
        with Image.open(io.BytesIO(rendition.data)) as image:
            assert ("WEBP", (rendition.width, rendition.height)) == (image.format, image.size)


def test_renditions_look_like_the_picture():
    """A rendition shows the picture: its mean error against a plain resize is small."""
    original = photograph("astronaut")

    renditions = render(picture_of(original, quality=95), Recipe())

    assert [r.name for r in renditions] == ["large", "small", "tile"]
    for rendition in renditions:
        with Image.open(io.BytesIO(rendition.data)) as image:
            shown = image.convert("RGB").resize((64, 64), Image.Resampling.BOX)
        expected = original.resize((64, 64), Image.Resampling.BOX)
        pairs = zip(shown.tobytes(), expected.tobytes(), strict=True)
        limit = 4.5 if rendition.name == "tile" else 4  # a tile is coded for its few bytes
        assert sum(abs(a - b) for a, b in pairs) / (64 * 64 * 3) < limit


def test_renditions_carry_no_metadata():
    """Nothing of the original's EXIF, XMP or profile travels into a rendition."""
    exif = Image.Exif()
    exif[0x010F] = "SecretMaker"
    exif.get_ifd(0x8825)[1] = "N"
    picture = picture_of(photograph("coffee"), exif=exif, xmp=b"<secret/>", comment=b"secret")

    for rendition in render(picture, Recipe()):
        with Image.open(io.BytesIO(rendition.data)) as image:
            assert not {"exif", "xmp", "icc_profile"} & image.info.keys()
        assert b"ecret" not in rendition.data


def test_same_values_same_bytes():
    """Rendering is a function: twice the same picture and recipe, twice the same bytes."""
    data = encoded(photograph("coffee"))

    first, second = (render(decode(io.BytesIO(data)), Recipe()) for _ in range(2))

    assert first == second


def test_recipe_version_follows_its_values():
    """Whatever changes in a recipe changes its version, so old files never pass for new."""
    versions = {
        Recipe().version,
        Recipe(sizes=(Size("large", 100, 100, 50),)).version,
        Recipe(wide=True).version,
        Recipe(sizes=(Size("large", 100, 100),)).version,
    }

    assert len(versions) == 4
    assert Recipe().version == Recipe().version


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (900, 30), (1, 1)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_placeholder_is_tiny(size, mode):
    """A placeholder is a decodable picture of the same shape in at most 200 characters."""
    image = Image.effect_noise((40, 30), 90).convert(mode)

    address = placeholder(Picture("image/png", 1, image, *size))

    head, _, data = address.partition(",")
    assert head == "data:image/webp;base64"
    assert len(address) <= 200
    with Image.open(io.BytesIO(base64.b64decode(data))) as tiny:
        assert (size[0] > size[1]) == (tiny.width > tiny.height)


@pytest.mark.parametrize("colour", ["#c04020", "#808080", "#1030a0", "#f0f0e8"])
def test_mean_colour_is_that_of_the_picture(colour):
    """A placeholder's mean is about the picture's."""
    image = Image.new("RGB", (40, 30), colour)

    told = mean_colour(placeholder(Picture("image/png", 1, image, 40, 30)))

    wanted, found = (bytes.fromhex(each[1:]) for each in (colour, told))
    assert all(abs(a - b) <= 12 for a, b in zip(wanted, found, strict=True)), told
    assert mean_colour("") == ""


def test_store_keeps_what_it_was_given(tmp_path):
    """What was written is there, whole, under the content's and recipe's name, and only that."""
    store, recipe, content = RenditionStore(tmp_path / "r"), Recipe(), bytes(range(32))
    renditions = render(picture_of(Image.new("RGB", (30, 20))), recipe)
    assert not store.has(content, recipe)

    store.write(content, recipe, renditions)

    assert store.has(content, recipe)
    assert not store.has(content, Recipe(wide=True))
    assert renditions[1].data == store.load(content, recipe, "small")
    expected = f"00/{content.hex()}-{recipe.version}-small.webp"
    assert tmp_path / "r" / expected == store.path(content, recipe, "small")
    assert len([path for path in (tmp_path / "r").rglob("*") if path.is_file()]) == 3


@pytest.mark.parametrize("damage", [b"", b"\0" * 80, b"RIFF\xff\xff\0\0WEBP"])
def test_store_does_not_believe_half_files(tmp_path, damage):
    """A file that lost its bytes in a power cut counts as missing."""
    store, recipe, content = RenditionStore(tmp_path), Recipe(), bytes(32)
    store.write(content, recipe, render(picture_of(Image.new("RGB", (30, 20))), recipe))

    store.path(content, recipe, "small").write_bytes(damage)

    assert not store.has(content, recipe)
    assert store.load(content, recipe, "small") is None


def test_unused_renditions_are_removed(tmp_path):
    """Only files of contents that no picture has any more are removed, and nothing foreign."""
    store, recipe = RenditionStore(tmp_path), Recipe()
    live, dead = b"\1" * 32, b"\2" * 32
    for content in (live, dead):
        store.write(content, recipe, render(picture_of(Image.new("RGB", (30, 20))), recipe))
    foreign = tmp_path / "notes.txt"
    foreign.write_text("mine")

    assert store.remove_unused({live}) == 3

    assert store.has(live, recipe)
    assert foreign.exists()
    assert not (tmp_path / "02").exists()


def test_more_formats(tmp_path):
    """Other formats come beside WebP, show the same picture, bear no metadata, and are whole."""
    exif = Image.Exif()
    exif[0x010F] = "SecretMaker"
    recipe, content = Recipe(more=("avif", "jpeg")), bytes(32)
    original = photograph("coffee")

    renditions = render(picture_of(original, quality=95, exif=exif, comment=b"secret"), recipe)

    assert [r.format for r in renditions[:3]] == ["webp", "avif", "jpeg"]
    for rendition in renditions:
        with Image.open(io.BytesIO(rendition.data)) as image:
            assert rendition.format.upper() == image.format
            assert image.size == (rendition.width, rendition.height)
            shown = image.convert("RGB").resize((64, 64), Image.Resampling.BOX)
        expected = original.resize((64, 64), Image.Resampling.BOX)
        pairs = zip(shown.tobytes(), expected.tobytes(), strict=True)
        assert sum(abs(a - b) for a, b in pairs) / (64 * 64 * 3) < 5
        assert b"ecret" not in rendition.data
    store = RenditionStore(tmp_path)
    store.write(content, recipe, renditions)
    for rendition in renditions:
        place = store.path(content, recipe, rendition.name, rendition.format)
        assert store.has(content, recipe)
        place.write_bytes(rendition.data[:-3])
        assert not store.has(content, recipe)
        place.write_bytes(rendition.data)


def test_jpeg_of_what_shows_through_is_on_white():
    """Where WebP shows through, the JPEG of it is white and not black."""
    image = Image.new("RGBA", (40, 30), (200, 30, 40, 0))

    jpeg = render(Picture("image/png", 1, image, 40, 30), Recipe(more=("jpeg",)))[1]

    with Image.open(io.BytesIO(jpeg.data)) as shown:
        assert min(shown.getpixel((20, 15))) > 250


def test_a_sharp_recipe_is_another_one():
    """Renditions of a sharp recipe never pass for those of one that is not."""
    plain, sharp = Recipe(), Recipe(sharp=True)

    assert plain.version != sharp.version
    assert 2 * plain.largest == sharp.largest
