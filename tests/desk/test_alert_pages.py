"""The inbox and its acts: who sees what, what becomes a record, and that it is the command line's record."""

import asyncio
from typing import Any

import orjson
import pytest

from models.access import ACTS_AS, RIGHTS, Identity
from models.alerting.operator_actions import Role, parse_operator
from models.dossiers.events import Refused
from models.standings.completeness import Cause
from streams.broker import topics
from streams.desk.inbox import Filter, folded, items, narrowed
from streams.notify.texts import Names
from tests.desk.conftest import alert, facts_of, nothing_sent

OWN, COMMUNE, OTHER = alert("340"), alert("12688", 2, severity="critical"), alert("341", 3)


def test_a_head_of_a_unit_sees_its_own_and_what_is_below_it(at_desk: Any, reading: Any) -> None:
    home = reading.registry.home("12688")

    async def play() -> None:
        async with at_desk(facts_of(OWN, COMMUNE, OTHER)) as browser:
            await browser.sign_in("h340")
            assert OWN["reason"] in browser.text
            assert OTHER["reason"] not in browser.text
            assert (COMMUNE["reason"] in browser.text) == (home == "340")
            with nothing_sent(browser):
                assert (await browser.post("canh-bao/tiep-nhan", id=OTHER["id"])).status == 404
                assert (
                    await browser.post("canh-bao/tat-tieng", id=OWN["id"], pham_vi="unit", den="1d", ly_do="x")
                ).status == 403
                assert (await browser.get("nhat-ky")).status == 403
            assert (await browser.post("canh-bao/tiep-nhan", id=OWN["id"])).status == 303
            assert browser.sent[-1]["role"] == "unit-head"

    asyncio.run(play())


def test_an_acknowledgement_is_the_record_that_the_command_line_writes(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(OWN)) as browser:
            await browser.sign_in("vp")
            response = await browser.post("canh-bao/tiep-nhan", id=OWN["id"], ghi_chu="đang xử lý", den="3d")
            assert response.headers["Location"] == "/ban-lam-viec/canh-bao"
            [record] = browser.sent
            assert not isinstance(parse_operator(orjson.dumps(record)), Refused)
            assert (record["kind"], record["alert"], record["shortfall"]) == ("ack", OWN["id"], 7)
            assert record["until"] == "2024-06-13T08:00:00+07:00"
            assert record["role"] == "peoples-committee-office"
            assert record["by"].startswith("p-")
            await browser.get("canh-bao")
            assert "Đã ghi nhận tiếp nhận" in browser.text
            await browser.get("canh-bao")
            assert "Đã ghi nhận tiếp nhận" not in browser.text, "told once"

    asyncio.run(play())


def test_what_was_done_shows_at_once_everywhere(at_desk: Any) -> None:
    async def play() -> None:
        facts = facts_of(OWN, OTHER)
        async with at_desk(facts) as browser:
            await browser.sign_in("kt")
            await browser.post("canh-bao/tiep-nhan", id=OWN["id"], ghi_chu="đang xử lý")
            await browser.post("canh-bao/tat-tieng", id=OTHER["id"], pham_vi="unit", den="7d", ly_do="bảo trì")
            for record in browser.sent:
                facts.take(topics.OPERATORS, b"", orjson.dumps(record), ())
            await browser.get("canh-bao")
            assert "Đã tiếp nhận – bộ phận vận hành: đang xử lý" in browser.text
            assert "Tắt tiếng đến" in browser.text
            await browser.get("tat-tieng")
            assert "bảo trì" in browser.text
            assert (await browser.post("tat-tieng/ket-thuc", id=browser.sent[1]["id"])).status == 303
            assert browser.sent[-1]["kind"] == "unsilence"
            await browser.get("nhat-ky")
            assert browser.text.count(browser.sent[0]["by"]) >= 2

    asyncio.run(play())


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("canh-bao/tiep-nhan", {"ghi_chu": "gọi 0912345678"}, "số điện thoại"),
        ("canh-bao/tat-tieng", {"pham_vi": "unit", "den": "", "ly_do": "x"}, "--until"),
        ("canh-bao/tat-tieng", {"pham_vi": "unit", "den": "400d", "ly_do": "x"}, "92 ngày"),
        ("canh-bao/tat-tieng", {"pham_vi": "unit", "den": "1d", "ly_do": ""}, "không được để trống"),
    ],
)
def test_what_is_refused_is_said_in_vietnamese_and_nothing_is_done(
    at_desk: Any, path: str, fields: Any, said: str
) -> None:
    async def play() -> None:
        async with at_desk(facts_of(OWN)) as browser:
            await browser.sign_in("vp")
            with nothing_sent(browser):
                await browser.post(path, id=OWN["id"], **fields)
            await browser.get("canh-bao")
            assert "Không thực hiện được" in browser.text
            assert said in browser.text

    asyncio.run(play())


