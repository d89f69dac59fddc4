"""Reads the files a reading is made of: shipped decisions and registry, and what a deployment adds."""

import csv
from dataclasses import replace
from importlib import resources
from pathlib import Path

from models.authoring.trajectory_form import Form, read_form
from models.calendar.workdays import SHIPPED, Workdays, parse_holidays
from models.decisions.file import BadDecision, Decision, parse_decision
from models.decisions.reading import Reading, Sources, with_agencies
from models.decisions.trajectory import Milestones, parse_trajectories
from models.registers.catalogue import Entry, parse_catalogue
from models.registers.units import Registry, parse_successions, parse_units
from streams.errors import BadInput
from streams.files.tables import read_table, read_text
from streams.settings import Settings


def shipped_decisions() -> list[str]:
    """Return the ids of the decisions that come with lotrinh, sorted."""
    folder = resources.files("models") / "data" / "decisions"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def shipped_registry() -> Registry:
    """Return the registry that comes with lotrinh: provinces, districts and communes of the five decisions."""
    text = (resources.files("models") / "data" / "units.csv").read_text(encoding="utf-8")
    return Registry({u.code: u for u in parse_units(csv.DictReader(text.splitlines()))})


def read_decision_text(name: str) -> tuple[str, str]:
    """Return (file name, text) of a shipped decision by its id, or of a file. Raises BadInput."""
    if name in shipped_decisions():
        file = resources.files("models") / "data" / "decisions" / f"{name}.toml"
        return file.name, file.read_text(encoding="utf-8")
    path = Path(name)
    if not path.suffix and not path.exists():
        raise BadInput(
            f"no decision is called {name!r}; known: {', '.join(shipped_decisions())}, or the path of a file"
        )
    return path.name, read_text(path)


def read_decision(name: str) -> Decision:
    """Return a shipped decision by its id, or the decision of a file. Raises BadInput."""
    file, text = read_decision_text(name)
    try:
        return parse_decision(text, file)
    except BadDecision as exc:
        raise BadInput(_in_a_line(exc, name)) from exc


def _in_a_line(wrong: BadDecision, name: str) -> str:
    """Return the first of what is wrong with a decision, and where all of it is told."""
    first, *others = str(wrong).split("\n")
    return f"{first} (and {len(others)} more: `lotrinh decisions check {name}`)" if others else first


def read_sources(
    settings: Settings, catalogue: tuple[Entry, ...] | None = None, *, offices_apart: bool = False
) -> Sources:
    """Return all that a reading is made of besides the decision: registry, and the files that settings name.

    `catalogue` stands in where the settings name none. With `offices_apart`, offices count for themselves
    (models/evaluation/office_tracks.py). Raises BadInput.
    """
    registry = replace(shipped_registry(), offices_apart=offices_apart)
    if settings.units is not None:
        registry = registry.with_units(read_table(settings.units, parse_units))
    return Sources(
        registry=registry,
        catalogue=catalogue if settings.catalogue is None else tuple(read_table(settings.catalogue, parse_catalogue)),
        trajectories={} if settings.trajectories is None else read_trajectories(settings.trajectories, settings),
        successions=() if settings.successions is None else tuple(read_table(settings.successions, parse_successions)),
        switches=settings.switches,
        unknown_units_max=settings.unknown_units_max,
        workdays=read_workdays(settings),
    )


def read_reading(
    settings: Settings, catalogue: tuple[Entry, ...] | None = None, *, offices_apart: bool = False
) -> Reading:
    """Return the decision of the settings, made executable with the files they name. Raises BadInput."""
    try:
        return Reading(read_decision(settings.decision), read_sources(settings, catalogue, offices_apart=offices_apart))
    except BadDecision as exc:
        raise BadInput(_in_a_line(exc, settings.decision)) from exc


def read_workdays(settings: Settings) -> Workdays:
    """Return the working calendar: the shipped one, corrected by the file that settings name. Raises BadInput."""
    return SHIPPED if settings.holidays is None else Workdays(read_table(settings.holidays, parse_holidays))


def read_trajectories(path: Path, settings: Settings) -> dict[tuple[str, str], Milestones]:
    """Read trajectories: the contract's CSV, or a workbook in the form that offices fill in. Raises BadInput."""
    if path.suffix.lower() != ".xlsx":
        return read_table(path, parse_trajectories)
    form = read_form_file(path, settings)
    if errors := form.errors():
        more = f" (and {len(errors) - 1} more: `lotrinh trajectories check`)" if len(errors) > 1 else ""
        raise BadInput(f"{path}, {errors[0].place}: {errors[0].message}{more}")
    return form.trajectories()


def read_form_file(path: Path, settings: Settings) -> Form:
    """Return what a form of trajectories says, and what is wrong with it. Raises BadInput where it is no such file."""
    if path.suffix.lower() == ".xlsx":
        from streams.files.workbooks import grid_of  # noqa: PLC0415 - a large library, for the few commands that need it

        grid = grid_of(path)
    else:
        grid = list(csv.reader(read_text(path).splitlines()))
    return read_form(grid, read_decision(settings.decision), settings.switches.get("report_months", "calendar"))


def read_registry(settings: Settings) -> Registry:
    """Return all units known: shipped, of the deployment, and agencies that decisions name. Raises BadInput.

    Of the settings' decision; where they name none, of every decision that comes with lotrinh.
    """
    registry = shipped_registry()
    if settings.units is not None:
        registry = registry.with_units(read_table(settings.units, parse_units))
    named = [settings.decision] if "decision" in settings.model_fields_set else shipped_decisions()
    for name in named:
        registry = with_agencies(read_decision(name), registry)
    return registry
