"""Reports at the desk: which periods there are, what a download is, and that what was seen is what is frozen."""

import asyncio
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from models.decisions.reading import Reading
from models.reporting.closed_period import Closing
from models.standings.completeness import Cause
from streams.desk.report_pages import check_of, period_rows
from streams.errors import Incomplete
from streams.feeds.simulate import Simulation, simulate
from streams.reports import sources
from tests.desk.conftest import alert, facts_of

NOW = "2024-07-10T08:00:00+07:00"
JUNE = "2024-06"


@pytest.fixture(scope="module")
def events(reading: Reading, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("events") / "events.jsonl"
    file.write_bytes(b"".join(line + b"\n" for line in simulate(reading, Simulation(400, 5))))
    return file


class Books:
    """What there is to report on, and the closings so far; causes of incompleteness where a test says so."""

    def __init__(self, events: Path) -> None:
        self.events = events
        self.closings: list[Closing] = []
        self.causes: list[Cause] = []

    def source(self, settings: Any, reading: Any, _wait: Any, say: Any, *, allow_incomplete: bool) -> sources.Source:
        if self.causes and not allow_incomplete:
            raise Incomplete(self.causes)
        found = sources.offline(reading, self.events, None, date(2024, 12, 31), say, settings)
        return sources.Source(found.known, self.closings, None, [])


def at(browser: Any, books: Books) -> None:
    desk = browser.desk
    desk.source, desk.closings = books.source, lambda _: books.closings
    desk.close = lambda _, closing: books.closings.append(closing)


def test_periods_say_whether_they_are_over_and_closed(reading: Reading) -> None:
    rows = {row.label: row for row in period_rows(reading, [], NOW)}
    assert (rows[JUNE].state, rows[JUNE].is_over) == ("Chưa chốt", True)
    assert (rows["2024-07"].state, rows["2024-Q2"].is_over) == ("Đang diễn ra", True)
    assert "2024-08" not in rows, "it has not begun"
    assert not any(label.startswith("2023") for label in rows)


def test_a_month_is_closed_as_it_was_seen(at_desk: Any, events: Path) -> None:
    books = Books(events)

    async def play() -> None:
        async with at_desk(facts_of(alert("340"), clock=NOW)) as browser:
            at(browser, books)
            await browser.sign_in("vp")
            assert (await browser.get("bao-cao")).status == 200
            assert f"chot?ky={JUNE}" in browser.text
            assert "chot?ky=2024-07" not in browser.text, "it goes on"
            assert (await browser.get(f"bao-cao/chot?ky={JUNE}")).status == 200
            check = browser.text.partition('name="kiem" value="')[2].partition('"')[0]
            assert len(check) == 32
            changed = await browser.post("bao-cao/chot", ky=JUNE, kiem="0" * 32)
            assert (changed.status, books.closings) == (200, [])
            assert "Số liệu vừa thay đổi" in browser.text
            assert (await browser.post("bao-cao/chot", ky=JUNE, kiem=check)).status == 303
            [closing] = books.closings
            assert check_of(closing) == check
            await browser.get("bao-cao")
            assert "Đã chốt" in browser.text
            assert f"chot?ky={JUNE}" not in browser.text
            again = await browser.post("bao-cao/chot", ky=JUNE, kiem=check)
            assert (again.status, len(books.closings)) == (409, 1), "closing once more needs a reason"

    asyncio.run(play())


@pytest.mark.parametrize("name", ["xem", "kt", "h340"])
def test_nobody_else_closes(at_desk: Any, events: Path, name: str) -> None:
    books = Books(events)

    async def play() -> None:
        async with at_desk(facts_of(alert("340"), clock=NOW)) as browser:
            at(browser, books)
            await browser.sign_in(name)
            await browser.get("bao-cao")
            assert "chot?ky" not in browser.text
            assert (await browser.get(f"bao-cao/chot?ky={JUNE}")).status == 403
            assert (await browser.post("bao-cao/chot", ky=JUNE, kiem="x")).status == 403
            assert books.closings == []

    asyncio.run(play())


def test_a_report_is_the_file_that_the_command_writes(at_desk: Any, events: Path) -> None:
    async def play() -> None:
        async with at_desk(facts_of(alert("340"), clock=NOW)) as browser:
            at(browser, Books(events))
            await browser.sign_in("xem")
            response, body = await browser.fetch(f"bao-cao/tai?ky={JUNE}&dang=xlsx")
            assert (
                response.headers["Content-Disposition"] == f'attachment; filename="bao-cao-thai-binh-2024-{JUNE}.xlsx"'
            )
            assert load_workbook(io.BytesIO(body)).sheetnames
            for wrong in (f"ky={JUNE}&dang=exe", "ky=x&dang=pdf", "ky=&dang=pdf", "ky=../../etc&dang=pdf"):
                assert (await browser.get(f"bao-cao/tai?{wrong}")).status == 404, wrong

    asyncio.run(play())


def test_what_is_missing_is_said_before_a_report_is_had(at_desk: Any, events: Path) -> None:
    books = Books(events)
    books.causes = [Cause("behind", "dossier.submitted", 1, "2024-07-10T01:00:00+07:00", 12)]

    async def play() -> None:
        async with at_desk(facts_of(alert("340"), clock=NOW)) as browser:
            at(browser, books)
            await browser.sign_in("vp")
            assert (await browser.get(f"bao-cao/tai?ky={JUNE}&dang=pdf")).status == 409
            assert "Số liệu chưa đầy đủ" in browser.text
            assert "thieu=1" in browser.text
            assert (await browser.fetch(f"bao-cao/tai?ky={JUNE}&dang=pdf&thieu=1"))[1].startswith(b"%PDF")
            assert (await browser.get(f"bao-cao/chot?ky={JUNE}")).status == 409
            assert "thieu=1" not in browser.text, "what is incomplete is not frozen here"

    asyncio.run(play())
