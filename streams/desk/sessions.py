"""Who is signed in, and who has tried too often: kept in memory, so that a restart signs everybody out.

A session's id is known to the browser alone; here its hash is the key. Time is told by the caller, in seconds.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from models.access import Identity

SESSIONS_MAX: Final = 10_000
"""Sessions at a time; beyond it the one that was idle longest ends."""
FAILURES_MAX: Final = 5
"""wrong passwords of one account in a row, after which it is locked"""
ADDRESS_FAILURES_MAX: Final = 20
"""likewise of one address, whatever accounts it tries"""
LOCKED_S: Final = 900.0
"""seconds for which an account or an address is locked, and after which its failures are forgotten"""
NOTED_MAX: Final = 20_000
"""accounts and addresses whose failures are noted at a time"""


@dataclass
class Session:
    """One browser that is signed in."""

    identity: Identity
    account: str
    """what ``sign out everywhere`` goes by; never shown"""
    csrf: str
    began: float
    seen: float


def _key(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()


class Sessions:
    """Sessions by the hash of their ids."""

    def __init__(self, idle_s: float, longest_s: float) -> None:
        """Give after how many seconds without a request, and after how many in all, a session ends."""
        self._idle_s = idle_s
        self._longest_s = longest_s
        self._open: OrderedDict[str, Session] = OrderedDict()

    def begin(self, identity: Identity, account: str, now: float) -> str:
        """Return the id of a new session: always a new one, so that nobody can fix it beforehand."""
        session_id = secrets.token_urlsafe(32)
        self._open[_key(session_id)] = Session(identity, account, secrets.token_urlsafe(32), now, now)
        while len(self._open) > SESSIONS_MAX:
            self._open.popitem(last=False)
        return session_id

    def of(self, session_id: str, now: float) -> Session | None:
        """Return an open session, which is now seen; None where it has ended or never was."""
        key = _key(session_id)
        found = self._open.get(key)
        if found is None:
            return None
        if now - found.seen > self._idle_s or now - found.began > self._longest_s:
            del self._open[key]
            return None
        found.seen = now
        self._open.move_to_end(key)
        return found

    def end(self, session_id: str) -> None:
        """End one session."""
        self._open.pop(_key(session_id), None)

    def end_all(self, account: str) -> int:
        """End every session of an account; return how many there were."""
        ended = [key for key, session in self._open.items() if session.account == account]
        for key in ended:
            del self._open[key]
        return len(ended)


def is_csrf(session: Session, told: str) -> bool:
    """Tell whether a form carries the session's own token."""
    return hmac.compare_digest(session.csrf.encode(), told.encode())


class Failures:
    """Failed sign-ins by account and by address; too many lock either for a while."""

    def __init__(self) -> None:
        """Begin with none."""
        self._noted: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def locked(self, account: str, address: str, now: float) -> bool:
        """Tell whether the account or the address has failed too often."""
        return (
            self._count(("account", account), now) >= FAILURES_MAX
            or self._count(("address", address), now) >= ADDRESS_FAILURES_MAX
        )

    def failed(self, account: str, address: str, now: float) -> None:
        """Note a failure."""
        for key in (("account", account), ("address", address)):
            self._noted[key] = self._count(key, now) + 1, now
            self._noted.move_to_end(key)
        while len(self._noted) > NOTED_MAX:
            self._noted.popitem(last=False)

    def succeeded(self, account: str) -> None:
        """Forget an account's failures; those of the address stay."""
        self._noted.pop(("account", account), None)

    def _count(self, key: tuple[str, str], now: float) -> int:
        count, last = self._noted.get(key, (0, 0.0))
        return count if now - last <= LOCKED_S else 0
