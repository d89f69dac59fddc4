"""A message in the formats that other systems take. Pure: the same message gives the same bytes.

Every format carries, per alert, the transition's id and its number: a receiver recognises what it has had, and an older
word after a newer one.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

import orjson

from models.calendar.civil_time import moment_of
from models.notification.outbox import Line, Message
from streams.notify.config import Config
from streams.notify.texts import KIND, Names, render, unit_url

UNTIL_ENDED: Final = "0001-01-01T00:00:00Z"
"""`endsAt` while an alert fires: Go's zero time (Alertmanager's webhook)"""
SUMMARY_MAX: Final = 1_024
"""characters (PagerDuty)"""
TELEGRAM_MAX: Final = 4_096
"""UTF-16 units of a text (Telegram)"""
ZALO_MAX: Final = 2_000
"""UTF-16 units of a text (Zalo)"""
JSON: Final = {"Content-Type": "application/json"}


class Request(NamedTuple):
    """One HTTP POST."""

    body: bytes
    headers: Mapping[str, str]
    path: str = ""
    """appended to the receiver's url"""


class Context(NamedTuple):
    """What payloads need besides the message."""

    config: Config
    names: Names
    looked_at: int = 0

    @property
    def board_url(self) -> str:
        """Return the wall's address, or ''."""
        return self.config.board_url or ""


def plain(message: Message, context: Context) -> dict[str, Any]:
    """Return a message as our own JSON; a digest has the watch list as well, where there is one."""
    watch = message.watch
    named = [
        {
            **row._asdict(),
            "unit_name": context.names.unit(row.unit),
            "indicator_name": context.names.indicator(row.indicator),
        }
        for row in watch.rows
    ]
    return {
        "message": message.id,
        "mailbox": str(message.mailbox),
        "at": message.at,
        "group": message.group,
        "group_labels": dict(message.group_labels),
        "still_open": message.still_open,
        "more": message.more,
        "alerts": [_alert(line, context) for line in message.lines],
        **({"watch_list": named, "watch_list_more": watch.more} if named else {}),
        **({"undelivered": [one._asdict() for one in message.undelivered]} if message.undelivered else {}),
        **({"recovered": list(message.recovered)} if message.recovered else {}),
    }


def _alert(line: Line, context: Context) -> dict[str, Any]:
    names, link = context.names, unit_url(context.board_url, line.now)
    told = {k: v for k, v in line.now.items() if k not in ("inputs", "basis")}
    return {
        **told,
        "number": line.number,
        "why": line.reason,
        "since": line.fired["at"],
        "merged": line.untold,
        "acknowledged": line.acknowledged,
        "unit_name": names.unit(line.now["unit"]),
        "indicator_name": names.indicator(line.now["indicator"]),
        **({"unit_url": link} if link else {}),
    }


def webhook(message: Message, context: Context, timestamp: int) -> list[Request]:
    """Return a signed webhook (Standard Webhooks). `timestamp`: Unix seconds of the attempt."""
    secret = context.config.secret(message.mailbox.receiver, "secret") or ""
    body = orjson.dumps({"type": "alerts.changed", "timestamp": message.at, "data": plain(message, context)})
    headers = {
        **JSON,
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature(secret, message.id, timestamp, body)}",
    }
    return [Request(body, headers)]


