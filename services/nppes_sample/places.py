"""Real cities of ten states with their ZIP codes and area codes. Streets and house numbers at them are made up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class City:
    """A city. `weight` is its share of practices, relative to the other cities."""

    name: str
    state: str
    zips: tuple[str, ...]
    area_codes: tuple[str, ...]
    weight: int


def _city(name: str, state: str, zips: str, area_codes: str, weight: int) -> City:
    return City(name, state, tuple(zips.split()), tuple(area_codes.split()), weight)


CITIES = (
    _city("Los Angeles", "CA", "90012 90025 90036 90064", "213 310 323", 9),
    _city("San Diego", "CA", "92101 92117 92128", "619 858", 6),
    _city("San Jose", "CA", "95112 95124 95129", "408", 5),
    _city("Sacramento", "CA", "95814 95825", "916", 3),
    _city("Fresno", "CA", "93710 93720", "559", 2),
    _city("Houston", "TX", "77002 77024 77057 77079", "713 281 832", 8),
    _city("Dallas", "TX", "75204 75230 75248", "214 972", 6),
    _city("Austin", "TX", "78704 78731 78759", "512", 5),
    _city("San Antonio", "TX", "78209 78230 78258", "210", 4),
    _city("Lubbock", "TX", "79413 79424", "806", 1),
    _city("Miami", "FL", "33133 33156 33176", "305", 5),
    _city("Orlando", "FL", "32801 32819 32828", "407", 4),
    _city("Tampa", "FL", "33609 33618 33647", "813", 4),
    _city("Jacksonville", "FL", "32207 32256", "904", 3),
    _city("New York", "NY", "10016 10019 10022 10065", "212 646", 9),
    _city("Brooklyn", "NY", "11201 11215 11229", "718 347", 6),
    _city("Rochester", "NY", "14607 14618", "585", 2),
    _city("Albany", "NY", "12203 12205", "518", 1),
    _city("Chicago", "IL", "60602 60611 60614 60657", "312 773", 7),
    _city("Naperville", "IL", "60540 60563", "630", 3),
    _city("Peoria", "IL", "61614", "309", 1),
    _city("Philadelphia", "PA", "19103 19107 19147", "215", 5),
    _city("Pittsburgh", "PA", "15213 15222 15237", "412", 4),
    _city("Allentown", "PA", "18103 18104", "610", 2),
    _city("Columbus", "OH", "43215 43220 43235", "614", 4),
    _city("Cleveland", "OH", "44113 44124", "216", 3),
    _city("Cincinnati", "OH", "45202 45242", "513", 3),
    _city("Atlanta", "GA", "30305 30309 30342", "404", 5),
    _city("Savannah", "GA", "31405 31406", "912", 1),
    _city("Marietta", "GA", "30060 30062", "770", 2),
    _city("Charlotte", "NC", "28202 28211 28277", "704", 4),
    _city("Raleigh", "NC", "27607 27612 27615", "919", 3),
    _city("Asheville", "NC", "28801 28803", "828", 1),
    _city("Seattle", "WA", "98101 98109 98115", "206", 5),
    _city("Bellevue", "WA", "98004 98006", "425", 2),
    _city("Spokane", "WA", "99201 99208", "509", 2),
)

# How each state writes the number of a dentist's license: a prefix and the count of digits after it.
LICENCE_FORMS = {
    "CA": ("", 5),
    "TX": ("", 5),
    "FL": ("DN", 5),
    "NY": ("0", 5),
    "IL": ("019.0", 5),
    "PA": ("DS0", 5),
    "OH": ("30.0", 5),
    "GA": ("DN0", 5),
    "NC": ("", 4),
    "WA": ("DE6", 7),
}
