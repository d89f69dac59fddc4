"""`python -m tests.tour [--out F.md]`: walk through the story under both rules and print the transcript."""

import argparse
import tempfile
from pathlib import Path

from tests.tour.walk import walk

HEAD = """# A tour of alerts

Every kind of alert on the running system: raised, acknowledged, silenced, resolved, retracted, told to a receiver that
is killed and started again in between. `lotrinh up` with Kafka, Valkey, tally, watch, the wallboard and notify; the
events are made by `tests/tour/story.py`. Written by `make tour`; anything that is not as it has to be stops it.
A silent source and a stray code are about no ratio, so nothing of them can be retracted.
"""


def main() -> None:
    """Print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="write the transcript there too")
    parser.add_argument("--rule", choices=("evidence", "forecast"), action="append")
    given = parser.parse_args()
    lines = [HEAD]

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(text)

    for rule in given.rule or ("evidence", "forecast"):
        with tempfile.TemporaryDirectory(prefix="lotrinh-tour-") as folder:
            walk(Path(folder), rule, say)
    if given.out is not None:
        given.out.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
