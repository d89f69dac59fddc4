"""What a scrape costs a worker's event loop: milliseconds of CPU per `/metrics`, by a running worker's own account.

usage: python -m bench.scrape http://127.0.0.1:PORT/ [--scrapes 500]

The worker has to be at rest. CPU is what its process used between the first and the last scrape, HTTP included.
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

    def scrape() -> str:
        with urllib.request.urlopen(f"{given.url.rstrip('/')}/metrics", timeout=10) as response:  # noqa: S310
            return str(response.read().decode())

    def cpu(text: str) -> float:
        found = CPU.search(text)
        assert found is not None  # noqa: S101
        return float(found[1])

    before, began = cpu(scrape()), time.monotonic()
    time.sleep(5)
    at_rest = (cpu(scrape()) - before) / (time.monotonic() - began)
    before, began, took = cpu(scrape()), time.monotonic(), []
    for _ in range(given.scrapes):
        at = time.perf_counter()
        text = scrape()
        took.append((time.perf_counter() - at) * 1000)
    used = cpu(text) - before - at_rest * (time.monotonic() - began)
    result = {
        "scrapes": given.scrapes,
        "bytes": len(text),
        "cpu_ms_per_scrape": round(1000 * used / given.scrapes, 3),
        "round_trip_ms_median": round(statistics.median(took), 3),
        "cpu_at_rest_percent": round(100 * at_rest, 2),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
