"""What ends a command with one sentence for its reader."""

from collections.abc import Sequence

from models.standings.completeness import Cause, sentence


class BadInput(Exception):  # noqa: N818 - one sentence for the reader, exit code 2
    """What was given cannot be used; the message says what and where."""


class NoAnswer(BadInput):
    """Kafka cannot be reached, or does not let us in."""


class Incomplete(BadInput):
    """Figures were asked for as complete, and are not; exit code 4, one sentence per cause."""

    def __init__(self, causes: Sequence[Cause]) -> None:
        """Hold the causes."""
        self.causes = list(causes)
        self.sentences = [f"incomplete: {sentence(cause)}" for cause in causes]
        super().__init__("; ".join(self.sentences))
