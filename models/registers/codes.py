"""Codes: what names a unit, a procedure, a dossier, a payment has a form that no name, sentence or formula has.

So a field of an event cannot carry a person's name, e-mail address or telephone number to a public screen, nor control
characters to a terminal, nor a formula to a spreadsheet.
"""

import re
from typing import Final, Literal

Codes = Literal["ascii", "vietnamese"]
"""whether dossiers and units may have Vietnamese letters in their codes; what a deployment allows"""

VIETNAMESE: Final = "ÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝàáâãèéêìíòóôõùúýĂăĐđĨĩŨũƠơƯưẠ-ỹ"
"""the letters that ASCII lacks, each one character (NFC); within brackets of a pattern"""
_SIGNS: Final = r"._\-:/#+=~"
CODE: Final = rf"^[A-Za-z0-9{_SIGNS}]+$"
WIDE: Final = rf"^[A-Za-z0-9{_SIGNS}{VIETNAMESE}]+$"
UNIT: Final = rf"^([0-9]{{0,9}}[A-Za-z{_SIGNS}{VIETNAMESE}])*[0-9]{{0,9}}$"
"""as `WIDE`, without ten digits in a row, which a telephone or an identity number has; and the empty text fits too"""
LENGTH_MAX: Final = 200
FORM: Final = "1 to 200 of the characters A-Z a-z 0-9 . _ - : / # + = ~"
"""in words, for the reader of a file"""

_CODE, _WIDE = re.compile(CODE), re.compile(WIDE)
_TEN_DIGITS: Final = re.compile(r"[0-9]{10}")


def is_code(text: str, codes: Codes = "ascii") -> bool:
    """Tell whether a text is a code; `codes` says which letters it may have.

    >>> is_code("000.17.34-240930-0012"), is_code("Nguyễn Thị A"), is_code("hồ-sơ-7", "vietnamese")
    (True, False, True)
    """
    return len(text) <= LENGTH_MAX and (_CODE if codes == "ascii" else _WIDE).fullmatch(text) is not None


def is_unit(text: str, codes: Codes = "ascii") -> bool:
    """Tell whether a text is the code of a unit: a code without ten digits in a row.

    >>> is_unit("34.so-tai-chinh"), is_unit("tel-0912345678")
    (True, False)
    """
    return is_code(text, codes) and _TEN_DIGITS.search(text) is None
