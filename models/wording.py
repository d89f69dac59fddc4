"""Figures as officials read them, `85,7 %`, `1.234`, dd/mm/yyyy, and texts of others made safe to print."""

import unicodedata
from datetime import date
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""categories of characters that steer a terminal, turn the order of what is read, or cannot be seen"""


_FORMULA: Final = ("=", "+", "-", "@")


def visible(text: str, keep: str = "") -> str:
    r"""Return a text of somebody else's so that it can be printed: what steers a terminal or hides is an escape.

    Escapes are those of JSON, so JSON stays what it was. Characters of `keep` stay as they are.

    >>> visible("Đông Hưng\u202e"), visible("a\x9bb\n", keep="\n")
    ('Đông Hưng\\u202e', 'a\\u009bb\n')
    """
    if text.isprintable():
        return text  # as nearly all are; nothing of those categories is printable
    return "".join(_escaped(c) if unicodedata.category(c) in _UNSEEN and c not in keep else c for c in text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))


def cell(text: str) -> str:
    """Return a text for a cell of a CSV file: no spreadsheet takes it for a formula.

    >>> cell("=1+1"), cell("340.phong-tu-phap")
    ("'=1+1", '340.phong-tu-phap')
    """
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


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


def chance_text(probability: str | None) -> str:
    """Return a probability of four digits; one that rounds to nothing is not nothing.

    >>> chance_text("0.0423"), chance_text("0.0000"), chance_text(None)
    ('0,0423', 'dưới 0,0001', '–')
    """
    if probability is None:
        return "–"
    return "dưới 0,0001" if probability == "0.0000" else probability.replace(".", ",")


def number_text(number: int) -> str:
    """Return a whole number with points between thousands.

    >>> number_text(1234567)
    '1.234.567'
    """
    return f"{number:,}".replace(",", ".")


def counted_of(numerator: int, denominator: int) -> str:
    """Return figures as a fraction with points between thousands.

    >>> counted_of(367, 2035)
    '367/2.035'
    """
    return f"{number_text(numerator)}/{number_text(denominator)}"


def day_vn(day: date) -> str:
    """Return a civil day as dd/mm/yyyy."""
    return f"{day:%d/%m/%Y}"


def decimal_text(value: Fraction, *, cut: bool = False) -> str:
    """Return a number of percent as a decimal text, at most four decimals, half up or cut off.

    >>> decimal_text(Fraction(85 * 91, 366)), decimal_text(Fraction(50)), decimal_text(Fraction("66.55"))
    ('21.1339', '50', '66.55')
    >>> decimal_text(Fraction(200, 3)), decimal_text(Fraction(200, 3), cut=True)
    ('66.6667', '66.6666')
    """
    scaled = value * 10_000
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    number = Decimal(whole + (not cut and 2 * rest >= scaled.denominator)).scaleb(-4)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share_text(share: Fraction) -> str:
    """Return an exact share as a decimal text of four digits, half up.

    >>> share_text(Fraction(7, 10)), share_text(Fraction(-1, 3))
    ('0.7000', '-0.3333')
    """
    scaled = share * 10_000
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    return f"{Decimal(whole + (2 * rest >= scaled.denominator)).scaleb(-4):.4f}"


def first_error(exc: ValidationError) -> tuple[str, str]:
    """Return where a model's first error is, its parts joined by dots ("": the whole), and what is wrong there.

    What was given is not quoted.
    """
    error = exc.errors(include_url=False, include_input=False)[0]
    return ".".join(str(part) for part in error["loc"]), sentence_of(error)


def sentence_of(error: ErrorDetails) -> str:
    """Return what is wrong: of an error that a validator of ours raised its very words, else pydantic's."""
    return str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
