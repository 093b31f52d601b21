"""RAW files laid out as each camera maker does it, byte by byte: the preview, and its decoys.

Sources of the layouts: TIFF/EP (ISO 12234-2) and DNG 1.7 for what is built on TIFF; for makers' own
ways the tag tables of Exiv2 and ExifTool.
"""

import io
import struct

import pytest
from PIL import Image

from picturerail_exporter.pixels import decode

from .test_pixels import BLUE, RED, close
from .test_raw import boxed, preview

FULL, SMALL, THUMB = (600, 400), (240, 160), (160, 120)


def lossless(width=6000, height=4000):
    """A lossless JPEG as a sensor's samples are packed: SOF3, which no viewer shows."""
    table = b"\xff\xc4" + struct.pack(">H", 19) + b"\0" + bytes(16)
    frame = struct.pack(">HBHHB", 14, 14, height, width, 2) + b"\1\x11\0\2\x11\0"
    scan = b"\xff\xda" + struct.pack(">HB", 10, 2) + b"\1\0\2\0\1\0\0"
    samples = bytes(byte for byte in range(254)) * 120
    return b"\xff\xd8" + table + b"\xff\xc3" + frame + scan + samples + b"\xff\xd9"


class Layout:
    """A TIFF-like file: values of their own types, in the makers' order of blocks."""

    def __init__(self, order="<", head=b"II*\0", room=8):
        """Begin with a header of so many bytes."""
        self.order = order
        self.data = bytearray(head.ljust(room, b"\0"))

    def put(self, data):
        """Append bytes; return where they lie."""
        self.data += bytes(len(self.data) % 2)
        self.data += data
        return len(self.data) - len(data)

    def ifd(self, entries, following=0):
        """Append an IFD of {tag: value}; return its place."""
        parts = []
        for tag, value in sorted(entries.items()):
            kind, count, held = self.value(value)
            if len(held) > 4:
                held = struct.pack(self.order + "I", self.put(held))
            parts.append(struct.pack(self.order + "HHI", tag, kind, count) + held.ljust(4, b"\0"))
        body = struct.pack(self.order + "H", len(parts)) + b"".join(parts)
        return self.put(body + struct.pack(self.order + "I", following))

    def value(self, value):
        """Return (type, count, bytes) of a value."""
        if isinstance(value, str):
            return 2, len(value) + 1, value.encode() + b"\0"
        if isinstance(value, bytes):
            return 7, len(value), value
        if isinstance(value, list):
            return 4, len(value), struct.pack(f"{self.order}{len(value)}I", *value)
        if value < 65536:
            return 3, 1, struct.pack(self.order + "H", value)
        return 4, 1, struct.pack(self.order + "I", value)

    def done(self, first):
        """Return the file, whose first IFD lies there."""
        struct.pack_into(self.order + "I", self.data, 4, first)
        return bytes(self.data)


def cr2():
    """Canon: IFD0's strip is the full preview, IFD1 has a thumbnail, IFD3 the samples."""
    file = Layout(head=b"II*\0\0\0\0\0CR\2\0", room=16)
    large, thumb, samples = preview(FULL), preview(THUMB), lossless()
    raw = file.ifd({259: 6, 273: file.put(samples), 279: len(samples), 0xC5D8: 1})
    small = file.put(bytes(120 * 80 * 6))
    rgb = file.ifd({256: 120, 257: 80, 258: 16, 259: 1, 262: 2, 273: small, 277: 3}, raw)
    second = file.ifd({513: file.put(thumb), 514: len(thumb)}, rgb)
    strip = {256: FULL[0], 257: FULL[1], 259: 6, 273: file.put(large), 279: len(large)}
    struct.pack_into("<I", file.data, 12, raw)
    return file.done(file.ifd({271: "Canon", 272: "Canon EOS 5D", 274: 1, **strip}, second))


def nef():
    """Nikon: IFD0 is a plain thumbnail; its SubIFDs are the full JPEG and the samples."""
    file = Layout(">", b"MM\0*")
    large = preview(FULL)
    jpeg = file.ifd({254: 1, 259: 6, 513: file.put(large), 514: len(large)})
    packed = file.put(bytes(range(256)) * 200)
    raw = file.ifd({254: 0, 256: 6000, 257: 4000, 259: 34713, 262: 32803, 273: packed, 279: 51200})
    note = b"Nikon\0\2\x10\0\0" + b"MM\0*\0\0\0\x08\0\0"
    exif = file.ifd({0x927C: note, 0x8827: 200})
    plain = file.put(bytes(160 * 120 * 3))
    tags = {254: 1, 256: 160, 257: 120, 259: 1, 262: 2, 273: plain, 277: 3, 279: 57600}
    said = {271: "NIKON CORPORATION", 272: "NIKON D850", 274: 1, 330: [jpeg, raw], 34665: exif}
    return file.done(file.ifd({**tags, **said}))


def arw():
    """Sony: IFD0 is the preview, IFD1 the thumbnail, the SubIFD the samples."""
    file = Layout()
    large, thumb = preview(FULL), preview(THUMB)
    packed = file.put(bytes(range(256)) * 200)
    raw = file.ifd({254: 0, 256: 6000, 257: 4000, 259: 32767, 262: 32803, 273: packed, 279: 51200})
    second = file.ifd({254: 1, 259: 6, 513: file.put(thumb), 514: len(thumb)})
    of_jpeg = {254: 1, 259: 6, 513: file.put(large), 514: len(large)}
    said = {271: "SONY", 272: "ILCE-7M3", 274: 1, 330: raw}
    return file.done(file.ifd({**of_jpeg, **said}, second))


