"""Where logs end is asked again of a leader that does not know it yet, and of nobody for ever."""

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import OffsetNotAvailableError, TopicAuthorizationFailedError

from streams.broker.reading import log_offsets

TP = TopicPartition("dossier.submitted", 0)


class Client:
    """A client that answers so often with an error, and then with an offset."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = [*errors]

    def list_partition_offsets(self, asked: Any, isolation_level: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return {tp: SimpleNamespace(offset=7) for tp in asked}


def test_a_leader_that_was_elected_a_moment_ago_is_asked_again() -> None:
    client: Any = Client(OffsetNotAvailableError("not yet"), OffsetNotAvailableError("not yet"))

    assert log_offsets(client, [TP], OffsetSpec.LATEST) == {TP: 7}
    assert log_offsets(client, [], OffsetSpec.LATEST) == {}


def test_what_does_not_pass_is_told_at_once_and_what_lasts_in_the_end() -> None:
    refused: Any = Client(TopicAuthorizationFailedError("no right"))
    with pytest.raises(TopicAuthorizationFailedError):
        log_offsets(refused, [TP], OffsetSpec.LATEST)
    lasting: Any = Client(*[OffsetNotAvailableError("not yet")] * 1_000)
    with pytest.raises(OffsetNotAvailableError):
        log_offsets(lasting, [TP], OffsetSpec.LATEST, patience_s=0.3)
