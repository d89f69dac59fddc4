"""What receivers get: golden files, public formats, parsers that are not ours.

`LOTRINH_GOLDEN=write` writes the golden files anew; look at the difference before it is committed.
"""

import email
import email.policy
import json
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from models.alerting.operator_actions import Operators, merged, parse_operator
from models.notification.outbox import UNDELIVERED, Message, Undelivered
from models.notification.routing import Mailbox
from streams.files.decision_files import read_reading
from streams.notify import payloads
from streams.notify.config import Config, read_config
from streams.notify.payloads import Context, Request
from streams.notify.sending import mail_of
from streams.notify.texts import Names, render, unit_url
from streams.settings import Settings
from tests.notices import Delivery, transition

DATA = Path(__file__).parents[2] / "data"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the tests
RECEIVERS = ("hook", "am-hook", "am", "pd", "ce", "mail", "chat")
NAMES = Names(read_reading(Settings()))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("receivers")
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "key").write_text("R" * 32)
    file = folder / "receivers.toml"
    file.write_text(
        """
        board_url = "https://lotrinh.example/"
        receivers.hook = { type = "webhook", url = "https://hook.example/in", secret_file = "secret", digest_at = "07:30" }
        receivers.am-hook = { type = "alertmanager-webhook", url = "https://hook.example/am" }
        receivers.am = { type = "alertmanager", url = "https://am.example" }
        receivers.pd = { type = "pagerduty", url = "https://pd.example/v2/enqueue", routing_key_file = "key" }
        receivers.ce = { type = "cloudevents", url = "https://ce.example" }
        receivers.mail = { type = "email", host = "mail.example", port = 587, from = "lotrinh@example.vn", to = ["vp@example.vn"], digest_at = "07:30" }
        receivers.chat = { type = "apprise", url_file = "key" }
        [[routes]]
        role = "department-in-charge"
        receivers = ["hook", "am-hook", "am", "pd", "ce", "mail", "chat"]
        """
    )
    return read_config(file)


def messages(config: Config, name: str, kind: str) -> Message:
    """A message to a receiver: of several alerts, of one cause, or a digest."""
    delivery = Delivery(config.plan)
    for box in RECEIVERS:  # this morning's digest is out
        delivery.outbox.restore(
            f"box/{box}", {"sending": False, "failures": 0, "retry_at": 0.0, "digest": "2024-06-05"}
        )
    if kind == "cause":
        for unit in ("12688", "12691"):
            delivery.publish(
                transition(unit=unit, cause="target-step", group="thai-binh-2024/online-dossiers/target-step")
            )
        return next(m for m in delivery.tell() if m.mailbox.receiver == name)
    delivery.publish(transition(unit="12691"))
    delivery.publish(transition(unit="12694"))
    delivery.tell()
    delivery.publish(transition())
    gap = {"kind": "completeness-gap", "indicator": "online-dossiers", "severity": "critical", "missing": 22}
    delivery.publish(transition(unit="340", dossiers=["H34-1", "H34-2"], **gap))  # type: ignore[arg-type]
    later = {"at": "2024-06-05T16:59:00+07:00", "numerator": 60, "denominator": 110, "shortfall": 0}
    delivery.publish(transition("resolved", unit="12691", reason="Đã trở lại lộ trình: 54,54 % (60/110).", **later))  # type: ignore[arg-type]
    late = "Dữ liệu đến muộn hoặc được sửa: khi cảnh báo là 40/100, nay cũng thời điểm đó là 55/110."
    delivery.publish(transition("retracted", unit="12694", reason=late, **later))  # type: ignore[arg-type]
    now = "2024-06-05T17:00:00+07:00" if kind == "several" else "2024-06-06T07:30:00+07:00"
    return next(m for m in delivery.tell(now) if m.mailbox.receiver == name)


def context(config: Config) -> Context:
    return Context(config, NAMES, looked_at=1_703)


