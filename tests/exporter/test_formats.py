import pytest

from picturerail_exporter.formats import Kind, kind, paired


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"beach.jpg", Kind.PICTURE),
        (b"BEACH.JPEG", Kind.PICTURE),
        (b"a.b.HeIc", Kind.PICTURE),
        (b"\xff\xfe.avif", Kind.PICTURE),
        (b"clip.MOV", Kind.VIDEO),
        (b"shot.CR2", Kind.PICTURE),
        (b"shot.X3F", Kind.RAW),
        (b"shot.jpg.xmp", Kind.OTHER),
        (b".jpg", Kind.OTHER),
        (b"jpg", Kind.OTHER),
        (b"", Kind.OTHER),
    ],
)
def test_suffix_decides(name, expected):
    """A file's kind follows its last suffix, in any case, whatever bytes stand before it."""
    assert expected is kind(name)


def test_a_raw_file_and_its_jpeg_are_one_picture():
    """A RAW file is left to the finished picture of its stem, in whatever case; others stand."""
    names = [b"A.CR2", b"a.jpg", b"b.dng", b"b.xmp", b"c.nef", b"C.HEIC", b"d.jpg", b"d.png"]

    assert paired(names) == {b"A.CR2", b"c.nef"}
