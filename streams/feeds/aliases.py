"""Second codes of dossiers: some senders give a dossier a new code, and the key decides the partition."""

from collections.abc import Iterable, Mapping

import orjson

from models.registers.tables import BadTable
from models.registers.units import check_code


def parse_aliases(rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Read rows of ``alias,dossier``; returns alias → the code that holds, through chains of aliases.

    Raises BadTable with the line of the file: a code missing, an alias of two dossiers, a circle.
    """
    found: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        alias, dossier = ((row.get(c) or "").strip() for c in ("alias", "dossier"))
        if not alias or not dossier:
            raise BadTable(f"line {line}: a row needs `alias` and `dossier`")
        check_code(dossier, line, "dossier")
        if found.setdefault(alias, dossier) != dossier:
            raise BadTable(f"line {line}: this alias already stands for another dossier")
        seen, last = {alias}, dossier
        while last in found:
            if last in seen:
                raise BadTable(f"line {line}: the alias comes back to itself")
            seen.add(last)
            last = found[last]
    return {alias: _last(found, alias) for alias in found}


def _last(found: Mapping[str, str], code: str) -> str:
    while code in found:
        code = found[code]
    return code


def renamed(value: bytes, dossier: str) -> bytes:
    """Return an event, plain or a structured CloudEvent, with another dossier code."""
    event = orjson.loads(value)
    if "specversion" in event and "subject" in event:
        event["subject"] = dossier
        body = event.get("data")
    else:
        body = event.get("data") if "specversion" in event else event
    if isinstance(body, dict) and "dossier" in body:
        body["dossier"] = dossier
    return orjson.dumps(event)
