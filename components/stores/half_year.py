"""The half-years by which certificates are issued."""

import datetime
from typing import NamedTuple, Self


class HalfYear(NamedTuple):
    """A half of a calendar year; the first is 1."""

    year: int
    half: int

    @classmethod
    def of(cls, day: datetime.date) -> Self:
        """Return the half-year that `day` is in."""
        return cls(day.year, 1 if day.month <= 6 else 2)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the half-year that is written like 2026h2."""
        year, _, half = text.partition("h")
        return cls(int(year), int(half))

    def later(self, count: int) -> "HalfYear":
        """Return the one that is `count` half-years later."""
        year, half = divmod(2 * self.year + self.half - 1 + count, 2)
        return HalfYear(year, half + 1)

    def __str__(self) -> str:
        """Write it like 2026h2."""
        return f"{self.year}h{self.half}"
