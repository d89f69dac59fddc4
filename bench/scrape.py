"""What a scrape costs a worker: milliseconds of CPU per `/metrics` and, beside it, per `/livez`, by its own account.

usage: python -m bench.scrape http://127.0.0.1:PORT/ [--scrapes 500]

The worker has to be at rest. CPU is what its process used between the first request and the last, a new connection each
time included; `/livez` is the price of HTTP alone.
"""

import argparse
import json
import re
import statistics
import time
import urllib.request

CPU = re.compile(r"^lotrinh_process_cpu_seconds_total ([\d.e+-]+)$", re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--scrapes", type=int, default=500)
    given = parser.parse_args()

    url = given.url.rstrip("/")
    began, before = time.monotonic(), cpu(url)
    time.sleep(5)
    at_rest = (cpu(url) - before) / (time.monotonic() - began)
    result: dict[str, float] = {"scrapes": given.scrapes, "bytes": len(get(f"{url}/metrics"))}
    for path in ("livez", "metrics"):
        began, before, took = time.monotonic(), cpu(url), []
        for _ in range(given.scrapes):
            at = time.perf_counter()
            get(f"{url}/{path}")
            took.append((time.perf_counter() - at) * 1000)
        used = cpu(url) - before - at_rest * (time.monotonic() - began)
        result[f"{path}_cpu_ms"] = round(1000 * used / given.scrapes, 3)
        result[f"{path}_round_trip_ms_median"] = round(statistics.median(took), 3)
    result["cpu_at_rest_percent"] = round(100 * at_rest, 2)
    print(json.dumps(result, indent=1))


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310
        return str(response.read().decode())


def cpu(url: str) -> float:
    """Return the CPU seconds that a worker has used."""
    found = CPU.search(get(f"{url}/metrics"))
    assert found is not None  # noqa: S101
    return float(found[1])


if __name__ == "__main__":
    main()
