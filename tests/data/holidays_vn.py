"""Write what the PyPI package `holidays` says of Việt Nam: `make holidays`, whenever a newer one is out.

Apart from the tests' environment, for the package wants an older python-dateutil than Faust runs on.
"""

import csv
import sys
from importlib.metadata import version

YEARS = range(2021, 2036)


def main() -> None:
    """Write day, kind and name of each public holiday, and of each Saturday that is worked in exchange."""
    from holidays import country_holidays

    found = country_holidays("VN", years=YEARS, language="en_US")
    rows = [(str(day), "off", name) for day, name in found.items()]
    rows += [(str(day), "worked", "in exchange") for day in found.weekend_workdays if day.year in YEARS]
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("day", "kind", f"name in holidays {version('holidays')}"))
    out.writerows(sorted(rows))


if __name__ == "__main__":
    main()