def made(config: Config, name: str, kind: str) -> list[Request]:
    message = messages(config, name, kind)
    if name == "hook":
        return payloads.webhook(message, context(config), int(time.time()))
    make = {
        "am-hook": payloads.alertmanager_webhook,
        "am": payloads.alertmanager,
        "pd": payloads.pagerduty,
        "ce": payloads.cloud_event,
    }[name]
    return make(message, context(config))


def golden(name: str, text: str) -> None:
    file = DATA / "golden" / name
    if os.environ.get("LOTRINH_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def schema(name: str) -> Any:
    return json.loads((DATA / "schemas" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["several", "cause"])
@pytest.mark.parametrize("name", ["hook", "am-hook", "am", "pd", "ce"])
def test_bodies_are_those_of_the_golden_files(config: Config, name: str, kind: str) -> None:
    bodies = [orjson.loads(request.body) for request in made(config, name, kind)]

    golden(f"{name}-{kind}.json", orjson.dumps(bodies, option=orjson.OPT_INDENT_2).decode() + "\n")


@pytest.mark.parametrize("kind", ["several", "cause", "digest"])
def test_texts_are_those_of_the_golden_files(config: Config, kind: str) -> None:
    rendered = render(messages(config, "mail", kind), NAMES, config.board_url, looked_at=1_703)

    golden(f"mail-{kind}.txt", f"{rendered.subject}\n\n{rendered.text}")
    golden(f"mail-{kind}.html", rendered.html)


@pytest.mark.parametrize("kind", ["several", "cause"])
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("am-hook", "alertmanager-webhook-4.json"),
        ("am", "alertmanager-v2-alerts.json"),
        ("pd", "pagerduty-events-2.json"),
    ],
)
def test_bodies_hold_to_the_public_format(config: Config, name: str, file: str, kind: str) -> None:
    for request in made(config, name, kind):
        jsonschema.validate(orjson.loads(request.body), schema(file))


def test_a_signature_is_verified_by_another_library(config: Config) -> None:
    (request,) = made(config, "hook", "several")
    Webhook(SECRET).verify(request.body, dict(request.headers))

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(request.body, dict(request.headers))


def test_a_cloud_event_is_read_by_another_library(config: Config) -> None:
    (request,) = made(config, "ce", "several")
    event = from_http_event(HTTPMessage(dict(request.headers), request.body))

    assert event.get_specversion() == "1.0"
    assert event.get_type() == "vn.lotrinh.alerts.changed.v1"
    assert event.get_time() == datetime.fromisoformat("2024-06-05T17:00:00+07:00")
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["message"] == event.get_id()


def test_alertmanager_sees_one_alert_from_its_beginning_to_its_end(config: Config) -> None:
    delivery = Delivery(config.plan)
    ctx = context(config)
    delivery.publish(transition(cause="target-step"))
    first = next(m for m in delivery.tell() if m.mailbox.receiver == "am")
    delivery.publish(transition("resolved", at="2024-06-05T10:00:00+07:00"))
    last = next(m for m in delivery.tell("2024-06-05T10:01:00+07:00") if m.mailbox.receiver == "am")
    begin, end = (orjson.loads(payloads.alertmanager(m, ctx)[0].body)[0] for m in (first, last))

    assert begin["labels"] == end["labels"]
    assert begin["startsAt"] == end["startsAt"]
    assert (begin["endsAt"], end["endsAt"]) == ("2024-06-08T09:00:00+07:00", "2024-06-05T10:00:00+07:00")


def test_pagerduty_resolves_one_cause_when_its_last_alert_has_ended(config: Config) -> None:
    delivery = Delivery(config.plan)
    cause = {"cause": "target-step", "group": "g"}
    actions = []
    for made_ in (
        [transition(**cause), transition(unit="12691", **cause)],  # type: ignore[arg-type]
        [transition("resolved", group="g")],
        [transition("resolved", unit="12691", group="g")],
    ):
        for t in made_:
            delivery.publish(t)
        message = next(m for m in delivery.tell() if m.mailbox.receiver == "pd")
        (event,) = (orjson.loads(r.body) for r in payloads.pagerduty(message, context(config)))
        actions.append((event["event_action"], event["dedup_key"]))

    assert [a for a, _ in actions] == ["trigger", "trigger", "resolve"]
    assert len({key for _, key in actions}) == 1


