"""On PYTHONPATH of a child: what is missing from the figures is told after 6 s, not 30, and looked for every second."""

from models.standings import completeness as lasting
from streams.monitoring import completeness as looking

LASTING_S, LOOK_S = 6, 1.0


def hasten() -> None:
    """Look and tell sooner from now on, in this process."""
    lasting.LASTING_S = LASTING_S  # type: ignore[misc]
    looking.LOOK_S = LOOK_S  # type: ignore[misc]


if __name__ == "sitecustomize":  # not where the tests' collection imports it for its doctests
    hasten()
