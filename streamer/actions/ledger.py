"""The ledger that a fresh sandbox offers as `ledger.csv`: invented, and the same everywhere."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from streamer.actions.objects import SHARED_SOURCES

LEDGER_KEY = f"{SHARED_SOURCES}/ledger.csv"
"""Where `generate_report` finds it, unless the request names another source."""

SEED = 20_240_229
"""The seed of the ledger that ships; changing it changes every figure of the demo."""

_HEADER = "date,category,description,amount,currency\n"

# name, smallest and largest amount in cents (income is positive), of 64 rows how many, descriptions
_CATEGORIES = (
    ("sales", 4_900, 480_000, 26, ("Invoice, annual plan", "Invoice, monthly plan", "Workshop")),
    ("refunds", -48_000, -4_900, 2, ("Refund", 'Refund "goodwill"')),
    ("payroll", -720_000, -280_000, 8, ("Salary", "Bonus", "Freelancer")),
    ("hosting", -190_000, -1_200, 9, ("Functions", "Storage", "Traffic")),
    ("software", -60_000, -900, 8, ("Licence", "Subscription, yearly", "Subscription, monthly")),
    ("travel", -140_000, -2_500, 5, ("Train", "Hotel", "Flight, economy")),
    ("marketing", -250_000, -5_000, 4, ("Campaign", "Trade fair, booth")),
    ("office", -45_000, -500, 2, ("Supplies", "Furniture")),
)
_DRAWN = tuple(index for index, category in enumerate(_CATEGORIES) for _ in range(category[3]))


def generate_ledger(
    seed: int = SEED, *, start: date = date(2022, 1, 1), years: int = 3, rows: int = 50_000
) -> bytes:
    """Return a ledger as CSV in UTF-8, in the order of its dates.

    The same arguments give the same bytes on every platform and version of Python: of `random` only
    `Random.random()` is used, whose sequence is guaranteed, and all else is whole numbers.

    Args:
        start: the first day, not 29 February; the last is the day before its anniversary `years` later.
        rows: beside the header; spread evenly over the days.

    Shape:
        `date,category,description,amount,currency`, for example `2022-01-01,sales,Workshop,1234.50,EUR`;
        about 50 bytes a row.

    Source:
        Python Library Reference, "random", "Notes on Reproducibility".
    """
    return "".join([_HEADER, *_rows(Random(seed), start, years, rows)]).encode()  # noqa: S311 - no secret


def _rows(random: Random, start: date, years: int, rows: int) -> Iterator[str]:
    days = (start.replace(year=start.year + years) - start).days
    dates = [(start + timedelta(day)).isoformat() for day in range(days)]
    draw = random.random
    for row in range(rows):
        day = row * days // rows
        bits = int(draw() * 0x1_0000_0000)  # exact: a multiplication by a power of two
        name, low, high, _, descriptions = _CATEGORIES[_DRAWN[bits & 63]]
        description = descriptions[(bits >> 6) % len(descriptions)]
        skew = (bits >> 16) * (int(draw() * 0x1_0000)) >> 16  # 0 to 65,535, small ones more often
        cents = low + (high - low) * skew // 0xFFFF if low > 0 else high + (low - high) * skew // 0xFFFF
        if name == "sales":
            cents += cents * day // 1460  # business grows by a quarter each year
        text = f"{description} {1000 + row}"
        if "," in text or '"' in text:
            text = '"' + text.replace('"', '""') + '"'
        sign = "-" if cents < 0 else ""
        yield f"{dates[day]},{name},{text},{sign}{abs(cents) // 100}.{abs(cents) % 100:02d},EUR\n"
