"""Figures and phrases as officials read them: Vietnamese, `85,7 %`, `1.234`, dd/mm/yyyy."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Final

STATUS: Final[Mapping[str, str]] = {
    "met": "Đạt",
    "below": "Chưa đạt",
    "no-dossiers": "Chưa phát sinh",
    "no-target": "Không giao",
    "not-measured": "Chưa đo được",
}


def ratio_text(numerator: int, denominator: int) -> str:
    """Return a ratio in percent, cut off after two decimals and never rounded up (A21).

    >>> ratio_text(1999, 4000), ratio_text(899, 1000), ratio_text(0, 0)
    ('49,97 %', '89,90 %', '–')
    """
    if denominator == 0:
        return "–"
    hundredths = 10_000 * numerator // denominator
    return f"{hundredths // 100},{hundredths % 100:02d} %"


def percent_text(percent: Fraction | str) -> str:
    """Return a percentage, at most two decimals, cut off.

    >>> percent_text("50"), percent_text(Fraction(7735, 366))
    ('50 %', '21,13 %')
    """
    value = Fraction(percent)
    number = (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("0.01"), ROUND_DOWN)
    return f"{number:f}".rstrip("0").rstrip(".").replace(".", ",") + " %"


def number_text(number: int) -> str:
    """Return a whole number with points between thousands.

    >>> number_text(1234567)
    '1.234.567'
    """
    return f"{number:,}".replace(",", ".")


def day_vn(day: date) -> str:
    """Return a civil day as dd/mm/yyyy."""
    return f"{day:%d/%m/%Y}"