def test_a_viewer_looks_and_does_nothing(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(OWN)) as browser:
            await browser.sign_in("xem")
            assert OWN["reason"] in browser.text
            assert "Ghi nhận tiếp nhận" not in browser.text
            with nothing_sent(browser):
                assert (await browser.post("canh-bao/tiep-nhan", id=OWN["id"])).status == 403

    asyncio.run(play())


def test_what_an_alert_says_is_text_and_no_markup(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(alert("340", reason="<script>alert(1)</script>"))) as browser:
            await browser.sign_in("vp")
            assert "<script" not in browser.text
            assert "&lt;script&gt;" in browser.text
            await browser.get('canh-bao?tim="><img src=x>')
            assert "<img" not in browser.text

    asyncio.run(play())


def test_old_figures_are_said_to_be_old(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(OWN)) as browser:
            await browser.sign_in("vp")
            assert "đã cũ" not in browser.text
            browser.desk.reader.seen -= 60
            await browser.get("canh-bao")
            assert "số liệu dưới đây có thể đã cũ" in browser.text
            browser.desk.reader.facts = None
            await browser.get("canh-bao")
            assert "Đang đọc số liệu" in browser.text

    asyncio.run(play())


# -- the core ----------------------------------------------------------------------------------------------------------


def seen(reading: Any, *alerts: Any, who: Identity | None = None) -> Any:
    who = who or Identity("p-000000000000", frozenset({"office"}), frozenset())
    return items(facts_of(*alerts), reading, Names(reading), who, "2024-06-10T08:00:00+07:00")


def test_the_gravest_come_first_and_of_one_gravity_those_who_lack_most(reading: Any) -> None:
    found = seen(
        reading, alert("340", 1, shortfall=3), alert("341", 2, shortfall=9), alert("342", 3, severity="critical")
    )
    assert [item.unit for item in found] == ["342", "341", "340"]


def test_an_alert_that_has_ended_is_gone(reading: Any) -> None:
    assert seen(reading, OWN, {**OWN, "status": "resolved", "id": "later"}) == []


@pytest.mark.parametrize("text", ["tai nguyen", "TÀI NGUYÊN", "34.so-tai-nguyen"])
def test_search_needs_no_marks(reading: Any, text: str) -> None:
    unit = next(code for code in reading.registry.units if code.startswith("34.so-tai-nguyen"))
    found = seen(reading, alert(unit), OWN)
    assert [item.unit for item in narrowed(found, Filter(text=text))] == [unit]


def test_a_filter_takes_nothing_that_it_does_not_know() -> None:
    assert Filter.of({"muc": "king", "nhom": "x", "xu-ly": "y"}) == Filter()
    assert folded("Đắk Lắk") == "dak lak"


def test_whoever_may_act_acts_as_an_office_that_records_know() -> None:
    from typing import get_args

    assert set(ACTS_AS.values()) <= set(get_args(Role))
    for role, rights in RIGHTS.items():
        who = Identity("p-000000000000", frozenset({role}), frozenset({"340"}))
        for right in rights - {"see", "audit"}:
            assert who.acts_as(right) == ACTS_AS[role]
        if "silence" not in rights:
            with pytest.raises(ValueError, match="silence"):
                who.acts_as("silence")


def test_what_is_missing_from_the_figures_is_said_on_every_page(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(OWN)) as browser:
            await browser.sign_in("vp")
            browser.desk.causes = lambda: [
                Cause("no-owner", "lotrinh.unit.tallies", 1, "2024-06-10T07:00:00+07:00", 12)
            ]
            for path in ("canh-bao", "tat-tieng", "nhat-ky"):
                await browser.get(path)
                assert "Số liệu chưa đầy đủ" in browser.text, path
            browser.desk.causes = list
            await browser.get("canh-bao")
            assert "Số liệu chưa đầy đủ" not in browser.text

    asyncio.run(play())