def test_a_mail_has_vietnamese_text_and_html_and_keeps_its_id(config: Config) -> None:
    message = messages(config, "mail", "digest")
    receiver = config.receivers["mail"]
    mail = mail_of(receiver, ["vp@example.vn"], message, context(config))  # type: ignore[arg-type]  # it is one
    read = email.message_from_bytes(mail.as_bytes(), policy=email.policy.default)
    plain, html = (read.get_body((kind,)) for kind in ("plain", "html"))

    assert plain is not None
    assert html is not None
    assert "Bản tin" in read["Subject"]
    assert "Thị trấn Đông Hưng" in plain.get_content()
    assert "Thị trấn Đông Hưng" in html.get_content()
    assert read["Message-ID"] == f"<{message.id}@example.vn>"
    assert max(map(len, mail.as_bytes().splitlines())) <= 998


def test_html_escapes_what_a_record_says(config: Config) -> None:
    delivery = Delivery(config.plan)
    delivery.publish(transition(unit="<script>", reason="<b>&"))
    message = next(m for m in delivery.tell() if m.mailbox.receiver == "mail")

    assert "<script>" not in render(message, NAMES, None).html
    assert "&lt;b&gt;&amp;" in render(message, NAMES, None).html


def acknowledged(*fired: Mapping[str, Any]) -> Operators:
    """What holds once an operator has taken these alerts on."""
    common = {"kind": "ack", "at": "2024-06-05T09:01:00+07:00", "role": "unit-head", "reason": "đã tiếp nhận"}
    said = [
        {"id": f"a{n}", "fingerprint": t["fingerprint"], "alert": t["id"], "severity": "warning", "shortfall": 10}
        for n, t in enumerate(fired)
    ]
    return merged(parse_operator(orjson.dumps(common | record)) for record in said)  # type: ignore[misc]  # all right


def told_to_pagerduty(config: Config, delivery: Delivery, now: str, **said: Any) -> list[dict[str, Any]]:
    """Every event of the messages that are due, each as the public format has it."""
    found = [m for m in delivery.tell(now, **said) if m.mailbox.receiver == "pd"]
    events = [orjson.loads(r.body) for m in found for r in payloads.pagerduty(m, context(config))]
    for event in events:
        jsonschema.validate(event, schema("pagerduty-events-2.json"))
    return events


def test_pagerduty_is_told_of_an_acknowledgement_once_under_the_key_of_the_alert(config: Config) -> None:
    delivery = Delivery(config.plan)
    delivery.publish(transition())
    seen = acknowledged(transition())
    told = [
        told_to_pagerduty(config, delivery, "2024-06-05T09:00:00+07:00"),
        told_to_pagerduty(config, delivery, "2024-06-05T09:02:00+07:00", operators=seen),
        told_to_pagerduty(config, delivery, "2024-06-05T09:03:00+07:00", operators=seen),
    ]

    assert [[e["event_action"] for e in events] for events in told] == [["trigger"], ["acknowledge"], []]
    assert {e["dedup_key"] for events in told for e in events} == {transition()["fingerprint"]}
    golden("pd-acknowledged.json", orjson.dumps(told[1], option=orjson.OPT_INDENT_2).decode() + "\n")


