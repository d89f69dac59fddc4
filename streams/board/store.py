"""The boards in Redis: names of keys, and the two scripts through which alone they are written."""

import random
import re
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import AskError, AuthenticationError, ClusterError, NoPermissionError, ResponseError

from streams.board.records import AlertFact, RowFact
from streams.broker.formats import check_board
from streams.broker.tls import context_of, meaning, redis_files
from streams.errors import BadInput
from streams.files.tables import read_text
from streams.settings import Settings

LOG_ENTRIES_KEPT: Final = 4096
LOG_ENTRY_BYTES_MAX: Final = 128 << 10
"""Bytes of rows in one entry at most; with the log's length it bounds the log's memory."""
TRANSITIONS_KEPT: Final = 200
BOARDS_MAX: Final = 64
"""decisions followed at once: a typo in a key must not make boards without end"""


BACKOFF_S: Final = (0.5, 15.0)


def backoff_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row: full jitter, so that nobody retries in step."""
    first, most = BACKOFF_S
    return random.uniform(0.1, min(most, first * 2 ** min(failures, 10)))  # noqa: S311 - no secret


class BoardKeys(NamedTuple):
    """The keys of one board. One hash tag, so that a script may touch all of them on a cluster."""

    state: str
    versions: str
    """Key of the versions, those of removed rows included, so that no older row returns."""
    meta: str
    log: str
    alerts: str
    marks: str
    """fingerprint → position of its latest transition in Kafka"""
    recent: str


def board_keys(prefix: str, board: str) -> BoardKeys:
    """Return the names of a board's keys.

    >>> board_keys("lotrinh.", "lak-2022").state
    'lotrinh.{board:lak-2022}:state'
    """
    return BoardKeys(*(f"{prefix}{{board:{board}}}:{name}" for name in BoardKeys._fields))


def index_key(prefix: str) -> str:
    """Return the key of the set of boards."""
    return f"{prefix}boards"


def position_field(topic: str, partition: int) -> str:
    """Return the field of a board's meta that says up to where a Kafka partition has been applied.

    >>> position_field("standings", 3)
    'position:standings:3'
    """
    return f"position:{topic}:{partition}"


_SENTINEL_SCHEMES: Final = ("redis+sentinel", "rediss+sentinel")
_ADDRESS_FORMS: Final = (
    "redis://[user:password@]host:port[/db], rediss:// for TLS, or "
    "redis+sentinel://[user:password@]host:port,host:port/master[/db]"
)


def connect(settings: Settings) -> "Redis":
    """Return a client of the settings' Redis; nothing is connected yet. Raises BadInput where none is known.

    Retries are the callers' business: each knows what has to be done again.
    """
    if settings.redis is None:
        raise BadInput("no Redis is known: set LOTRINH_REDIS, or start one with `lotrinh up`")
    options: dict[str, Any] = {
        "socket_timeout": 5.0,
        "socket_connect_timeout": 3.0,
        "health_check_interval": 15,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": False,
    }
    if settings.redis_password_file is not None:
        options["password"] = read_text(settings.redis_password_file).strip()
    url = settings.redis.get_secret_value()
    if url.partition("://")[0] in _SENTINEL_SCHEMES:
        return _of_sentinels(url, options | _tls(settings, encrypted=url.startswith("rediss")))
    try:
        return Redis.from_url(url, **options, **_tls(settings, encrypted=url.startswith("rediss:")))
    except ValueError as exc:
        raise BadInput(f"LOTRINH_REDIS is no address: expected {_ADDRESS_FORMS}") from exc


def _tls(settings: Settings, *, encrypted: bool) -> dict[str, Any]:
    """Return the options of TLS. Raises BadInput for files that are wrong, and for files that nobody would read."""
    files = redis_files(settings)
    if not encrypted:
        if files.ca is not None or files.cert is not None:
            raise BadInput("LOTRINH_REDIS_CA_FILE and …_CERT_FILE are for TLS: begin LOTRINH_REDIS with rediss://")
        return {}
    context_of(files)  # says what is wrong with them; the client makes its own
    found = {
        "ssl_ca_certs": files.ca,
        "ssl_certfile": files.cert,
        "ssl_keyfile": files.key,
        "ssl_password": None if files.key_password is None else read_text(files.key_password).strip(),
    }
    return {name: str(value) for name, value in found.items() if value is not None} | {"ssl_check_hostname": True}


class _OfSentinels(Redis):
    """A client that also ends its connections to the sentinels."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001 - the client's own
        """End all connections."""
        await super().aclose(close_connection_pool)
        for sentinel in cast("Any", self.connection_pool).sentinel_manager.sentinels:
            await sentinel.aclose()


