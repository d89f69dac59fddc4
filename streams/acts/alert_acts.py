"""Acts on alerts: acknowledge, silence, end a silence; and what they are held against."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from models.alerting.operator_actions import Operators, key_of, merged, parse_operator
from models.calendar.civil_time import utc_ms
from models.dossiers.events import Refused
from streams.acts.alert_answers import refused, until, wrong
from streams.board.standings_log import standings_now
from streams.broker import topics
from streams.broker.connection import bootstrap, client_options
from streams.broker.formats import stamped
from streams.broker.reading import records_of
from streams.engine.format_numbers import FIRST
from streams.settings import Settings

Headers = list[tuple[str, bytes]]
Publish = Callable[[Settings, bytes, bytes, Headers], None]
"""takes the settings, a record's key, its value and headers; returns once Kafka has it"""

# -- what there is -----------------------------------------------------------------------------------------------------


def transitions(settings: Settings) -> list[dict[str, Any]]:
    """Return every transition of every alert, partition by partition in their order. Raises BadInput."""
    return [orjson.loads(record.value) for record in records_of(settings, topics.ALERTS)]


def open_of(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the transitions that opened the alerts which are open still."""
    return [r for r in {r["fingerprint"]: r for r in rows}.values() if r["status"] == "firing"]


def operators_of(settings: Settings) -> Operators:
    """Return what operators have said, merged. Raises BadInput."""
    said = (parse_operator(record.value or b"") for record in records_of(settings, topics.OPERATORS))
    return merged(s for s in said if not isinstance(s, Refused))


def shortfalls(settings: Settings) -> dict[tuple[str, str, str], int]:
    """Return what each unit lacks today, in dossiers, by (decision, indicator, unit). Raises BadInput."""
    return {(r["decision"], r["indicator"], r["unit"]): r["shortfall"] for r in standings_now(settings)}


def now_of(settings: Settings) -> str:
    """Return the time: of this machine, or of the replay where the running system lives through one."""
    if settings.clock == "records":
        beats = [orjson.loads(r.value)["clock"] for r in records_of(settings, topics.HEARTBEATS) if r.value is not None]
        if beats:
            return str(max(beats))
    return utc_ms(int(time.time()) * 1000)


# -- acts --------------------------------------------------------------------------------------------------------------


def publish(settings: Settings, key: bytes, value: bytes, headers: Headers) -> None:
    """Add a record to the topic `operators`; return once Kafka has it. Raises BadInput."""
    try:
        producer = KafkaProducer(
            bootstrap_servers=bootstrap(settings).split(","), acks="all", **client_options(settings)
        )
        try:
            producer.send(settings.topic(topics.OPERATORS), value, key=key, headers=headers).get(30)
        finally:
            producer.close()
    except KafkaError as exc:
        what = f"Kafka, {settings.kafka}: {type(exc).__name__}"
        raise wrong(f"chưa ghi được, hãy thử lại ({what})", "Kafka did not take the record") from exc


class Acts:
    """What one office does of alerts: each act is a record, checked as its readers will."""

    def __init__(
        self, settings: Settings, role: str, now: str, *, by: str | None = None, send: Publish = publish
    ) -> None:
        """Name the office that acts (a `Role`), the time, and the pseudonym of who signed in, if anybody did."""
        self._settings = settings
        self._role = role
        self._now = now
        self._by = by
        self._send = send

    def acknowledge(self, fired: Mapping[str, Any], missing: int, note: str, ends: str | None) -> dict[str, Any]:
        """Acknowledge an open alert by its `firing` transition; `missing`: dossiers that its unit lacks today.

        `ends`: as `alert_answers.until` reads it; None: until the alert ends or gets worse. Raises BadInput.
        """
        said = {
            "kind": "ack",
            "fingerprint": fired["fingerprint"],
            "alert": fired["id"],
            "severity": fired["severity"],
            "shortfall": missing,
            "until": None if ends is None else until(ends, self._now),
        }
        return self._say(said, note)

    def silence(self, matchers: list[dict[str, str]], ends: str, reason: str) -> dict[str, Any]:
        """Send nothing of what all matchers match, until then. Raises BadInput."""
        said = {"kind": "silence", "matchers": matchers, "since": self._now, "until": until(ends, self._now)}
        return self._say(said, reason)

    def end_silence(self, silence: str, reason: str) -> dict[str, Any]:
        """End a silence before its time, by its whole id. Raises BadInput."""
        return self._say({"kind": "unsilence", "silence": silence}, reason)

    def _say(self, said: Mapping[str, Any], reason: str) -> dict[str, Any]:
        author = {} if self._by is None else {"by": self._by}
        record = {
            **said, "id": secrets.token_hex(8), "at": self._now, "role": self._role, "reason": reason, **author,
        }  # fmt: skip
        value = orjson.dumps(record)
        checked = parse_operator(value)
        if isinstance(checked, Refused):
            raise refused(checked.reason)
        headers = stamped(topics.OPERATORS, FIRST if self._by is None else None)
        self._send(self._settings, key_of(checked).encode(), value, headers)
        return record
