"""The receivers file: a TOML file that says who is told, how, and where the secrets are.

Secrets never stand in the file: a field `…_file` names a file, `…_env` a variable of the environment. Only addresses
that the file names are ever asked, and plain HTTP only on loopback unless the file says otherwise.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from models.notification.routing import PART, Manner, Name, Plan, Route
from models.wording import first_error
from streams.errors import BadInput
from streams.files.tables import read_table, read_text
from streams.notify.addresses import check_url, is_loopback
from streams.settings import secret_of

Text = Annotated[str, Field(min_length=1, max_length=500)]
Address = Annotated[str, Field(pattern=r"^[^@\s<>,;:]+@[^@\s<>,;:]+$", max_length=254)]


class Receiver(Manner):
    """What all receivers have in common."""

    secrets: ClassVar[Mapping[str, bool]] = {}
    """secret → whether it has to be given"""
    reads_lists: ClassVar[bool] = True
    """takes what is about no alert, such as a watch list"""
    timeout_s: Annotated[float, Field(ge=0.2, le=120)] = 10.0

    @model_validator(mode="after")
    def _a_list_has_its_reader(self) -> Self:
        if self.watch_list == "always" and not self.reads_lists:
            raise ValueError('`watch_list = "always"` needs a receiver that takes more than alerts')
        return self

    @model_validator(mode="after")
    def _secrets_given_once(self) -> Self:
        for name, needed in self.secrets.items():
            given = [f for f in (f"{name}_file", f"{name}_env") if getattr(self, f) is not None]
            if len(given) > 1 or (needed and not given):
                raise ValueError(f"give either `{name}_file` or `{name}_env`")
        return self


class HttpReceiver(Receiver):
    """What is told by HTTP POST."""

    url: Text | None = None
    url_file: Text | None = None
    url_env: Text | None = None
    plain_http: bool = False
    """allow http:// to another machine; what is sent can then be read on the way"""
    private: bool = False
    """allow addresses of private networks: 10.0.0.0/8, 192.168.0.0/16, link-local ones and their like"""

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if sum(u is not None for u in (self.url, self.url_file, self.url_env)) != 1:
            raise ValueError("give one of `url`, `url_file`, `url_env`")
        if self.url is not None:
            check_url(self.url, plain_http=self.plain_http, private=self.private)
        return self


class Webhook(HttpReceiver):
    """A signed webhook (Standard Webhooks)."""

    secrets: ClassVar[Mapping[str, bool]] = {"secret": True}
    type: Literal["webhook"]
    secret_file: Text | None = None
    secret_env: Text | None = None


class AlertmanagerWebhook(HttpReceiver):
    """Whatever takes Alertmanager's webhook, version 4."""

    reads_lists: ClassVar[bool] = False
    secrets: ClassVar[Mapping[str, bool]] = {"token": False}
    type: Literal["alertmanager-webhook"]
    token_file: Text | None = None
    token_env: Text | None = None


class Alertmanager(HttpReceiver):
    """An Alertmanager itself (API v2); `url` without path, or with its route prefix."""

    reads_lists: ClassVar[bool] = False
    secrets: ClassVar[Mapping[str, bool]] = {"token": False}
    type: Literal["alertmanager"]
    token_file: Text | None = None
    token_env: Text | None = None
    refresh_hours: Annotated[int, Field(ge=1, le=720)] | None = 24


class PagerDuty(HttpReceiver):
    """PagerDuty's Events API v2, or what speaks it."""

    reads_lists: ClassVar[bool] = False
    secrets: ClassVar[Mapping[str, bool]] = {"routing_key": True}
    type: Literal["pagerduty"]
    routing_key_file: Text | None = None
    routing_key_env: Text | None = None
    acks: bool = True


class CloudEvents(HttpReceiver):
    """A CloudEvents 1.0 endpoint, structured JSON over HTTP."""

    secrets: ClassVar[Mapping[str, bool]] = {"token": False}
    type: Literal["cloudevents"]
    token_file: Text | None = None
    token_env: Text | None = None


