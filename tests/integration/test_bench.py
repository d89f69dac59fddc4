"""The peers that need nothing more than the tests do, on a small workload: they agree, or no figure is worth anything."""

import pytest

from bench import expected
from bench.peers import chosen
from bench.rig import events_of, prepared
from bench.run import run_peer

pytestmark = [pytest.mark.kafka]
DOSSIERS = 1_000


def test_peers_count_what_the_core_counts(kafka_address: str) -> None:
    values = events_of(DOSSIERS)
    settings, wanted = prepared(kafka_address, values), expected.counted(values)

    for peer in chosen("plain,aiokafka,tally"):
        found = run_peer(peer, settings, len(values))

        assert found["digest"] == wanted, peer
        assert found["seconds"] > 0, peer
        assert found["cpu"] > 0, peer
