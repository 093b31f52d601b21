"""From a file dropped into a folder to a hit in the browser, with nothing stood in for."""

import shutil
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.browser


def search(page, address, words):
    """Type words into the page and return the hits as id → (matched words, text)."""
    page.goto(address)
    page.get_by_role("searchbox").first.fill(words)
    page.wait_for_url(lambda url: words in parse_qs(urlsplit(url).query).get("q", []))
    page.wait_for_selector("html[data-search=ready]")
    hits = page.locator("[data-photo-id][data-matched]:visible")
    found = {}
    for hit in hits.all():
        photo = int(hit.get_attribute("data-photo-id"))
        found[photo] = (hit.get_attribute("data-matched").split(), hit.inner_text())
    assert len(found) == int(page.evaluate("document.documentElement.dataset.results"))
    return found


def test_drop_find_move_delete(home, photographs, chromium):
    """A photo dropped in is described and found; moved it keeps its id; deleted it goes."""
    cat = home.photos / "2019" / "IMG_2041.jpg"
    cat.parent.mkdir()
    with home.daemon():
        shutil.copy(photographs["chelsea"], cat)
        shutil.copy(photographs["coffee"], home.photos / "breakfast.jpg")
        shutil.copy(photographs["rocket"], home.photos / "start.jpg")
        home.run("wait", "--described", "--timeout", "90")

        record = home.json("show", str(cat))
        assert {"cat", "animal"} <= {tag["name"] for tag in record["metadata"]["tags"]}
        assert home.found("kitten")[0] == "IMG_2041.jpg"
        assert home.found("animal")[0] == "IMG_2041.jpg"
        assert home.found("food")[0] == "breakfast.jpg"
        reason = home.json("search", "kitten")[0]["matched"][0]
        assert (reason["field"], reason["word"], reason["via"]) == ("tags", "kitten", "cat")
        assert 0 < reason["similarity"] < 1

        home.run("export")
        with home.served() as address:
            page = chromium.new_page()
            for word in ("kitten", "animal"):
                hits = search(page, address, word)
                assert record["id"] in hits
                assert "cat" in hits[record["id"]][1] or "animal" in hits[record["id"]][1]
            coffee = home.json("show", str(home.photos / "breakfast.jpg"))["id"]
            assert coffee in search(page, address, "food")

            moved = home.photos / "2020" / "Minka.jpg"
            moved.parent.mkdir()
            cat.rename(moved)
            home.run("wait", "--described", "--timeout", "90")
            assert record["id"] == home.json("show", str(moved))["id"]
            home.run("show", str(cat), code=1)
            assert home.found("minka") == ["Minka.jpg"]

            moved.unlink()
            home.run("wait", "--timeout", "90")
            home.run("show", str(record["id"]), "--json")  # recoverable, and says so
            assert home.json("show", str(record["id"]))["deleted"]
            assert "Minka.jpg" not in home.found("cat")
            home.run("export")
            assert record["id"] not in search(page, address, "cat")
            assert not (home.site / "photo" / str(record["id"])).exists()
            page.close()
        assert home.json("check", "--deep") == {"ok": True, "problems": []}


def test_the_missions_own_example(home, tagged, chromium):
    """Tagged cat, park, grass, sun: meadow(s) and field(s) find it through grass; a car not."""
    tagged(home.photos / "park.png", "cat", "park", "grass", "sun")
    tagged(home.photos / "garage.png", "car", colour=(200, 0, 0))
    home.configure(sources='["sidecar"]')
    home.run("sync")
    home.run("export")
    park = home.json("show", str(home.photos / "park.png"))["id"]
    with home.served() as address:
        page = chromium.new_page()
        for word in ("meadow", "meadows", "field", "fields"):
            (hit,) = home.json("search", word)
            assert hit["filename"] == "park.png"
            assert {"grass"} <= {match["via"] for match in hit["matched"]}

            hits = search(page, address, word)
            assert [park] == list(hits)
            assert "grass" in hits[park][1]
        page.close()


def test_the_daemon_keeps_the_site_current_by_itself(home, photographs, chromium):
    """Without any command the site shows a new picture once the folder is quiet."""
    home.configure(sources="[]")
    with home.daemon():
        shutil.copy(photographs["rocket"], home.photos / "rocket.jpg")
        home.run("wait", "--timeout", "60")
        wanted = home.json("status")["seq"]
        # Each status is a process of its own, so this does not spin.
        assert any(home.json("status")["site_seq"] >= wanted for _ in range(300))

    with home.served() as address:
        page = chromium.new_page()
        page.goto(address + "?name=rocket.jpg")
        page.wait_for_selector("html[data-search=ready]")
        assert page.evaluate("document.documentElement.dataset.results") == "1"
        page.close()