class Email(Receiver):
    """A mail account: to the addresses `to`, or to those of units in the file `directory` (CSV: `unit,address`).

    Each address is told by itself: one that is greylisted keeps nobody else waiting, and is told later.
    """

    secrets: ClassVar[Mapping[str, bool]] = {"password": False}
    type: Literal["email"]
    host: Text
    port: Annotated[int, Field(ge=1, le=65_535)]
    security: Literal["tls", "starttls", "none"] = "starttls"
    sender: Address = Field(alias="from")
    to: Annotated[list[Address], Field(default_factory=list, max_length=50)]
    directory: Text | None = None
    username: Text | None = None
    password_file: Text | None = None
    password_env: Text | None = None

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        if bool(self.to) == (self.directory is not None):
            raise ValueError("give either `to` or `directory`")
        if self.security == "none" and self.username is not None and not is_loopback(self.host):
            raise ValueError("a password is not sent unencrypted: set `security`")
        return self


class Chat(Receiver):
    """A chat or another service, through Apprise (extra `notify`); the whole URL is a secret."""

    secrets: ClassVar[Mapping[str, bool]] = {"url": True}
    type: Literal["apprise"]
    url_file: Text | None = None
    url_env: Text | None = None


class Telegram(HttpReceiver):
    """A chat of Telegram, by its Bot API; `token` is the bot's."""

    secrets: ClassVar[Mapping[str, bool]] = {"token": True}
    type: Literal["telegram"]
    url: Text | None = "https://api.telegram.org"
    chat: Text
    token_file: Text | None = None
    token_env: Text | None = None


class Zalo(HttpReceiver):
    """A follower of a Zalo Official Account, by its message interface v3; `token` is the account's access token."""

    secrets: ClassVar[Mapping[str, bool]] = {"token": True}
    type: Literal["zalo"]
    url: Text | None = "https://openapi.zalo.me"
    user: Text
    token_file: Text | None = None
    token_env: Text | None = None


Kind = Annotated[
    Webhook | AlertmanagerWebhook | Alertmanager | PagerDuty | CloudEvents | Email | Chat | Telegram | Zalo,
    Field(discriminator="type"),
]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    board_url: Text | None = None
    """address of the wall, for messages"""
    gather_s: Annotated[float, Field(ge=0, le=600)] = 5.0
    """how long transitions are gathered before the first message about them"""
    engineers: Annotated[list[Name], Field(max_length=20)] = []
    """receivers that are told of addresses that have not been reached for a working day"""
    receivers: Annotated[dict[Name, Kind], Field(min_length=1, max_length=200)]
    routes: Annotated[list[Route], Field(min_length=1, max_length=500)]

    @field_validator("board_url")
    @classmethod
    def _web(cls, url: str | None) -> str | None:
        if url is not None:
            check_url(url, plain_http=True, private=True)
        return url

    @model_validator(mode="after")
    def _engineers_read(self) -> Self:
        for name in self.engineers:
            if name in self.receivers and not self.receivers[name].reads_lists:
                raise ValueError(f"`engineers` needs a receiver that takes more than alerts, and {name!r} is none")
        return self


class Config(NamedTuple):
    """The receivers file, read; secrets and addresses are at hand."""

    plan: Plan
    receivers: Mapping[str, Receiver]
    secrets: Mapping[tuple[str, str], SecretStr]
    """(receiver, name) → secret"""
    directories: Mapping[str, Mapping[str, str]]
    """receiver → unit, or what names one of several addresses → address"""
    gather_s: float
    board_url: str | None

    def secret(self, receiver: str, name: str) -> str | None:
        """Return a secret's value, or None where none was given."""
        found = self.secrets.get((receiver, name))
        return None if found is None else found.get_secret_value()


