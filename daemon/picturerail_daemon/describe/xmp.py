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
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

MOST_TAGS = 500


@dataclass(frozen=True, slots=True)
class XmpFacts:
    """What an XMP packet says."""

    title: str = ""
    caption: str = ""
    tags: tuple[str, ...] = ()
    taken: str | None = None


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
