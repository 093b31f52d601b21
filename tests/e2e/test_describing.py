"""What is in the pictures: places, moments, people, services, meaning, from the command line."""

import json
import shutil

import pytest
from PIL import ExifTags, Image

from picturerail_exporter.search_file import rows_of, texts_of, unpacked

from ..small_models import colour_clip


def save(path, colour="green", *, gps=None, taken=None, size=(320, 240), **options):
    """Write a photograph of one colour, with where and when it was taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.paste(colour, (0, 0, size[0] // 2, size[1] // 2))
    exif = Image.Exif()
    if taken:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    if gps:
        degrees = exif.get_ifd(ExifTags.IFD.GPSInfo)
        degrees.update({1: "N" if gps[0] >= 0 else "S", 2: (abs(gps[0]), 0.0, 0.0)})
        degrees.update({3: "E" if gps[1] >= 0 else "W", 4: (abs(gps[1]), 0.0, 0.0)})
    image.save(path, exif=exif, **options)


@pytest.fixture
def written(home):
    """Describe by what is written only."""
    home.configure(sources='["sidecar"]')
    return home


def test_a_picture_is_found_by_where_and_when_it_was_taken(written):
    """Town, region, country; season, month, weekday and hour, turned round in the south."""
    save(written.photos / "a.jpg", gps=(38.72, -9.14), taken="2019:07:14 18:03:11")
    save(written.photos / "b.jpg", gps=(-33.86, 151.2), taken="2021:01:06 09:00:00")
    save(written.photos / "c.jpg")
    written.run("sync")

    assert written.found("lisbon") == ["a.jpg"]
    assert written.found("portugal", "2019..2020") == ["a.jpg"]
    assert written.found("place:sydney") == ["b.jpg"]
    assert written.found("new south wales") == ["b.jpg"]
    assert set(written.found("summer")) == {"a.jpg", "b.jpg"}
    assert written.found("july sunday evening") == ["a.jpg"]
    assert written.found("wednesday morning") == ["b.jpg"]
    shown = written.json("show", written.photos / "a.jpg")["metadata"]
    assert {"Lisbon", "Portugal"} <= set(shown["places"])
    assert shown["time_words"][0] == "summer"


@pytest.mark.parametrize(("place", "told"), [("none", False), ("town", True)])
def test_the_site_tells_no_more_of_places_than_is_allowed(written, place, told):
    """Neither the town's name nor what would follow from it stands in any file unless allowed."""
    written.configure(f'place = "{place}"\n', sources='["sidecar"]')
    save(written.photos / "b.jpg", gps=(-33.86, 151.2), taken="2021:01:06 09:00:00")
    written.run("sync")
    written.run("export")

    everything = b"".join(file.read_bytes() for file in written.site.rglob("*") if file.is_file())
    assert (b"ydney" in everything) == told
    searched = {
        text
        for file in (written.site / "search").iterdir()
        for text in texts_of(f"search/{file.name}", file.read_bytes())
    }
    assert ("sydney" in searched) == told
    # A summer in January would tell the half of the earth.
    assert ("summer" in searched, "winter" in searched) == (told, not told)


def test_what_google_takeout_tells_comes_with_it_and_changes_with_it(written):
    """People, caption, stars, time and place; another file changes them, none takes them back."""
    save(written.photos / "beach.jpg")
    beside = written.photos / "beach.jpg.supplemental-metadata.json"
    said = {
        "title": "beach.jpg",
        "description": "Anna in the waves",
        "people": [{"name": "Anna Maria"}],
        "favorited": True,
        "photoTakenTime": {"timestamp": "1563120191"},
        "geoData": {"latitude": 38.72, "longitude": -9.14},
    }
    beside.write_text(json.dumps(said))
    written.run("sync")

    for query in ("waves", "people:anna", "rating:5", "lisbon", "date:2019-07-14"):
        assert written.found(query) == ["beach.jpg"], query
    shown = written.json("show", written.photos / "beach.jpg")["metadata"]
    assert (shown["people"], shown["rating"]) == (["Anna Maria"], 5)
    assert (shown["taken_from"], shown["gps_from"]) == ("sidecar", "sidecar")
    told = written.run("show", written.photos / "beach.jpg").stdout.decode()
    for line in (
        "people  Anna Maria",
        "rating  5",
        "sidecar  done (version",
        "gps  as sidecar tells",
    ):
        assert line in told

    beside.write_text(json.dumps({**said, "people": [{"name": "Ben"}], "favorited": False}))
    written.run("sync")
    assert written.found("people:ben") == ["beach.jpg"]
    assert written.found("people:anna") == written.found("rating:5") == []

    beside.unlink()
    written.run("sync")
    assert written.found("lisbon") == written.found("waves") == []


