"""What the Vietnamese documents say of commands and of the wall is so."""

import importlib
import re
from pathlib import Path

import click
import pytest

from models.dossiers.data_quality import ADVICE
from streams.cli import COMMANDS
from streams.notify.texts import KIND

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs/vi").glob("*.md"))
WALL = (ROOT / "streams/board/static/words.mjs").read_text()

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def problem_of(line: str) -> str | None:
    """Return what a command line names and lotrinh does not have, None where it has all."""
    words = line.split("lotrinh ", 1)[1].split()
    name = words.pop(0)
    if name not in COMMANDS:
        return name
    command: click.Command = importlib.import_module(COMMANDS[name][0]).command
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"{name} {words[0]}"
        command = command.commands[words.pop(0)]
    known = {opt for param in command.params for opt in [*param.opts, *param.secondary_opts]} | {"--help"}
    return next((word for word in words if word.startswith("--") and word not in known), None)


def test_the_officials_subjects_each_have_a_page() -> None:
    wanted = {"README", "tuong", "canh-bao", "bao-cao", "quyet-dinh", "chat-luong-du-lieu"}

    assert {page.stem for page in PAGES} == wanted


@every_page
def test_every_command_of_a_page_exists(page: Path) -> None:
    lines = re.findall(r"^ *(?:LOTRINH_LANG=vi )?lotrinh .*$", page.read_text(), re.MULTILINE)

    assert page.name == "tuong.md" or lines
    assert not [(line, problem) for line in lines if (problem := problem_of(line))]


def test_every_text_that_the_page_of_the_wall_quotes_is_the_walls() -> None:
    quoted = re.findall(r"«([^»]+)»", (ROOT / "docs/vi/tuong.md").read_text())

    assert quoted
    assert not [text for text in quoted if f'"{text}"' not in WALL]


def test_every_kind_of_alert_has_its_own_words() -> None:
    text = (ROOT / "docs/vi/canh-bao.md").read_text()

    assert not [kind for kind, words in KIND.items() if f"| {words} | `{kind}` |" not in text]


def test_every_finding_about_data_has_its_own_words() -> None:
    text = (ROOT / "docs/vi/chat-luong-du-lieu.md").read_text()

    assert not [kind for kind, of in ADVICE.items() if f"| {of.title} | `{kind}` | {of.action} |" not in text]


@every_page
def test_figures_and_days_are_written_as_officials_read_them(page: Path) -> None:
    prose = re.sub(r"`[^`]*`|```.*?```", "", page.read_text(), flags=re.DOTALL)

    assert not re.findall(r"\d\.\d+ ?%|\d%|\b\d{4}-\d\d-\d\d\b", prose)