def _of_sentinels(url: str, options: dict[str, Any]) -> "Redis":
    """Return a client that asks sentinels for the master each time it connects. Raises BadInput for another form."""
    parsed = urlsplit(url)
    hosts = parsed.netloc.rpartition("@")[2]
    name, _, db = parsed.path.strip("/").partition("/")
    sentinels = []
    for server in hosts.split(","):
        host, _, port = server.rpartition(":")
        if not host or not port.isdecimal():
            raise BadInput(f"LOTRINH_REDIS: a sentinel is host:port; expected {_ADDRESS_FORMS}")
        sentinels.append((host.strip("[]"), int(port)))
    if not name or (db and not db.isdecimal()):
        raise BadInput(f"LOTRINH_REDIS names no master; expected {_ADDRESS_FORMS}")
    if parsed.scheme.startswith("rediss"):
        options["ssl"] = True
    if parsed.password:
        options.setdefault("password", unquote(parsed.password))
    if parsed.username:
        options["username"] = unquote(parsed.username)
    own = {k: v for k, v in options.items() if k.startswith(("ssl", "socket"))}
    asked = Sentinel(sentinels, sentinel_kwargs=own)  # type: ignore[no-untyped-call]
    return cast("Redis", asked.master_for(name, redis_class=_OfSentinels, db=int(db or 0), **options))


_LACKS: Final = re.compile(
    r"no permissions? to run the '([\w|]+)' command|can't run this command|EXEC without (MULTI)", re.IGNORECASE
)


_MEANS: Final[Iterable[tuple[tuple[type[Exception], ...], str]]] = (
    (
        (AskError, ClusterError),
        "it is a Redis Cluster, which the boards do not use: give them one server, or sentinels (LOTRINH_REDIS)",
    ),
    ((MasterNotFoundError,), "no sentinel knows a master of that name that is up (LOTRINH_REDIS)"),
    ((AuthenticationError,), "the user or the password is refused (LOTRINH_REDIS, LOTRINH_REDIS_PASSWORD_FILE)"),
)


def why(exc: Exception) -> str:
    """Return why Redis failed us, naming the right that is missing; never what a command carried.

    >>> why(NoPermissionError("User b has no permissions to run the 'time' command"))
    'this user lacks the right +time (deploy/users.acl)'
    >>> why(NoPermissionError("No permissions to access a key"))
    'this user has no right to a key of the boards (deploy/users.acl names them: ~…)'
    >>> why(ConnectionRefusedError())
    'ConnectionRefusedError'
    """
    if (told := meaning(exc, "LOTRINH_REDIS")) is not None:
        return f"it {told}"
    for kinds, text in _MEANS:
        if isinstance(exc, kinds):
            return text
    if isinstance(exc, ResponseError) and (lacks := _LACKS.search(str(exc))):
        # Redis 7 does not say which command of a script it refused; a refused MULTI shows in its EXEC alone.
        right = f"+{lacks[1] or lacks[2].lower()}" if lacks.lastindex else "to a command of the boards' scripts"
        return f"this user lacks the right {right} (deploy/users.acl)"
    if isinstance(exc, NoPermissionError):
        return "this user has no right to a key of the boards (deploy/users.acl names them: ~…)"
    return type(exc).__name__


class EpochLost(Exception):  # noqa: N818 - it says what happened; the feed begins again
    """The board is not the one that was opened: flushed, another server, or an older copy came back."""

    def __init__(self, reason: str, *, rewound: bool) -> None:
        """Say why, and whether the board must be wiped."""
        super().__init__(reason)
        self.rewound = rewound