def test_the_nearest_meaning_comes_after_the_words(written, tagged):
    """A word that no picture has finds what means nearly the same; nonsense finds nothing."""
    written.configure("[meaning]\nneighbours = 0\n", sources='["sidecar"]')
    tagged(written.photos / "a.png", "missile", "launch")
    tagged(written.photos / "b.png", "kitchen", "stove")
    tagged(written.photos / "c.png", "warhead")
    written.run("sync")

    by_word, by_meaning = written.json("search", "warhead")
    assert (by_word["filename"], by_word["matched"][0]["field"]) == ("c.png", "tags")
    assert (by_meaning["filename"], by_meaning["matched"][0]["field"]) == ("a.png", "meaning")
    assert by_word["score"] > by_meaning["score"]
    assert written.json("search", "--words", "orbital rockets") == []
    assert written.found("orbital rockets") == ["a.png"]
    assert written.found("xqzzy") == []
    assert written.found("orbital -launch") == []  # meaning cannot keep to what is demanded
    assert "near in meaning" in written.run("search", "orbital rockets").stdout.decode()


ANSWER = json.dumps(
    {"choices": [{"message": {"content": '{"caption": "A red kite.", "tags": ["kite", "sky"]}'}}]}
).encode()


def test_a_service_gets_only_what_the_rules_let_it_have(home, service):
    """Pictures of excluded folders are never sent; what it says is told apart in `show`."""
    service.will((200, {}, ANSWER))
    save(home.photos / "a.jpg", "red")
    save(home.photos / "Family" / "b.jpg", "blue")
    save(home.photos / "Family" / "deeper" / "c.jpg", "white")
    home.configure(sources='["sidecar", "openai"]')
    home.config.write_text(
        home.config.read_text()
        + f'[describe.openai]\nendpoint = "{service.endpoint}v1"\nmodel = "llava"\n'
        + '[[describe.rules]]\nfolders = ["photos/Family"]\nsources = ["sidecar"]\n'
    )
    home.run("sync")

    assert len(service.requests) == 1
    assert home.found("kite") == ["a.jpg"]
    shown = home.json("show", home.photos / "a.jpg")["metadata"]
    assert {tag["source"] for tag in shown["tags"]} == {"openai"}
    assert shown["caption"] == "A red kite."
    (hit,) = home.json("search", "kite")
    home.run("tag", hit["id"], "+toy", "-sky")
    home.run("sync")
    assert home.found("tag:sky") == []
    assert home.found("tag:toy") == ["a.jpg"]

    shutil.move(home.photos / "Family" / "b.jpg", home.photos / "b.jpg")
    home.run("sync")
    assert len(service.requests) == 2  # it left the folder that the rule names


