"""Earlier versions of pictures: listed, recovered, and in time truly gone."""

from __future__ import annotations

from PIL import Image


def paint(path, colour):
    """Write a picture of one colour."""
    Image.new("RGB", (40, 30), colour).save(path)
    return path.read_bytes()


def test_an_earlier_version_is_listed_and_comes_back(home):
    """What a picture was before it was changed is listed with its time, and its bytes come back."""
    home.configure(sources='["sidecar"]')
    path = home.photos / "beach.png"
    first = paint(path, "blue")
    home.run("sync")
    assert home.json("deleted", "--versions") == []
    paint(path, "red")
    assert home.json("sync")["changed"] == 1

    (version,) = home.json("deleted", "--versions")
    assert (str(path), len(first)) == (version["path"], version["size"])
    assert version["replaced"] < version["until"]
    back = home.folder / "back.png"
    number, seq = str(version["id"]), str(version["version"])
    home.run("undelete", number, "--version", seq, "-o", str(back))
    assert first == back.read_bytes()
    refused = home.run("undelete", number, "--version", "999", "-o", str(back), code=1)
    assert "deleted --versions" in refused.stderr.decode()
    assert home.json("check", "--deep")["ok"]


def test_earlier_versions_are_forgotten_after_their_time(home):
    """Past `keep_deleted_days` an earlier version is gone, and the picture stays."""
    home.configure(sources='["sidecar"]')
    text = home.config.read_text()
    home.config.write_text(text.replace('"store"\n', '"store"\nkeep_deleted_days = 0\n'))
    path = home.photos / "beach.png"
    paint(path, "blue")
    home.run("sync")
    paint(path, "red")
    home.run("sync")
    home.run("sync")
    assert home.json("deleted", "--versions") == []
    assert home.json("status")["photos"] == 1
    assert home.json("check", "--deep")["ok"]
