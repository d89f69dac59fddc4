"""Sign-in, attacked: what is refused, in which words, and that nothing was done."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from models.access import Identity, pseudonym_of
from streams.desk.accounts import AccountsFile, hashed, make_link, read_accounts, read_key, take_link
from streams.desk.frame import COOKIE, HOME, IDLE_S, LONGEST_S
from streams.desk.sessions import ADDRESS_FAILURES_MAX, FAILURES_MAX, LOCKED_S, Failures, Sessions
from streams.errors import BadInput
from tests.desk.conftest import PASSWORD, alert, facts_of, nothing_sent

ALERT = alert("340")
FORMS = {
    "canh-bao/tiep-nhan": {"id": ALERT["id"]},
    "canh-bao/tat-tieng": {"id": ALERT["id"], "pham_vi": "unit", "den": "1d", "ly_do": "bảo trì"},
    "tat-tieng/ket-thuc": {"id": "s1"},
    "dang-xuat": {},
}
"""every form of somebody who has signed in"""


def test_nobody_sees_anything_without_sign_in(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            for path in ("canh-bao", "tat-tieng", "nhat-ky", "khong-co"):
                response = await browser.get(path)
                assert response.status == 303
                assert response.headers["Location"].startswith(f"{HOME}/dang-nhap?ve=")
                assert "340" not in browser.text
            for path in ("canh-bao/tiep-nhan", "canh-bao/tat-tieng", "tat-tieng/ket-thuc", "dang-xuat"):
                with nothing_sent(browser):
                    assert (await browser.post(path, id=ALERT["id"])).status == 303

    asyncio.run(play())


def test_the_cookie_is_for_this_host_alone_and_for_no_script(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            response = await browser.sign_in("vp")
            said = response.headers["Set-Cookie"]
            assert said.startswith(f"{COOKIE}=")
            assert COOKIE.startswith("__Host-")
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in said.split(";")}
            assert "Domain" not in said

    asyncio.run(play())


def test_a_session_that_somebody_else_has_fixed_is_not_taken_over(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            browser.cookie = fixed = "A" * 43
            assert (await browser.sign_in("vp")).status == 303
            assert browser.cookie != fixed
            first = browser.cookie
            await browser.sign_in("kt")
            assert browser.cookie != first
            browser.cookie = first
            assert (await browser.get("canh-bao")).status == 303, "the session before has ended"

    asyncio.run(play())


@pytest.mark.parametrize(
    ("name", "password"), [("vp", "sai mật khẩu rồi"), ("khong-co", PASSWORD), ("vp", ""), ("", "")]
)
def test_what_is_wrong_with_a_sign_in_is_not_said(at_desk: Any, name: str, password: str) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            response = await browser.sign_in(name, password)
            assert response.status == 403
            assert "Tài khoản hoặc mật khẩu không đúng." in browser.text
            assert not browser.cookie
            assert password not in browser.text or not password

    asyncio.run(play())


def test_who_tries_too_often_waits(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            for _ in range(FAILURES_MAX):
                assert (await browser.sign_in("vp", "sai mật khẩu rồi")).status == 403
            assert (await browser.sign_in("vp")).status == 429, "the right password, too"
            assert (await browser.sign_in("kt")).status == 303, "another account of the same office"
            browser.desk.clock.at += LOCKED_S + 1
            browser.cookie = ""
            assert (await browser.sign_in("vp")).status == 303

    asyncio.run(play())


def test_one_address_cannot_try_every_account() -> None:
    failures = Failures()
    for n in range(ADDRESS_FAILURES_MAX):
        failures.failed(f"a{n}", "192.0.2.1", 0.0)
    assert failures.locked("other", "192.0.2.1", 1.0)
    assert not failures.locked("other", "192.0.2.2", 1.0)


def test_a_session_ends_when_nobody_works_and_after_a_day_in_any_case(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            clock = browser.desk.clock
            await browser.sign_in("vp")
            clock.at += IDLE_S - 1
            assert (await browser.get("canh-bao")).status == 200
            clock.at += IDLE_S + 1
            assert (await browser.get("canh-bao")).status == 303
            with nothing_sent(browser):
                assert (await browser.post("canh-bao/tiep-nhan", id=ALERT["id"])).status == 303
            await browser.sign_in("vp")
            began = clock.at
            while clock.at < began + LONGEST_S:
                assert (await browser.get("canh-bao")).status == 200
                clock.at += IDLE_S / 2
            clock.at = began + LONGEST_S + 1
            assert (await browser.get("canh-bao")).status == 303

    asyncio.run(play())


def test_signing_out_everywhere_ends_the_sessions_of_this_account_alone(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT), 3) as (one, other, third):
            await one.sign_in("vp")
            await other.sign_in("vp")
            await third.sign_in("kt")
            assert (await one.post("dang-xuat", moi_noi="1")).status == 303
            assert (await other.get("canh-bao")).status == 303
            assert (await third.get("canh-bao")).status == 200

    asyncio.run(play())


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_a_form_of_another_page_is_refused(at_desk: Any, headers: dict[str, str]) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            await browser.sign_in("vp")
            fields = {"csrf": browser.csrf, "id": ALERT["id"]}
            with nothing_sent(browser):
                assert (await browser.ask("POST", f"{HOME}/canh-bao/tiep-nhan", fields, **headers)).status == 403
            assert (
                await browser.ask("POST", f"{HOME}/dang-nhap", {"tai-khoan": "vp", "mat-khau": PASSWORD}, **headers)
            ).status == 403

    asyncio.run(play())


@pytest.mark.parametrize("told", ["", "x", "của người khác"])
def test_a_form_without_the_sessions_own_token_is_refused(at_desk: Any, told: str) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT), 2) as (browser, other):
            await browser.sign_in("vp")
            await other.sign_in("vp")
            forged = other.csrf if told == "của người khác" else told
            with nothing_sent(browser):
                for path, fields in FORMS.items():
                    browser.csrf = forged
                    assert (await browser.post(path, **fields)).status == 403, path

    asyncio.run(play())


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        f"{HOME}/..//evil.example",
        "javascript:alert(1)",
        "/",
    ],
)
def test_a_sign_in_leads_nowhere_else(at_desk: Any, back: str) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            response = await browser.post("dang-nhap", tai_khoan="vp", mat_khau=PASSWORD, ve=back)
            assert response.headers["Location"] == f"{HOME}/canh-bao"

    asyncio.run(play())


def test_a_link_is_good_once(at_desk: Any, tmp_path: Path) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            token = make_link(browser.desk.links)
            assert (await browser.get(f"vao?ma={token}")).status == 200, "looking at it uses nothing up"
            assert (await browser.get(f"vao?ma={token}")).status == 200
            assert (await browser.post("vao", ma=token)).status == 303
            assert (await browser.get("canh-bao")).status == 200
            browser.cookie = ""
            assert (await browser.post("vao", ma=token)).status == 403
            assert (await browser.post("vao", ma="../key")).status == 403
            assert (await browser.post("vao", ma="")).status == 403

    asyncio.run(play())


def test_a_link_is_good_for_a_quarter_of_an_hour(tmp_path: Path) -> None:
    token = make_link(tmp_path / "links")
    [file] = (tmp_path / "links").iterdir()
    assert token not in file.name, "who may list the folder learns no token"
    assert file.stat().st_mode & 0o077 == 0
    os.utime(file, (time.time() - 1_000,) * 2)
    assert not take_link(tmp_path / "links", token)
    assert not file.exists()


def test_who_signs_out_is_out(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            await browser.sign_in("vp")
            kept = browser.cookie
            await browser.post("dang-xuat")
            browser.cookie = kept
            assert (await browser.get("canh-bao")).status == 303

    asyncio.run(play())


def test_every_answer_says_what_a_browser_may_do_with_it(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            for path in ("dang-nhap", "canh-bao", "khong-co"):
                headers = (await browser.get(path)).headers
                assert "default-src 'none'" in headers["Content-Security-Policy"]
                assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
                assert headers["Cache-Control"] == "no-store"
                assert headers["X-Content-Type-Options"] == "nosniff"
            assert (await browser.get("dang-nhap", Host="evil.example")).status == 421

    asyncio.run(play())


# -- what sign-in goes by ----------------------------------------------------------------------------------------------


def test_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.desk.sessions.SESSIONS_MAX", 3)
    sessions = Sessions(60, 600)
    who = Identity("p-000000000000", frozenset({"viewer"}), frozenset())
    ids = [sessions.begin(who, f"a{n}", 0.0) for n in range(5)]
    assert [sessions.of(one, 1.0) is not None for one in ids] == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[accounts.x]\npassword = 'x'\nroles = ['viewer']", "accounts.x.password"),
        ("[accounts.x]\npassword = '$argon2id$x'\nroles = ['king']", "accounts.x.roles"),
        ("[accounts.x]\npassword = '$argon2id$x'\nroles = []", "accounts.x.roles"),
        ("[accounts.x]\npassword = '$argon2id$x'\nroles = ['unit-head']", "units"),
        (
            "[accounts.x]\npassword = '$argon2id$x'\nroles = ['unit-head']\nunits = ['999999']",
            "no unit has the code 999999",
        ),
        ("[accounts.'Nguyễn Văn A']\npassword = '$argon2id$x'\nroles = ['viewer']", "accounts"),
        ("[accounts", "no TOML"),
    ],
)
def test_an_accounts_file_that_is_wrong_is_refused_in_one_sentence(
    tmp_path: Path, text: str, said: str, reading: Any
) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        read_accounts(file, reading.registry)
    assert str(file) in str(refused.value)
    assert said in str(refused.value)
    assert "$argon2id$" not in str(refused.value)


def test_a_password_is_long_and_kept_as_a_hash() -> None:
    with pytest.raises(BadInput):
        hashed("ngắn")
    one, other = hashed(PASSWORD), hashed(PASSWORD)
    assert one != other
    assert PASSWORD not in one


def test_the_key_of_pseudonyms_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = read_key(tmp_path / "desk" / "key")
    assert read_key(tmp_path / "desk" / "key") == key
    assert (tmp_path / "desk" / "key").stat().st_mode & 0o077 == 0
    assert pseudonym_of(key, "local", "vp") != pseudonym_of(b"k" * 32, "local", "vp")
    assert pseudonym_of(key, "a", "bc") != pseudonym_of(key, "ab", "c")


def test_all_accounts_of_the_tests_are_real(accounts: AccountsFile) -> None:
    assert set(accounts.accounts) == {"xem", "vp", "kt", "h340"}


def test_behind_a_proxy_who_tries_too_often_locks_out_nobody_else(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            fields = {"mat-khau": "sai mật khẩu rồi"}
            for n in range(ADDRESS_FAILURES_MAX):
                said = {**fields, "tai-khoan": f"khong-co-{n}"}
                await browser.ask("POST", f"{HOME}/dang-nhap", said, **{"X-Forwarded-For": "192.0.2.7"})
            right = {"tai-khoan": "vp", "mat-khau": PASSWORD}
            for address, status in (("192.0.2.7", 429), ("192.0.2.8", 303)):
                asked = await browser.ask("POST", f"{HOME}/dang-nhap", right, **{"X-Forwarded-For": address})
                assert asked.status == status, address

    asyncio.run(play())


def test_a_wrong_password_does_not_forget_where_the_sign_in_leads(at_desk: Any) -> None:
    async def play() -> None:
        async with at_desk(facts_of(ALERT)) as browser:
            back = f"{HOME}/canh-bao?tim=340"
            await browser.post("dang-nhap", tai_khoan="vp", mat_khau="sai mật khẩu rồi", ve=back)
            assert f'name="ve" value="{back}"' in browser.text
            response = await browser.post("dang-nhap", tai_khoan="vp", mat_khau=PASSWORD, ve=back)
            assert response.headers["Location"] == back

    asyncio.run(play())
