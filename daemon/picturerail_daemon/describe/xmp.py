"""Reads what is wanted of an XMP packet or `.xmp` file. Never raises.

Adobe's XMP specification (part 1) allows a property as an element or as an attribute, and
lists as rdf:Bag, rdf:Seq or rdf:Alt; both forms are read. Parsed with defusedxml, which
refuses entities, so no file can blow up or reach outside.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_LR = "{http://ns.adobe.com/lightroom/1.0/}"
_DIGIKAM = "{http://www.digikam.org/ns/1.0/}"
_MICROSOFT = "{http://ns.microsoft.com/photo/1.0/}"
_EXIF = "{http://ns.adobe.com/exif/1.0/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_REGIONS = "{http://www.metadataworkinggroup.com/schemas/regions/}"
_PEOPLE = "{http://ns.microsoft.com/photo/1.2/t/Region#}"
_IPTC_EXTENSION = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

MOST_TAGS = 500


@dataclass(frozen=True, slots=True)
class XmpFacts:
    """What an XMP packet says.

    `people` are the names of faces that were marked and of persons in the picture; `rating` is
    0..5 stars, -1 where it was rejected.
    """

    title: str = ""
    caption: str = ""
    tags: tuple[str, ...] = ()
    taken: str | None = None
    people: tuple[str, ...] = ()
    rating: int | None = None
    gps: tuple[float, float] | None = None


def read_xmp(data: bytes) -> XmpFacts:
    """Read a packet; one that is no XMP says nothing."""
    try:
        root = fromstring(data.strip(b"\0 \r\n\t"))
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return XmpFacts()
    descriptions = list(root.iter(f"{_RDF}Description"))
    flat = _list(descriptions, f"{_DC}subject") + _list(descriptions, f"{_MICROSOFT}LastKeywordXMP")
    deep = [
        part
        for name, mark in (
            (f"{_LR}hierarchicalSubject", "|"),
            (f"{_DIGIKAM}TagsList", "/"),
        )
        for path in _list(descriptions, name)
        for part in path.split(mark)
    ]
    taken = _one(descriptions, f"{_EXIF}DateTimeOriginal") or _one(
        descriptions, f"{_PHOTOSHOP}DateCreated"
    )
    return XmpFacts(
        title=_one(descriptions, f"{_DC}title"),
        caption=_one(descriptions, f"{_DC}description"),
        tags=tuple(dict.fromkeys(tag for tag in map(clean, flat + deep) if tag))[:MOST_TAGS],
        taken=_moment(taken),
        people=_people(root, descriptions),
        rating=_rating(descriptions),
        gps=_gps(descriptions),
    )


def clean(text: str) -> str:
    """Return a word or sentence on one line, without what cannot be shown."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:2000]


def _list(descriptions: list[Element], name: str) -> list[str]:
    found: list[str] = []
    for description in descriptions:
        if (attribute := description.get(name)) is not None:
            found.append(attribute)
        for element in description.findall(name):
            items = [item.text or "" for item in element.iter(f"{_RDF}li")]
            found += items or [element.text or ""]
    return found


def _one(descriptions: list[Element], name: str) -> str:
    """Return a property's text: of several languages the default one, else the first."""
    for description in descriptions:
        if (attribute := description.get(name)) is not None:
            return clean(attribute)
        for element in description.findall(name):
            items = list(element.iter(f"{_RDF}li"))
            default = [item for item in items if item.get(_XML_LANG) == "x-default"]
            for item in default + items:
                if text := clean(item.text or ""):
                    return text
            if text := clean(element.text or ""):
                return text
    return ""


def _people(root: Element, descriptions: list[Element]) -> tuple[str, ...]:
    """Return names: marked faces (Metadata Working Group, Microsoft), and IPTC's list."""
    names = _list(descriptions, f"{_IPTC_EXTENSION}PersonInImage")
    for element in root.iter():
        names += _values(element, f"{_PEOPLE}PersonDisplayName")
        kinds = _values(element, f"{_REGIONS}Type")
        if not kinds or kinds[0].casefold() == "face":
            names += _values(element, f"{_REGIONS}Name")
    return tuple(dict.fromkeys(name for name in map(clean, names) if name))[:MOST_TAGS]


def _values(element: Element, name: str) -> list[str]:
    """Return a simple property's values, as attribute or as elements."""
    attribute = element.get(name)
    inner = [found.text or "" for found in element.findall(name)]
    return inner if attribute is None else [attribute, *inner]


def _rating(descriptions: list[Element]) -> int | None:
    """Return xmp:Rating, or Microsoft's percentage as stars."""
    try:
        stars = float(_one(descriptions, f"{_XMP}Rating"))
    except ValueError:
        try:
            percent = float(_one(descriptions, f"{_MICROSOFT}Rating"))
        except ValueError:
            return None
        # 1, 25, 50, 75 and 99 are one to five stars.
        stars = 0 if not percent >= 1 else 5 if percent >= 99 else percent // 25 + 1
    return round(stars) if -1 <= stars <= 5 else None  # also where it is not a number


def _gps(descriptions: list[Element]) -> tuple[float, float] | None:
    """Return the position, written as `38,43.2N` or `38,43,12N`."""
    degrees: list[float] = []
    for name, positive, negative, most in (
        ("GPSLatitude", "N", "S", 90),
        ("GPSLongitude", "E", "W", 180),
    ):
        text = _one(descriptions, f"{_EXIF}{name}").upper()
        found = re.fullmatch(
            rf"(\d+),(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?([{positive}{negative}])", text
        )
        if not found:
            return None
        value = float(found[1]) + float(found[2]) / 60 + float(found[3] or 0) / 3600
        if value > most:
            return None
        degrees.append(round(-value if found[4] == negative else value, 6))
    return (degrees[0], degrees[1]) if any(degrees) else None


def _moment(text: str) -> str | None:
    found = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", text)
    if not found:
        return None
    zone = re.search(r"(Z|[+-]\d\d:\d\d)$", text)
    try:
        moment = datetime.datetime.fromisoformat(found[0])
    except ValueError:
        return None
    return moment.isoformat() + (zone[0].replace("Z", "+00:00") if zone else "")