def dng():
    """DNG: IFD0 a plain thumbnail; SubIFDs of lossless tiles and of a JPEG strip."""
    file = Layout()
    large, samples = preview(FULL), lossless()
    tile = file.put(samples)
    raw = file.ifd(
        {254: 0, 256: 6000, 257: 4000, 259: 7, 262: 32803, 322: 6000, 323: 4000, 324: tile}
        | {325: len(samples)}
    )
    at = file.put(large)
    jpeg = file.ifd({254: 1, 256: 600, 257: 400, 259: 7, 262: 6, 273: at, 277: 3, 279: len(large)})
    plain = file.put(bytes(160 * 120 * 3))
    tags = {254: 1, 256: 160, 257: 120, 259: 1, 262: 2, 273: plain, 277: 3, 279: 57600}
    said = {271: "Leica", 272: "LEICA Q2", 274: 1, 330: [raw, jpeg], 0xC612: b"\1\4\0\0"}
    return file.done(file.ifd({**tags, **said}))


def orf():
    """Olympus: the preview lies where the maker note's camera settings say, seen from the note."""
    file = Layout(head=b"IIRO")
    large = preview(FULL)
    samples = file.put(bytes(range(256)) * 200)
    name = b"OLYMPUS\0II\3\0"
    settings = len(name) + 18  # behind the note's own IFD of one entry
    note = name + struct.pack("<HHHIII", 1, 0x2020, 13, 1, settings, 0)
    lies = struct.pack("<HHII", 0x101, 4, 1, 0xDEADBEEF)
    note += struct.pack("<H", 2) + lies + struct.pack("<HHIII", 0x102, 4, 1, len(large), 0)
    exif = file.ifd({0x927C: note, 0x8827: 200})
    said = {271: "OLYMPUS CORPORATION", 272: "E-M1MarkII", 274: 1, 34665: exif}
    first = file.ifd({**said, 259: 1, 273: samples, 279: 51200})
    start = file.data.find(note)
    seen = struct.pack("<I", file.put(large) - start)
    at = file.data.find(struct.pack("<I", 0xDEADBEEF), start)
    file.data[at : at + 4] = seen
    return file.done(first)


def rw2():
    """Panasonic: a header of its own, and the whole JPEG as the value of JpgFromRaw."""
    file = Layout(head=b"IIU\0", room=24)
    samples = file.put(bytes(range(256)) * 200)
    whole = preview(FULL)
    return file.done(
        file.ifd({1: b"0410", 0x2E: whole, 271: "Panasonic", 272: "DC-G9", 274: 1, 280: samples})
    )


def raf():
    """Fuji: a fixed header that says where the JPEG and the samples lie, most significant first."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "FUJIFILM", "X100V"
    jpeg = preview(FULL, exif=exif)
    head = b"FUJIFILMCCD-RAW 0201FF393101" + b"X100V".ljust(32, b"\0")
    head = head.ljust(84, b"\0")
    after = 148 + len(jpeg)
    head += struct.pack(">6I", 148, len(jpeg), after, 64, after + 64, 51200)
    return head.ljust(148, b"\0") + jpeg + bytes(64) + bytes(range(256)) * 200


def cr3():
    """Canon: boxes; the preview in a `PRVW`, the full JPEG and the samples in one `mdat`."""
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    shown = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")
    main = Layout()
    main = main.done(main.ifd({271: "Canon", 272: "Canon EOS R5", 274: 1}))
    full, small, thumb = preview(FULL), preview(SMALL), preview(THUMB)
    held = boxed(b"THMB", bytes(4), struct.pack(">HHI", *THUMB, len(thumb)), bytes(4), thumb)
    parts = boxed(b"CNCV", b"CanonCR3_001/00.09.00/00.00.00"), boxed(b"CMT1", main), held
    ftyp = boxed(b"ftyp", b"crx ", struct.pack(">I", 1), b"crx isom")
    prvw = struct.pack(">IHHHHI", 0, 1, *SMALL, 1, len(small)) + small
    preview_box = boxed(b"uuid", shown, struct.pack(">II", 0, 1), boxed(b"PRVW", prvw))

    def moov(at):
        table = boxed(b"stsz", struct.pack(">III", 0, len(full), 1))
        table += boxed(b"co64", struct.pack(">IIQ", 0, 1, at))
        track = boxed(b"trak", boxed(b"mdia", boxed(b"minf", boxed(b"stbl", table))))
        return boxed(b"moov", boxed(b"uuid", canon, *parts), track)

    before = len(ftyp) + len(moov(0)) + len(preview_box)
    data = boxed(b"mdat", full, b"\xff\1\0\x08" + bytes(range(256)) * 200)
    return ftyp + moov(before + 8) + preview_box + data


LAYOUTS = {
    cr2: ("image/x-canon-cr2", "Canon EOS 5D"),
    nef: ("image/x-nikon-nef", "NIKON D850"),
    arw: ("image/x-sony-arw", "ILCE-7M3"),
    dng: ("image/x-adobe-dng", "LEICA Q2"),
    orf: ("image/x-olympus-orf", "E-M1MarkII"),
    rw2: ("image/x-panasonic-rw2", "DC-G9"),
    raf: ("image/x-fuji-raf", "X100V"),
    cr3: ("image/x-canon-cr3", "Canon EOS R5"),
}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_the_full_preview_is_found_in_its_makers_layout(layout):
    """Of each maker's own layout the full preview is shown, not a thumbnail, nor the samples."""
    mime, model = LAYOUTS[layout]
    picture = decode(io.BytesIO(layout()))

    assert (mime, *FULL) == (picture.mime, picture.width, picture.height)
    assert close(RED, picture.image.getpixel((60, 200)), 12)
    assert close(BLUE, picture.image.getpixel((540, 200)), 12)
    exif = Image.Exif()
    exif.load(picture.exif)
    assert exif[0x0110].rstrip("\0") == model
