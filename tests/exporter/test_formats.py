import pytest

from picturerail_exporter.formats import Kind, kind


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"beach.jpg", Kind.PICTURE),
        (b"BEACH.JPEG", Kind.PICTURE),
        (b"a.b.HeIc", Kind.PICTURE),
        (b"\xff\xfe.avif", Kind.PICTURE),
        (b"clip.MOV", Kind.VIDEO),
        (b"shot.CR2", Kind.RAW),
        (b"shot.jpg.xmp", Kind.OTHER),
        (b".jpg", Kind.OTHER),
        (b"jpg", Kind.OTHER),
        (b"", Kind.OTHER),
    ],
)
def test_suffix_decides(name, expected):
    """A file's kind follows its last suffix, in any case, whatever bytes stand before it."""
    assert expected is kind(name)
