"""Options that several commands share, and the settings that follow from them and the environment."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from streams.errors import BadInput
from streams.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _one_alone(_context: click.Context, option: click.Parameter, given: tuple[Any, ...]) -> Any:
    """Return the one value of an option. Raises BadInput where it is given twice: neither may pass unnoticed."""
    if len(given) > 1:
        values = ", ".join(map(str, given))
        raise BadInput(f"--{option.name} is given {len(given)} times ({values}): give one")
    return given[0] if given else None


def once(name: str, **attrs: Any) -> Callable[[F], F]:
    """Return an option that takes one value and refuses a second one, where click would take the last in silence."""
    return click.option(name, multiple=True, callback=_one_alone, **attrs)


def of_files(command: F) -> F:
    """Add the options that say with what a decision is applied."""
    for option in (
        click.option("--set", "switches", multiple=True, metavar="NAME=VALUE", help="a switch of the decision"),
        once("--successions", type=FILE, help="mergers, splits and abolitions of units (CSV)"),
        once("--holidays", type=FILE, help="days off and days worked beside the shipped calendar (CSV)"),
        once("--trajectories", type=FILE, help="trajectories entered by units (CSV)"),
        once("--units", type=FILE, help="further units (CSV)"),
        once("--catalogue", type=FILE, help="the catalogue of procedures (CSV)"),
    ):
        command = option(command)
    return command


def of_decision(command: F) -> F:
    """Add the options that say which decision is applied, and with what."""
    decision = once("--decision", metavar="ID|FILE", help="a shipped decision, or the path of a decision file")
    return decision(of_files(command))


def of_system(command: F) -> F:
    """Add the option that says which running system is meant."""
    option = click.option(
        "--state-dir", type=click.Path(file_okay=False, path_type=Path), help="state directory of `lotrinh up`"
    )
    return option(command)


def may_be_incomplete(command: F) -> F:
    """Add the option that allows figures although some are missing."""
    option = click.option(
        "--allow-incomplete", is_flag=True, help="say what is missing and go on, instead of refusing (exit code 4)"
    )
    return option(command)


def settings_from(**given: Any) -> Settings:
    """Return the settings: options given, else the environment, else defaults. Raises BadInput on a bad switch."""
    values = {k: v for k, v in given.items() if v is not None and v != ()}
    if "switches" in values:
        values["switches"] = switches_from(values["switches"])
    return Settings(**values)


def switches_from(texts: tuple[str, ...]) -> dict[str, str]:
    """Read `NAME=VALUE` options. Raises BadInput."""
    pairs = [text.partition("=") for text in texts]
    for text, (name, equals, value) in zip(texts, pairs, strict=True):
        if not (name and equals and value):
            raise BadInput(f"--set {text}: expected NAME=VALUE")
    return {name: value for name, _, value in pairs}


def day_option(name: str, text: str | None) -> date | None:
    """Read the civil day of an option, None where it is not given. Raises BadInput."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as exc:
        raise BadInput(f"{name} {text}: expected YYYY-MM-DD") from exc


def echo_json(value: Any) -> None:
    """Print JSON alone on stdout."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def say(message: str) -> None:
    """Tell of progress, on stderr."""
    from models.wording import visible
    from streams.cli.terminal import LINES

    click.echo(f"lotrinh: {visible(message, keep=LINES)}", err=True)