def read_plan(path: Path) -> Plan:
    """Read who is told of what, and how; asks for no secret. Raises BadInput, naming the place."""
    return _read(path)[1]


def _read(path: Path) -> tuple[_File, Plan, dict[str, dict[str, str]]]:
    """Return a receivers file, the plan that it makes, and the addresses of units."""
    try:
        raw = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as exc:
        raise BadInput(f"{path}: {exc}") from exc
    try:
        file = _File.model_validate(raw)
        folder = path.parent
        directories = {
            name: read_table(folder / r.directory, _addresses)
            for name, r in file.receivers.items()
            if isinstance(r, Email) and r.directory is not None
        }
        addresses = {name: frozenset(units) for name, units in directories.items()}
        parts = {
            name: {part_of(address): address for address in r.to}
            for name, r in file.receivers.items()
            if isinstance(r, Email) and len(set(r.to)) > 1
        }
        several = {name: frozenset(named) for name, named in parts.items()}
        manners = {
            name: Manner(**{f: getattr(r, f) for f in Manner.model_fields}) for name, r in file.receivers.items()
        }
        plan = Plan(manners=manners, routes=file.routes, addresses=addresses, several=several, engineers=file.engineers)
    except ValidationError as exc:
        raise BadInput(f"{path}: {_sentence(exc)}") from exc
    return file, plan, directories | parts


def part_of(address: str) -> str:
    """Return what names one of several addresses in the delivery log, where addresses never stand."""
    return f"{PART}{hashlib.sha256(address.lower().encode()).hexdigest()[:6]}"


def read_config(path: Path) -> Config:
    """Read a receivers file and all that it names. Raises BadInput, naming the place; never quotes a value."""
    file, plan, directories = _read(path)
    folder = path.parent
    secrets = {
        (name, secret): value
        for name, receiver in file.receivers.items()
        for secret in _secret_names(receiver)
        if (value := _secret(receiver, name, secret, folder)) is not None
    }
    for (name, what), value in secrets.items():
        receiver = file.receivers[name]
        if what == "url" and isinstance(receiver, HttpReceiver):
            try:
                check_url(value.get_secret_value(), plain_http=receiver.plain_http, private=receiver.private)
            except ValueError as exc:
                raise BadInput(f"{path}: receivers.{name}: {exc}") from exc
    return Config(plan, dict(file.receivers), secrets, directories, file.gather_s, file.board_url)


def _secret_names(receiver: Receiver) -> tuple[str, ...]:
    return (*receiver.secrets, *(("url",) if isinstance(receiver, HttpReceiver) else ()))


def _secret(receiver: Receiver, name: str, secret: str, folder: Path) -> SecretStr | None:
    file: str | None = getattr(receiver, f"{secret}_file")
    variable: str | None = getattr(receiver, f"{secret}_env")
    if file is None and variable is None:
        return None
    if file is not None:
        text, where = read_text(folder / file).strip(), str(folder / file)
        found = SecretStr(text) if text else None
    else:
        found, where = secret_of(variable or ""), f"variable {variable}"
    if found is None:
        raise BadInput(f"{where}: the {secret} of the receiver {name!r} is empty")
    return found


def _addresses(rows: Any) -> dict[str, str]:
    """Read rows of `unit,address`. Raises BadTable with the line of the file."""
    from models.registers.tables import BadTable  # noqa: PLC0415 - beside its only use

    found: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        unit, address = ((row.get(c) or "").strip() for c in ("unit", "address"))
        if not unit or address.count("@") != 1 or any(c.isspace() or c in "<>,;" for c in address):
            raise BadTable(f"line {line}: expected a unit and its e-mail address")
        if unit in found:
            raise BadTable(f"line {line}: {unit} has an address already")
        found[unit] = address
    return found


def _sentence(exc: ValidationError) -> str:
    where, what = first_error(exc)
    return f"{where}: {what}" if where else what
