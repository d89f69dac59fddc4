"""What documents say of the repository is so: the README's example, links, commands, events and log lines."""

import json
import re
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from models.evaluation.evaluation import evaluate
from tests.builders import thai_binh

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITHDRAWN = "0021-"
"""a record of a decision that is withdrawn names files that are gone"""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@cache
def sources(folder: str) -> str:
    """The text of all sources of a part of the shell."""
    return "\n".join(path.read_text() for path in sorted((ROOT / folder).rglob("*.py")))


@cache
def file_names() -> frozenset[str]:
    """The names of all files of the sources."""
    tops = ("bench", "tests", "streams", "models", "deploy")
    return frozenset(path.name for top in tops for path in (ROOT / top).rglob("*.*"))


def test_the_event_of_the_readme_gives_its_standing() -> None:
    event, shown = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGES[0].read_text(), re.DOTALL))
    found = evaluate(thai_binh(rule="evidence"), [(1, json.dumps(event).encode())], date.fromisoformat(shown["as_of"]))
    (standing,) = [s for s in found.standings if (s["unit"], s["indicator"]) == (shown["unit"], shown["indicator"])]

    assert {name: standing.get(name) for name in shown} == shown


@every_page
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())

    assert not [to for to in links if not to.startswith(("http", "mailto:")) and not (page.parent / to).exists()]


@every_page
def test_modules_files_and_tests_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text()
    if page.name.startswith(WITHDRAWN):
        return
    modules = [name.replace(".", "/") for name in re.findall(r"python -m ((?:bench|tests|streams)[.\w]*)", text)]
    gone = [m for m in modules if not (ROOT / f"{m}.py").exists() and not (ROOT / m / "__main__.py").exists()]
    named = re.findall(r"`((?:bench|tests|streams|models|deploy|docs)/[\w./-]+)`", text)
    gone += [name for name in named if not (ROOT / name).exists()]
    gone += [name for name in re.findall(r"`(test_\w+\.py)`", text) if not [*(ROOT / "tests").rglob(name)]]
    if "adr" not in page.parts:  # a record tells of its own time
        gone += [name for name in re.findall(r"`(\w+\.(?:py|mjs|lua))`", text) if name not in file_names()]

    assert not gone


def test_events_of_the_stream_are_those_that_the_wallboards_page_names() -> None:
    text = (ROOT / "docs/wallboard.md").read_text()
    sent = set(re.findall(r"frame\(\"(\w+)\"", sources("streams/board")))
    drawn = re.search(r"SSE: ([\w, ]+)\|", text)
    assert drawn is not None

    assert set(drawn[1].split(", ")) == sent
    assert {name for name in sent if f"`{name}`" in text} == sent


def test_log_lines_that_the_runbook_quotes_are_written() -> None:
    """A quoted line has `…` where figures stand."""
    text = (ROOT / "docs/operations.md").read_text()
    quoted = re.findall(r"lines? `([^`]*…[^`]*)`", text)
    assert quoted

    for line in quoted:
        parts = [re.escape(part) for part in line.split("…") if part.strip()]
        assert re.search(r"(?:%\S+|\{[^}]*\})".join(["", *parts, ""]), sources("streams")), line
