"""What starts Kafka on this machine."""

import uuid

import pytest

from streams.local import kafka


def test_a_cluster_id_never_begins_with_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka's storage tool would read it as an option."""
    made = iter([uuid.UUID(bytes=b"\xf8" + bytes(15)), uuid.UUID(bytes=b"\x00" * 16)])
    monkeypatch.setattr(uuid, "uuid4", lambda: next(made))

    assert kafka.cluster_id() == "A" * 22