def test_a_cause_is_acknowledged_at_pagerduty_once_all_its_open_alerts_are(config: Config) -> None:
    delivery = Delivery(config.plan)
    cause = {"cause": "target-step", "group": "g"}
    one, two, three = (transition(unit=unit, **cause) for unit in ("12688", "12691", "12694"))  # type: ignore[arg-type]
    for t in (one, two, three):
        delivery.publish(t)
    at = "2024-06-05T09:{:02d}:00+07:00".format
    told = [
        told_to_pagerduty(config, delivery, at(0)),
        told_to_pagerduty(config, delivery, at(2), operators=acknowledged(one)),
        told_to_pagerduty(config, delivery, at(3), operators=acknowledged(one, two)),
    ]
    delivery.publish(transition("resolved", unit="12694", group="g", at=at(4)))
    told.append(told_to_pagerduty(config, delivery, at(5), operators=acknowledged(one, two)))

    assert [[e["event_action"] for e in events] for events in told] == [
        ["trigger"], [], [], ["trigger", "acknowledge"],
    ]  # fmt: skip
    assert len({e["dedup_key"] for events in told for e in events}) == 1
    delivery.publish(transition(unit="12700", **cause, at=at(6)))  # type: ignore[arg-type]
    later = told_to_pagerduty(config, delivery, at(7), operators=acknowledged(one, two))
    assert [e["event_action"] for e in later] == ["trigger"]


def test_engineers_read_which_address_hears_nothing_and_why(config: Config) -> None:
    late = Undelivered("don-vi@12688", "2024-06-05T09:00:00+07:00", "SMTP 450 at RCPT", 1_200, given_up=False)
    gone = Undelivered("mail@#0a1b2c", "2024-06-05T09:30:00+07:00", "SMTP 550 at RCPT", 0, given_up=True)
    box = Mailbox("hook")
    message = Message("m" * 32, box, "2024-06-06T09:00:00+07:00", UNDELIVERED, {}, (), 0, undelivered=(late, gone))

    mail = render(message, NAMES, config.board_url)
    assert mail.subject == "[Lộ trình] Chưa gửi được thông báo tới 2 nơi nhận"
    assert "• don-vi@12688: còn 1.200 cảnh báo chưa gửi được; từ 09:00 05/06/2024; " in mail.text
    assert "• mail@#0a1b2c: nơi nhận từ chối; thông báo bị từ chối không được gửi lại; từ 09:30 05/06/2024" in mail.text
    assert "<p>• mail@#0a1b2c" in mail.html
    (hook,) = payloads.webhook(message, context(config), 1)
    data = json.loads(hook.body)["data"]
    assert [one["mailbox"] for one in data["undelivered"]] == ["don-vi@12688", "mail@#0a1b2c"]
    again = message._replace(undelivered=(), recovered=("don-vi@12688",))
    assert "Đã gửi lại được: don-vi@12688." in render(again, NAMES, None).text


@pytest.mark.parametrize("board_url", ["https://lotrinh.example/", "https://lotrinh.example/?theme=light"])
def test_every_alert_of_a_unit_links_to_its_page_and_no_other_does(board_url: str) -> None:
    page = "https://lotrinh.example/?board=thai-binh-2024&unit=340/communes"
    assert unit_url(board_url, transition(unit="340/communes")) == page
    assert unit_url(None, transition()) == ""
    for kind in ("source-silent", "data-quality"):
        assert unit_url(board_url, transition(kind=kind)) == ""


def test_a_chat_gets_what_fits_and_is_told_that_more_is_on_the_wall(config: Config) -> None:
    delivery = Delivery(config.plan)
    for unit in ("12688", "12691", "12694", "12697", "12700", "12703", "12706", "12709"):
        delivery.publish(transition(unit=unit))
    message = next(m for m in delivery.tell() if m.mailbox.receiver == "ce")
    (request,) = payloads.zalo(message, context(config), "7")
    text = json.loads(request.body)["message"]["text"]

    assert len(text.encode("utf-16-le")) // 2 == payloads.ZALO_MAX
    assert text.endswith(f"xem đầy đủ trên bảng theo dõi. https://lotrinh.example/\nMã thông báo: {message.id}")
