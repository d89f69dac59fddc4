"""The one place that reads the environment: every setting, its default and its meaning.

Read once at an entry point and passed down. Policy (targets, formulas, switches) is data of a decision and never a
setting of a process; what stands here says where things are and how fast they go.
"""

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.dossiers.limits import Limits
from models.partitioning import Partitioner, partition_of
from models.registers.codes import Codes

TICK_S_MAX: Final = 3_600
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,60}$")]


def _pairs(text: object) -> object:
    """Read ``NAME=VALUE,NAME=VALUE`` into a mapping."""
    if not isinstance(text, str):
        return text
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser().resolve()


def _hourly(seconds: float) -> float:
    """Refuse ticks that leave out the last hour of a day. Raises ValueError."""
    if seconds > TICK_S_MAX:
        raise ValueError(f"at most {TICK_S_MAX}: whether a source is silent is judged by a tick of a day's last hour")
    return seconds


def _listed(text: object) -> object:
    """Read ``A,B`` into a list."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


Names = Annotated[frozenset[Annotated[str, StringConstraints(to_lower=True)]], NoDecode, BeforeValidator(_listed)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)]
File = Annotated[Path | None, AfterValidator(_absolute)]


class Settings(BaseSettings):
    """Settings of a process, from the environment (`LOTRINH_…`), a `.env` file, or a directory of secret files."""

    model_config = SettingsConfigDict(env_prefix="LOTRINH_", env_file=".env", extra="ignore", frozen=True)

    # where things are
    kafka: str | None = None
    """bootstrap servers, `host:port,host:port`; unset: `up` starts one, other commands ask the state directory"""
    redis: SecretStr | None = None
    """URL of Redis or Valkey, with its password"""
    state_dir: File = None
    """of `lotrinh up`; default: the user's state directory"""
    prefix: Prefix = "lotrinh."
    """of topics, consumer groups, transactional ids and Redis keys"""

    # security of the Kafka connection
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_password_file: File = None
    kafka_ca_file: File = None
    """PEM: the authorities that may sign Kafka's certificates; unset: those of the system"""
    kafka_cert_file: File = None
    """PEM: our certificate, with those between it and the authority, for a Kafka that asks for one"""
    kafka_key_file: File = None
    kafka_key_password_file: File = None
    redis_password_file: File = None
    redis_ca_file: File = None
    """PEM, for `rediss://` and `rediss+sentinel://`"""
    redis_cert_file: File = None
    redis_key_file: File = None
    redis_key_password_file: File = None

    # what is followed
    decision: str = "thai-binh-2024"
    """id of a shipped decision, or path of a decision file"""
    switches: Annotated[dict[str, str], NoDecode] = {}
    """switches of the decision, `NAME=VALUE,NAME=VALUE`"""
    catalogue: File = None
    units: File = None
    trajectories: File = None
    successions: File = None
    holidays: File = None
    """days off and days worked that differ from the shipped calendar (CSV: `day,kind`)"""
    codes: Codes = "ascii"
    """vietnamese: codes of dossiers and units may also have Vietnamese letters"""
    clock: Literal["wall", "records"] = "wall"
    """who ticks: tally, by the wall clock; or only those who feed tick records (a replay)"""

    receivers: File = None
    """receivers file of `lotrinh notify` (TOML); unset: nobody is told"""

    # how fast, how much
    partitions: Annotated[int, Field(ge=1, le=512)] = 4
    """of every topic; for life: another number is a migration"""
    partitioner: Partitioner = "murmur2"
    """by which portals put a dossier's records into partitions, and so do we; records elsewhere are refused"""
    replication: Annotated[int, Field(ge=1, le=5)] | None = None
    """copies of every topic; unset: three where there are three brokers, else as many as there are brokers"""
    min_insync_replicas: Annotated[int, Field(ge=1, le=5)] | None = None
    """copies that must be in sync before a write is acknowledged; unset: more than half of an odd number, 2 of 3"""
    tick_seconds: Annotated[float, Field(ge=0.2), AfterValidator(_hourly)] = 60.0
    """between two ticks, on the wall clock's whole steps; an hour at most"""
    unknown_units_max: Annotated[int, Field(ge=0, le=100_000)] = 1_000
    """units that no registry knows and that have a standing all the same; never on the wall"""
    payments_max: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    """payments of one dossier; what names more is a dead letter"""
    copies_max: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    """certified copies of one dossier, likewise"""
    session_timeout_s: Annotated[float, Field(ge=6, le=300)] = 10.0
    """after which a silent worker loses its partitions; 45 in production"""
    heartbeat_s: Annotated[float, Field(ge=0.5, le=60)] = 3.0
    transaction_timeout_s: Annotated[float, Field(ge=2, le=900)] = 10.0
    """after which the broker aborts an open transaction. Short, for what a dead process left open holds up every reader
    so long; transactions are made so small that they take a quarter of it. Not above `transaction.max.timeout.ms`."""
    stuck_s: Annotated[float, Field(ge=10, le=3_600)] = 60.0
    """how long one step may wait for the broker before the process ends and another one tries; beyond the transaction
    timeout, and beyond what electing a leader or coordinator takes"""
    pending_records_max: Annotated[int, Field(ge=100, le=1_000_000)] = 70_000
    """of one transaction, per partition: what the budget (`streams/engine/budget.py`) may grow to"""
    fetch_bytes: Annotated[int, Field(ge=65_536, le=64 << 20)] = 1 << 20
    kept_state_s: Annotated[float, Field(ge=0, le=86_400)] = 3_600.0
    """how long the state of a partition that went elsewhere is kept for its return; below `delete.retention.ms`"""
    ready_file: File = None
    """made by a worker when it has taken over its partitions; for supervisors and health checks"""
    fault: str | None = None
    """a named fault point, for tests: the process ends there"""

    # the wallboard
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8100
    streams_max: Annotated[int, Field(ge=1, le=100_000)] = 12_000
    """event streams that are open at a time, of all screens together"""
    streams_per_address_max: Annotated[int, Field(ge=1, le=100_000)] = 500
    """likewise of one address; a hall behind one router has one"""
    allowed_hosts: Names = frozenset()
    """names under which the wallboard is asked for, beside its addresses and `localhost`; `*`: any"""
    trusted_proxies: Networks = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    """whose `X-Forwarded-For` is believed: the reverse proxies before the wallboard, as addresses or networks"""

    # the desk
    desk_host: str = "127.0.0.1"
    desk_port: Annotated[int, Field(ge=0, le=65_535)] = 8101
    desk_accounts: File = None
    """accounts file of the desk (TOML); unset: only links that `lotrinh desk link` makes sign in"""
    desk_dir: File = None
    """where the desk keeps the key of pseudonyms and its links, for its owner alone; default: in the state directory"""

    # operations
    ops_port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """of a process's /livez, /readyz and /metrics; 0: a free one, told in the log and in the ready file; unset: none.
    Where it is set, the wallboard's public port no longer has `/metrics` and `/readyz?verbose`."""
    ops_host: str = "127.0.0.1"
    log_format: Literal["text", "json"] = "text"
    """json: one object per line"""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="before")
    @classmethod
    def _split(cls, raw: object) -> object:
        if isinstance(raw, dict) and "switches" in raw:
            raw = {**raw, "switches": _pairs(raw["switches"])}
        return raw

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.heartbeat_s * 3 > self.session_timeout_s:
            raise ValueError("heartbeat_s must be at most a third of session_timeout_s")
        if self.stuck_s <= self.transaction_timeout_s:
            raise ValueError("stuck_s must be more than transaction_timeout_s")
        return self

    @property
    def limits(self) -> Limits:
        """How much one dossier may hold."""
        return Limits(self.payments_max, self.copies_max)

    def topic(self, name: str) -> str:
        """Return a topic's full name."""
        return f"{self.prefix}{name}"

    def inbound_partition(self, key: bytes) -> int:
        """Return the partition of the inbound topics into which whatever we publish under a key has to go."""
        return partition_of(key, self.partitions, self.partitioner)


def secret_of(variable: str) -> SecretStr | None:
    """Return the secret in a variable that a file of the deployment names; None where it is unset or empty."""
    value = os.environ.get(variable, "").strip()
    return SecretStr(value) if value else None
