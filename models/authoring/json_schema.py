"""The JSON Schema of decision files, from the model that reads them, so that an editor can help in writing one."""

from collections.abc import Iterable
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from models.decisions.file import Decision

PERCENT: Final = r"^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)?$"
"""a target as it stands in a row: percent, or nothing for a blank cell"""


class _OfToml(GenerateJsonSchema):
    """A date of TOML is a date; a number is written bare or in quotes. Draft 7, which editors of TOML know."""

    schema_dialect = "http://json-schema.org/draft-07/schema#"


def decision_schema() -> dict[str, Any]:
    """Return the JSON Schema of a decision file."""
    schema = Decision.model_json_schema(by_alias=True, schema_generator=_OfToml, mode="validation")
    for model in (schema, *schema["$defs"].values()):
        model.pop("title", None)
        for field in model.get("properties", {}).values():
            field.pop("title", None)
            _without_null(field)
    row = schema["$defs"]["Row"]["properties"]
    for alternative in (*row["targets"]["anyOf"], row["baseline"]):
        for cell in _values(alternative):
            for kind in cell.get("anyOf", [cell]):
                if kind.get("type") == "string":
                    kind["pattern"] = PERCENT
    _named(schema)
    formula = schema["$defs"]["Formula"]
    formula["required"].remove("basis")  # filled in where there is no choice
    formula["properties"]["basis"]["enum"].append("copied")
    about = {"$schema": _OfToml.schema_dialect, "title": "lotrinh decision"}
    # Editors of TOML name the schema in the file itself or in a catalogue; the key would be an unknown one to us.
    return {**about, **schema}


def _values(of: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Return the schemas of what a list or a table holds."""
    held = of.get("items", of.get("additionalProperties"))
    return [held] if isinstance(held, dict) else of.get("patternProperties", {}).values()


def _named(schema: object) -> None:
    """Have an editor underline a name that is none: what fits no pattern is no key."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for held in schema.values():
            _named(held)
    elif isinstance(schema, list):
        for held in schema:
            _named(held)


def _without_null(field: dict[str, Any]) -> None:
    """Take out what TOML cannot say: there is no null, a key is left out."""
    if field.get("default", ...) is None:
        del field["default"]
    options = [o for o in field.get("anyOf", ()) if o.get("type") != "null"]
    if options and len(options) < len(field["anyOf"]):
        del field["anyOf"]
        field.update(options[0] if len(options) == 1 else {"anyOf": options})
