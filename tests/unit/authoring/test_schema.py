"""The JSON Schema of decision files: equal to the model, and right for TOML."""

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from models.authoring.json_schema import decision_schema
from streams.files.decision_files import read_decision_text, shipped_decisions

COMMITTED = Path(__file__).parents[3] / "docs" / "decision.schema.json"


def plain(value: Any) -> Any:
    """A TOML document as editors hand it to a schema: days are texts."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


def shipped(name: str) -> dict[str, Any]:
    found: dict[str, Any] = plain(tomllib.loads(read_decision_text(name)[1]))
    return found


def problems(document: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft7Validator(decision_schema(), format_checker=jsonschema.FormatChecker(["date"]))
    return [e.message for e in validator.iter_errors(document)]


def test_the_committed_copy_is_what_the_model_says() -> None:
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == decision_schema()


@pytest.mark.parametrize("name", shipped_decisions())
def test_shipped_decisions_satisfy_it(name: str) -> None:
    assert problems(shipped(name)) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.update(isuer="x"),
        lambda d: d.pop("period"),
        lambda d: d["period"].update({"from": "1/1/2024"}),
        lambda d: d["rows"][0]["targets"].__setitem__(0, "5O"),
        lambda d: d["rows"][0]["targets"].__setitem__(0, 50),
        lambda d: d["rows"][0].update(targets={"Online dossiers": "50"}),
        lambda d: d["indicators"]["online-dossiers"].update(basis="recieved"),
        lambda d: d.update(rows=[]),
    ],
)
def test_an_editor_underlines_a_mistake(damage: Any) -> None:
    document = shipped("thai-binh-2024")
    damage(document)

    assert problems(document)


def test_every_key_is_explained_to_whom_an_editor_shows_it() -> None:
    schema = decision_schema()
    silent = {
        f"{name}.{key}"
        for name, model in (("Decision", schema), *schema["$defs"].items())
        for key, field in model.get("properties", {}).items()
        if "description" not in field and "$ref" not in field
    }

    assert silent == set()