def test_a_days_budget_leaves_the_rest_for_tomorrow(home, service):
    """The budget holds across commands, and the status says what waits."""
    service.will((200, {}, ANSWER))
    for name in "abc":
        save(home.photos / f"{name}.jpg", (ord(name), 0, 0), size=(320, 200 + ord(name)))
    home.configure(sources='["openai"]')
    home.config.write_text(
        home.config.read_text()
        + f'[describe.openai]\nendpoint = "{service.endpoint}"\nmodel = "m"\ndaily_requests = 2\n'
    )
    home.run("sync")
    home.run("sync")

    assert len(service.requests) == 2
    assert len(home.found("kite")) == 2


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('sources = ["openai"]', "describe.openai.endpoint"),
        ('sources = ["onnx"]', "describe.onnx.model"),
        ('sources = ["onnx"]\n[describe.onnx]\nmodel = "m.onnx"', "go together"),
        ('sources = ["azure"]', "describe.azure.endpoint"),
    ],
)
def test_a_source_without_what_it_needs_is_refused_at_the_start(home, more, says):
    """One line that names the key, before anything starts."""
    text = home.config.read_text().replace('sources = ["sidecar", "local"]', more)
    home.config.write_text(text)

    assert says in home.run("sync", code=2).stderr.decode()


def test_a_missing_model_stops_nothing_but_itself(home, tagged):
    """Mirroring and the other describers go on, and one line names the file."""
    tagged(home.photos / "a.png", "boat")
    home.configure(sources='["sidecar", "onnx"]')
    home.config.write_text(
        home.config.read_text() + '[describe.onnx]\nmodel = "no.onnx"\nlabels = "no.txt"\n'
    )
    said = home.run("sync").stderr.decode()

    assert "no.onnx: there is no such model file" in said
    assert home.found("boat") == ["a.png"]


def test_a_text_finds_what_pictures_show_with_a_pair_of_encoders(home):
    """No picture has a word; the encoders put text and picture into one space."""
    colour_clip(home.folder / "colours")
    for name, colour in (("1", "#ff0000"), ("2", "#00ff00"), ("3", "#0000ff")):
        Image.new("RGB", (320, 240), colour).save(home.photos / f"{name}.png")
    home.configure(sources='["onnx"]')
    home.config.write_text(home.config.read_text() + '[describe.onnx]\nclip = "./colours"\n')
    home.run("sync")

    assert [home.found(word) for word in ("red", "green", "blue")] == [
        ["1.png"],
        ["2.png"],
        ["3.png"],
    ]
    assert home.found("green", "--words") == []

    home.run("export")
    near = {}
    for file in (home.site / "search").glob("[0-9a-f]*.bin"):
        for key, value in rows_of(unpacked(file.read_bytes())):
            if key in (b"red", b"green", b"blue"):  # rows of other kinds have no such keys
                near[key.decode()] = value[1]
    ids = {row["filename"]: row["id"] for word in near for row in home.json("search", word)}
    # A site knows it without the encoders: for each word the nearest picture's id comes first.
    assert near == {"red": ids["1.png"], "green": ids["2.png"], "blue": ids["3.png"]}


def test_pictures_that_belong_together(home, photographs):
    """Copies, other sizes of one photograph; nothing else is taken for them."""
    shutil.copy(photographs["rocket"], home.photos / "rocket.jpg")
    shutil.copy(photographs["rocket"], home.photos / "copy.jpg")
    with Image.open(photographs["coffee"]) as coffee:
        coffee.convert("RGB").save(home.photos / "large.jpg")
        coffee.convert("RGB").resize((300, 200)).save(home.photos / "small.jpg", quality=60)
    shutil.copy(photographs["chelsea"], home.photos / "cat.png")
    home.run("sync")

    groups = home.json("duplicates")
    found = {
        group["kind"]: sorted(picture["path"].rpartition("/")[2] for picture in group["pictures"])
        for group in groups
    }
    assert found == {"same": ["copy.jpg", "rocket.jpg"], "near": ["large.jpg", "small.jpg"]}
    assert "nearly the same picture:" in home.run("duplicates").stdout.decode()


def test_models_are_listed_and_a_wrong_name_is_refused(home):
    """Nothing is fetched for a list; an unknown name is told with the known ones."""
    (model, *_) = home.json("models", "list")
    assert model.keys() == {"name", "about", "license", "bytes", "here"}
    assert model["here"] is False
    assert (
        "known are clip-vit-b32" in home.run("models", "fetch", "nothing", code=2).stderr.decode()
    )
