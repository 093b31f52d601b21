"""Which pictures belong together, found among many."""

import random

from picturerail_daemon.service.duplicates import _links, _near, _Seen

SEED = 20_261_125


def test_every_near_pair_is_found_and_no_other():
    """Against comparing all with all, for several distances."""
    rng = random.Random(SEED)
    hashes = [rng.getrandbits(64) for _ in range(300)]
    for original in hashes[:100]:
        flipped = original
        for bit in rng.sample(range(64), rng.randint(1, 9)):
            flipped ^= 1 << bit
        hashes.append(flipped)
    numbered = list(enumerate(hashes, 1))
    for distance in (0, 3, 6, 9):
        found = {tuple(sorted(pair)) for pair in _near(numbered, distance)}
        expected = {
            (i, j)
            for i, one in numbered
            for j, other in numbered
            if i < j and (one ^ other).bit_count() <= distance
        }
        assert found == expected, (SEED, distance)


def seen(number, bits, taken, camera="Canon"):
    """Make what is seen of a picture."""
    return _Seen(number, number.to_bytes(4, "big"), bits, camera, taken)


def test_a_burst_is_one_camera_within_seconds_and_looks_alike():
    """Another camera, a pause or another view ends it."""
    view = 0xFFFF_0000_FFFF_0000
    pictures = [
        seen(1, view, 100.0),
        seen(2, view ^ 0x3FF, 101.0),  # ten bits
        seen(3, view ^ 0xFFFFF, 102.5),
        seen(4, view ^ 0x3FF, 110.0),
        seen(5, view ^ 0x3FF_0000_0000, 100.5, camera="Nikon"),
        seen(6, ~view & 2**64 - 1, 110.5),
    ]
    bursts = [(a, b) for a, b, kind in _links(pictures, 6) if kind == "burst"]

    assert bursts == [(1, 2), (2, 3)]
