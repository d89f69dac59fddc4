"""When a dossier counts as received, as resolved and as issued."""

from collections.abc import Mapping
from typing import Any

Instants = tuple[str | None, str | None, str | None]
"""when a dossier counts as received, as resolved and as issued"""


def days_of(known: Mapping[str, Any]) -> Instants | None:
    """Return when a dossier counts as received, as resolved and as issued; None where it counts as none of them."""
    get = known.get
    received, resolved, issued = get("received_at"), get("resolved_at"), get("issued_at")
    if received is None:
        if resolved is None and issued is None:
            return None
        if get("refused_at") is not None:
            return None
        received = get("submitted_at")
    else:
        refused = get("refused_at")
        if refused is not None and refused >= received:
            return None
    status = get("status")
    if status == "withdrawn":
        return received, None, None
    if status == "stopped":
        return received, resolved, None if resolved is None else issued
    return received, issued if resolved is None else resolved, issued
