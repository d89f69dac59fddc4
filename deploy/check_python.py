"""Say in one sentence why this Python cannot install lotrinh; one that is much older reads this file, too."""

import sys

OLDEST, NEWEST = (3, 11), (3, 14)


def refusal(version: tuple) -> str:
    """Return why a Python of this (major, minor) version cannot be used; "" where it can."""
    if OLDEST <= version <= NEWEST:
        return ""
    why = "is too old" if version < OLDEST else "is too new: aiokafka 0.14 has no wheel for it yet"
    found = f"{sys.executable} {version[0]}.{version[1]} {why}"
    return f"lotrinh needs Python 3.11 to 3.14, and {found}. Name another one: make demo PYTHON=python3.13"


if __name__ == "__main__":
    sys.exit(refusal(sys.version_info[:2]) or None)
