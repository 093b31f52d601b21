"""Names for positions."""

import pytest

from picturerail_exporter.places import NOWHERE, find_place, place_of, place_words

LISBON = (38.7, -9.1)


@pytest.mark.parametrize(
    ("gps", "town", "region", "country"),
    [
        (LISBON, "Lisbon", "Lisbon", "Portugal"),
        ((52.52, 13.37), "Berlin", "State of Berlin", "Germany"),
        ((-33.86, 151.2), "Sydney", "New South Wales", "Australia"),
        ((46.02, 7.75), "Zermatt", "Valais", "Switzerland"),
        ((35.68, 139.69), "Tokyo", "Tokyo", "Japan"),
        ((54.187, 9.025), "Lohe-Rickelshof", "Schleswig-Holstein", "Germany"),
    ],
)
def test_a_city_names_its_surroundings_and_not_the_country(gps, town, region, country):
    """A quarter counts as its city; a village far from one does not."""
    place = find_place(gps)

    assert (place.town, place.region, place.country) == (town, region, country)


def test_the_other_side_of_the_date_line_is_near():
    """Longitudes of 179.9 and -179.9 are neighbours."""
    east, west = find_place((-16.8, 179.99)), find_place((-16.8, -179.99))

    assert east.country == west.country == "Fiji"


@pytest.mark.parametrize("gps", [(0.0, -30.0), (-90.0, 0.0), (90.0, 0.0)])
def test_the_open_sea_and_the_poles_are_nowhere(gps):
    """What is far from every town has no name, rather than a wrong one."""
    assert find_place(gps) == NOWHERE
    assert place_of(gps, "exact") == place_words(gps, "exact") == ()


def test_no_more_is_told_than_is_allowed():
    """The page's names and the words for searching keep to the same rule."""
    assert place_of(LISBON, "none") == place_words(LISBON, "none") == ()
    assert place_of(LISBON, "country") == place_words(LISBON, "country") == ("Portugal",)
    assert place_of(LISBON, "town") == ("Portugal", "Lisbon")
    assert {"Portugal", "Lisbon", "Alfama"} <= set(place_words(LISBON, "town"))
