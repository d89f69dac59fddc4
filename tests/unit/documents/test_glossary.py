"""The glossary holds each word once, and the words that readers meet first."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/glossary.md").read_text()
TERMS = [term for row in re.findall(r"^\| ([^|]+) \|", TEXT, re.MULTILINE) for term in row.split(", ")]


def test_each_word_has_one_meaning() -> None:
    terms = [term for term in TERMS if term not in ("English", "--")]

    assert sorted(set(terms)) == sorted(terms)


def test_public_types_of_the_core_and_of_the_engine_are_explained() -> None:
    """The names are the first words of the types that rooms import from each other."""
    types = {"Dossier", "Event", "Decision", "Reading", "Registry", "Catalogue", "Succession", "Standing", "Transition"}
    types |= {"Mailbox", "Contribution", "Cell", "Tally", "Tick", "Fetch", "Announcement", "Indicator", "Target"}
    sources = "\n".join(path.read_text() for top in ("models", "streams") for path in (ROOT / top).rglob("*.py"))

    assert not [name for name in types if not re.search(rf"^(class {name}\b|{name}\b.* = )", sources, re.MULTILINE)]
    assert not {name.lower() for name in types} - set(TERMS)