@dataclass
class Batch:
    """What one run of the script applies."""

    rows: list[RowFact] = field(default_factory=list)
    swept: list[tuple[str, str]] = field(default_factory=list)
    alerts: list[AlertFact] = field(default_factory=list)
    positions: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> list[str | bytes | int]:
        """Return the script's lists, each led by its length."""
        args: list[str | bytes | int] = [len(self.rows)]
        for row in self.rows:
            args += (row.key, row.version, row.row or b"")
        args.append(len(self.swept))
        for key, version in self.swept:
            args += (key, version)
        args.append(len(self.alerts))
        for alert in self.alerts:
            args += (alert.fingerprint, alert.mark, alert.at_ms, alert.transition)
        args.append(len(self.positions))
        for name, position in self.positions.items():
            args += (name, position)
        args.append(len(self.fields))
        for name, value in self.fields.items():
            args += (name, value)
        return args


class Applied(NamedTuple):
    """What the script answered."""

    ver: int
    rows: int
    alerts: int


class BoardStore:
    """One board in Redis, as its writer sees it."""

    def __init__(self, redis: "Redis", prefix: str, board: str) -> None:
        """Know the keys and the scripts; nothing is sent yet."""
        self._redis = redis
        self._index = index_key(prefix)
        self.board = board
        self.keys = board_keys(prefix, board)
        # register_script: EVALSHA, and the script's text again where the server does not know it
        self._apply = redis.register_script(_script("apply.lua"))
        self._open = redis.register_script(_script("open.lua"))
        self.epoch = ""
        self.ver = 0

    async def open(self, epoch: str, made_of: str, *, force: bool = False) -> dict[str, str]:
        """Join the board's epoch, or begin `epoch`; return the board's meta.

        Raises OtherFormat where a later release has made the board: nothing of it is touched.
        """
        stands: Any = await self._redis.hget(self.keys.meta, "made_of") if await self._is_board() else None
        check_board(None if stands is None else stands.decode(errors="replace"), f"the board {self.board} in Redis")
        await self._redis.sadd(self._index, self.board)
        reply: Any = await self._open(keys=list(self.keys), args=[epoch, made_of, "1" if force else "0"])
        texts = [part.decode() for part in reply]
        meta = dict(zip(texts[::2], texts[1::2], strict=True))
        self.epoch, self.ver = meta["epoch"], int(meta["ver"])
        return meta

    async def _is_board(self) -> bool:
        """Tell whether what stands under the name of the board's meta is of its kind; else it is made anew."""
        kind: Any = await self._redis.type(self.keys.meta)
        return bool(kind == b"hash")

    async def versions(self) -> dict[str, str]:
        """Return key → version of the rows that stand on the board."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hkeys(self.keys.state)
            pipe.hgetall(self.keys.versions)
            present, versions = await pipe.execute()
        return {key.decode(): versions[key].decode() for key in present if key in versions}

    async def look(self) -> None:
        """Read every key once as those who follow the board do, and write nothing."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(self.keys.meta)
            pipe.hkeys(self.keys.state)
            pipe.xrevrange(self.keys.log, count=1)
            pipe.zrevrange(self.keys.recent, 0, 0)
            await pipe.execute()
        await self._redis.xread({self.keys.log: "$"}, count=1)

    async def apply(self, batch: Batch) -> Applied:
        """Apply a batch. Raises EpochLost where the board is not the one that was opened."""
        limits: list[str | bytes | int] = [
            self.epoch,
            self.ver,
            LOG_ENTRIES_KEPT,
            LOG_ENTRY_BYTES_MAX,
            TRANSITIONS_KEPT,
        ]
        reply: Any = await self._apply(keys=list(self.keys), args=[*limits, *batch.arguments()])
        if reply[0] == b"ok":
            self.ver = int(reply[1])
            return Applied(*map(int, reply[1:]))
        if reply[0] == b"foreign":
            raise EpochLost(f"{reply[1].decode()} holds something else", rewound=True)
        if reply[0] == b"rewound":
            raise EpochLost(f"version {int(reply[1])} stands where {self.ver} had been written", rewound=True)
        raise EpochLost(f"epoch {reply[1].decode() or 'none'} stands where {self.epoch} was opened", rewound=False)


async def known_boards(redis: "Redis", prefix: str) -> Iterable[str]:
    """Return the ids of the boards that stand in Redis."""
    members = await cast("Awaitable[set[bytes]]", redis.smembers(index_key(prefix)))
    return sorted(member.decode() for member in members)[:BOARDS_MAX]


def _script(name: str) -> str:
    return (resources.files("streams.board") / name).read_text(encoding="utf-8")
