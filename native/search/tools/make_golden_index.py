"""Write the golden index of this format version, which a test keeps readable for ever.

Run once for each new format: ``python make_golden_index.py tests/native/golden-index-N``.
"""

import sys

from picturerail_native.search import Writer

with Writer(sys.argv[1], bytes(range(16))) as writer:
    writer.put(1, [("filename", "IMG_2041.jpg"), ("tags", "grass"), ("tags", "sun")], order=7)
    writer.put(2, [("caption", "A hot dog"), ("folder", "Küche")])
    writer.put(3, [("caption", "deleted")])
    writer.set_neighbours("Grass", [("meadow", 0.5), ("lawn", 0.25)])
    writer.put_vector(1, "space", [1.0, 2.0, 3.0])
    writer.commit(41)
    writer.remove(3)
    writer.put(4, [("tags", "meadow")])
    writer.put_vector(2, "space", [3.0, 2.0, 1.0])
    # Long enough for a table of blocks.
    for number in range(5, 405):
        writer.put(number, [("caption", "common " * (1 + number % 3) + f"number{number}")])
    writer.commit(42)
