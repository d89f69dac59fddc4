"""Kafka's codecs: what each client of ours reads, and what is said where one is missing."""

import gzip
import struct
from typing import Any

import aiokafka.codec
import aiokafka.errors
import cramjam
import kafka.codec
import kafka.errors
import pytest

from streams.broker import codecs
from streams.cli import main
from streams.doctor import checks as doctor
from streams.engine import process_exit as stop

TEXT = b'{"dossier": "000.17.34-240930-0012"}' * 3_000  # several blocks of every frame


def xerial(text: bytes) -> bytes:
    """The frame of Java's library, in blocks of 32 KiB."""
    blocks = [bytes(cramjam.snappy.compress_raw(text[at : at + 32_768])) for at in range(0, len(text), 32_768)]
    return b"\x82SNAPPY\x00" + struct.pack("!ii", 1, 1) + b"".join(struct.pack("!i", len(b)) + b for b in blocks)


@pytest.mark.parametrize("client", [aiokafka.codec, kafka.codec])
@pytest.mark.parametrize(
    ("codec", "compressed"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("snappy", bytes(cramjam.snappy.compress_raw(TEXT))),
        ("snappy", xerial(TEXT)),
        ("lz4", bytes(cramjam.lz4.compress(TEXT))),
        ("zstd", bytes(cramjam.zstd.compress(TEXT))),
        ("zstd", bytes(cramjam.zstd.compress(TEXT[:50])) + bytes(cramjam.zstd.compress(TEXT[50:]))),
    ],
)
def test_every_client_reads_every_codec(client: Any, codec: str, compressed: bytes) -> None:
    assert bytes(getattr(client, f"{codec}_decode")(compressed)) == TEXT


def test_doctor_says_what_is_read() -> None:
    assert codecs.unreadable() == []
    assert doctor.codecs()[:3] == ("codecs", "ok", "reads gzip, snappy, lz4, zstd, with every client")


@pytest.mark.parametrize(
    ("client", "attribute", "expected"),
    [
        (aiokafka.codec, "cramjam", ["snappy", "lz4", "zstd"]),
        (kafka.codec, "snappy", ["snappy"]),
        (kafka.codec, "lz4_decode", ["lz4"]),
        (kafka.codec, "zstd", ["zstd"]),
    ],
)
def test_doctor_says_what_is_missing_and_for_whom(
    monkeypatch: pytest.MonkeyPatch, client: Any, attribute: str, expected: list[str]
) -> None:
    monkeypatch.setattr(client, attribute, None)
    finding = doctor.codecs()
    who = "the workers, `notify` and the wallboard" if client is aiokafka.codec else "the commands"

    assert [missing.codec for missing in codecs.unreadable()] == expected
    assert finding.level == "failed"
    assert all(f"{who} cannot read {codec} (" in finding.text for codec in expected)
    assert finding.consequence
    assert "requirements.lock" in finding.remedy


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (kafka.errors.UnsupportedCodecError("Libraries for zstd compression codec not found"), "compressed with zstd"),
        (aiokafka.errors.UnsupportedCodecError("Libraries for snappy …"), "compressed with snappy"),
        (kafka.errors.UnsupportedCodecError("Unrecognized compression type: 7"), "a codec that is not Kafka's"),
        (kafka.errors.TopicAuthorizationFailedError("x"), "Kafka refused: "),
        (kafka.errors.KafkaConnectionError("111 ECONNREFUSED"), "Kafka went away: "),
        (kafka.errors.NodeNotReadyError(), "Kafka went away: "),
        (aiokafka.errors.KafkaConnectionError("x"), "Kafka went away: "),
    ],
)
def test_a_broker_that_answered_has_not_gone_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    def broken(**_: object) -> None:
        raise error

    monkeypatch.setattr("streams.cli.lotrinh", broken)
    with pytest.raises(SystemExit) as ended:
        main()
    text = capsys.readouterr().err

    assert ended.value.code == 2
    assert said in text
    assert ("went away" in text) == said.startswith("Kafka went away")
    assert len(text.splitlines()) == 1


def test_a_worker_stops_in_one_sentence_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stop, "end_process", lambda code: (_ for _ in ()).throw(SystemExit(code)))
    monkeypatch.setattr(stop, "_explain", [])
    stop.explain_by(codecs.sentence)
    with pytest.raises(SystemExit):
        stop.die(aiokafka.errors.UnsupportedCodecError("Libraries for lz4 compression codec not found"))

    (record,) = caplog.records
    assert record.getMessage().startswith("stop: a batch in Kafka is compressed with lz4, which this installation")
    assert record.exc_info is None
