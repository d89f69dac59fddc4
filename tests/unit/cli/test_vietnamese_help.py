"""The help of commands that officials use is in Vietnamese, by one catalogue that holds every sentence."""

import importlib
import inspect
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from streams.cli import COMMANDS, lotrinh, vietnamese


def commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from commands(below)


def sentences() -> set[str]:
    """Every help text of the officials' commands and of the list of commands."""
    found = {text for _, text in COMMANDS.values()}
    for name in vietnamese.OFFICIALS:
        for command in commands(importlib.import_module(COMMANDS[name][0]).command):
            found.add(command.help or "")
            found |= {p.help or "" for p in command.params if isinstance(p, click.Option)}
    return {inspect.cleandoc(text) for text in found if text}


def test_every_sentence_of_an_officials_command_has_its_vietnamese() -> None:
    assert not sentences() - set(vietnamese.HELP_SENTENCES)


def test_the_catalogue_holds_no_sentence_that_nobody_shows() -> None:
    of_click = {"Show this message and exit.", "Show the version and exit."}
    of_root = {inspect.cleandoc(lotrinh.help or "")}

    assert not set(vietnamese.HELP_SENTENCES) - sentences() - of_click - of_root


def shown(variables: dict[str, str], *args: str) -> str:
    unset = {"LOTRINH_LANG": "", "LANG": ""}
    result = CliRunner().invoke(lotrinh, [*args, "--help"], env=unset | variables, prog_name="lotrinh")
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("variables", [{"LANG": "vi_VN.UTF-8"}, {"LOTRINH_LANG": "vi", "LANG": "en_US.UTF-8"}])
def test_help_is_vietnamese_by_either_variable(variables: dict[str, str]) -> None:
    text = shown(variables, "alerts", "silence")

    assert "Cách dùng: lotrinh alerts silence" in text
    assert "Tùy chọn:" in text
    assert "[bắt buộc]" in text
    assert not [word for word in ("Usage", "Options", "required", "Show this") if word in text]


def test_lists_of_commands_are_vietnamese() -> None:
    assert "Chốt số liệu của kỳ đã kết thúc." in shown({"LOTRINH_LANG": "vi"})
    assert "Liệt kê các quyết định có sẵn." in shown({"LOTRINH_LANG": "vi"}, "decisions")


@pytest.mark.parametrize("variables", [{}, {"LOTRINH_LANG": "en", "LANG": "vi_VN.UTF-8"}, {"LANG": "C.UTF-8"}])
def test_help_is_english_otherwise_also_after_it_was_vietnamese(variables: dict[str, str]) -> None:
    shown({"LOTRINH_LANG": "vi"}, "report")
    text = shown(variables, "report")

    assert "Usage: lotrinh report" in text
    assert "the catalogue of procedures (CSV)" in text