def signature(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a webhook: HMAC-SHA256 of `id.timestamp.body`, base64.

    `secret`: base64, with or without the prefix `whsec_`. Raises ValueError where it is neither.
    """
    signed = f"{id_}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


def key_of(secret: str) -> bytes:
    """Return the bytes of a webhook's secret. Raises ValueError where it is not base64."""
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def cloud_event(message: Message, context: Context) -> list[Request]:
    """Return a CloudEvent 1.0, structured mode, JSON."""
    event = {
        "specversion": "1.0",
        "id": message.id,
        "source": "/lotrinh/alerts",
        "type": "vn.lotrinh.alerts.changed.v1",
        "time": message.at,
        "subject": message.group,
        "datacontenttype": "application/json",
        "data": plain(message, context),
    }
    return [Request(orjson.dumps(event), _bearer(message, context, "application/cloudevents+json"))]


def alertmanager_webhook(message: Message, context: Context) -> list[Request]:
    """Return the body of Alertmanager's webhook, version "4". A retracted alert is a resolved one, and says so."""
    alerts = [_am_alert(line, context) for line in message.lines]
    labels, annotations = (_common(a[part] for a in alerts) for part in ("labels", "annotations"))
    cause = _of_cause(message)
    group = {"group": message.group} if cause else {k: v for k, v in labels.items() if k != "alertname"}
    body = {
        "receiver": message.mailbox.receiver,
        "status": "firing" if any(line.firing for line in message.lines) else "resolved",
        "alerts": alerts,
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": context.board_url,
        "version": "4",
        "groupKey": f"{{}}:{{mailbox={_quoted(str(message.mailbox))}, group={_quoted(message.group)}}}",
        "truncatedAlerts": 0,
    }
    return [Request(orjson.dumps(body), _bearer(message, context, "application/json") | {"X-Message-Id": message.id})]


def _am_alert(line: Line, context: Context) -> dict[str, Any]:
    return {
        "status": "firing" if line.firing else "resolved",
        "labels": _am_labels(line),
        "annotations": _annotations(line, context),
        "startsAt": line.fired["at"],
        "endsAt": UNTIL_ENDED if line.firing else line.now["at"],
        "generatorURL": unit_url(context.board_url, line.now) or context.board_url,
        "fingerprint": line.now["fingerprint"],
    }


def alertmanager(message: Message, context: Context) -> list[Request]:
    """Return alerts for Alertmanager's API v2: an open one lasts three refreshes, an ended one until it ended."""
    hours = context.config.receivers[message.mailbox.receiver].refresh_hours or 24
    alerts = []
    for line in message.lines:
        ends = line.now["at"]
        if line.firing:
            ends = _later(message.at, 3 * hours)
        alert = {
            "labels": _am_labels(line),
            "annotations": _annotations(line, context),
            "startsAt": line.fired["at"],
            "endsAt": ends,
        }
        link = unit_url(context.board_url, line.now) or context.board_url
        alerts.append(alert | ({"generatorURL": link} if link else {}))
    return [Request(orjson.dumps(alerts), _bearer(message, context, "application/json"), "/api/v2/alerts")]


def pagerduty(message: Message, context: Context) -> list[Request]:
    """Return events for PagerDuty: one per alert, or one for all alerts of one cause.

    An acknowledged alert is triggered and acknowledged where it is told for the first time, else acknowledged; a cause
    is acknowledged once all its open alerts are.
    """
    key = context.config.secret(message.mailbox.receiver, "routing_key")
    rendered = render(message, context.names, context.config.board_url)
    if _of_cause(message):
        actions = _actions(message.lines, still_open=bool(message.still_open), attended=not message.unattended)
        dedup = hashlib.sha256(message.group.encode()).hexdigest()[:32]
        parts = [(action, dedup, rendered.subject, message.lines) for action in actions]
    else:
        parts = [
            (action, line.now["fingerprint"], _summary(line, context.names), (line,))
            for line in message.lines
            for action in _actions((line,), still_open=line.firing, attended=line.acknowledged)
        ]
    return [
        Request(orjson.dumps(_event(action, dedup, summary, lines, context) | {"routing_key": key}), JSON)
        for action, dedup, summary, lines in parts
    ]


def telegram(message: Message, context: Context, chat: str) -> list[Request]:
    """Return a message for Telegram's `sendMessage`."""
    token = context.config.secret(message.mailbox.receiver, "token")
    body = {"chat_id": chat, "text": _short(message, context, TELEGRAM_MAX), "disable_web_page_preview": True}
    return [Request(orjson.dumps(body), JSON, f"/bot{token}/sendMessage")]


def zalo(message: Message, context: Context, user: str) -> list[Request]:
    """Return a message for the message interface of Zalo Official Accounts."""
    token = context.config.secret(message.mailbox.receiver, "token") or ""
    body = {"recipient": {"user_id": user}, "message": {"text": _short(message, context, ZALO_MAX)}}
    return [Request(orjson.dumps(body), {**JSON, "access_token": token}, "/v3.0/oa/message/cs")]


def _short(message: Message, context: Context, most: int) -> str:
    """Return subject and text within a number of UTF-16 units; what is cut is said, and the id stays."""
    rendered = render(message, context.names, context.config.board_url, context.looked_at)
    text = f"{rendered.subject}\n\n{rendered.text}".strip()
    if len(text) <= most // 2 or len(text.encode("utf-16-le")) <= 2 * most:
        return text
    end = f"\n… còn nữa; xem đầy đủ trên bảng theo dõi. {context.board_url}\nMã thông báo: {message.id}"
    room = most - len(end.encode("utf-16-le")) // 2
    return text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore") + end


def _actions(lines: tuple[Line, ...], *, still_open: bool, attended: bool) -> list[str]:
    """Return what PagerDuty is to do about one incident, in order; `attended`: all that is open is acknowledged."""
    if not still_open:
        return ["resolve"]
    news = any(line.reason != "acknowledged" for line in lines)
    return ["trigger"] * news + ["acknowledge"] * attended


def _event(action: str, dedup: str, summary: str, lines: tuple[Line, ...], context: Context) -> dict[str, Any]:
    event: dict[str, Any] = {"event_action": action, "dedup_key": dedup}
    if action != "trigger":
        return event
    grave = "critical" if any(line.now["severity"] == "critical" for line in lines) else lines[0].now["severity"]
    event["payload"] = {
        "summary": summary[:SUMMARY_MAX],
        "source": "lotrinh",
        "severity": grave,
        "timestamp": min(line.fired["at"] for line in lines),
        "component": lines[0].now["unit"] if len(lines) == 1 else lines[0].now["decision"],
        "group": lines[0].now["indicator"],
        "class": lines[0].now["kind"],
        "custom_details": {
            line.now["id"]: f"{context.names.unit(line.now['unit'])}: {line.now['reason']}" for line in lines[:200]
        },
    }
    links = {unit_url(context.board_url, line.now): context.names.unit(line.now["unit"]) for line in lines[:20]}
    if any(links):
        event["links"] = [{"href": href, "text": text} for href, text in links.items() if href]
    if context.board_url:
        event["client"], event["client_url"] = "lotrinh", context.board_url
    return event


def _summary(line: Line, names: Names) -> str:
    return f"{KIND[line.now['kind']]}: {names.unit(line.now['unit'])} – {line.now['reason']}"


def _of_cause(message: Message) -> bool:
    return all(line.now.get("group") == message.group for line in message.lines)


def _am_labels(line: Line) -> dict[str, str]:
    """Return labels that are the same at the beginning and at the end: they are the alert's identity."""
    return {"alertname": line.labels["kind"], **{k: v for k, v in sorted(line.labels.items()) if v and k != "kind"}}


def _annotations(line: Line, context: Context) -> dict[str, str]:
    now = line.now
    found = {
        "summary": _summary(line, context.names),
        "unit_name": context.names.unit(now["unit"]),
        "indicator_name": context.names.indicator(now["indicator"]),
        "reason": now["reason"],
        "transition_id": now["id"],
        "transition_number": str(line.number),
        "transition_status": now["status"],
        "numerator": str(now["numerator"]),
        "denominator": str(now["denominator"]),
        "target": now["target"] or "",
        "expected": now["expected"] or "",
        "shortfall": str(line.shortfall),
        "required_ratio": now["required_ratio"] or "",
    }
    if line.acknowledged:
        found["acknowledged"] = "true"
    return {name: value for name, value in found.items() if value}


def _common(maps: Iterable[Mapping[str, str]]) -> dict[str, str]:
    first, *rest = maps
    return {k: v for k, v in first.items() if all(m.get(k) == v for m in rest)}


def _bearer(message: Message, context: Context, content_type: str) -> dict[str, str]:
    token = context.config.secret(message.mailbox.receiver, "token")
    return {"Content-Type": content_type} | ({"Authorization": f"Bearer {token}"} if token else {})


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _later(at: str, hours: int) -> str:
    return (moment_of(at) + timedelta(hours=hours)).isoformat()
