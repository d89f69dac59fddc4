"""Who may sign in: accounts of this deployment, and links that are good once.

The accounts file is TOML. It names roles, never people::

    [accounts.vp-01]
    password = "$argon2id$…"          # made by `lotrinh desk password`
    roles = ["office"]

    [accounts.huyen-340]
    password = "$argon2id$…"
    roles = ["unit-head"]
    units = ["340"]
"""

import hashlib
import os
import secrets
import time
import tomllib
from pathlib import Path
from typing import Annotated, Final, Self

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.access import DeskRole, Identity, pseudonym_of
from models.registers.units import Registry
from models.wording import first_error
from streams.errors import BadInput

LINK_S: Final = 900.0
"""seconds for which a link that is good once is good"""
_HASHER: Final = PasswordHasher()
_NOBODY: Final = _HASHER.hash(secrets.token_urlsafe(16))
"""verified where there is no such account, so that the answer takes as long"""
PASSWORD_CHARS_MAX: Final = 256
PASSWORD_CHARS_MIN: Final = 12

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


class Account(BaseModel):
    """One account of this deployment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    password: Annotated[str, Field(pattern=r"^\$argon2id\$")]
    roles: Annotated[frozenset[DeskRole], Field(min_length=1)]
    units: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _of_units(self) -> Self:
        if "unit-head" in self.roles and not self.units:
            raise ValueError("a unit head needs `units`, the codes that it speaks for")
        return self


class AccountsFile(BaseModel):
    """All of the accounts file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accounts: dict[Name, Account] = {}


NONE: Final = AccountsFile()


def read_accounts(path: Path, registry: Registry) -> AccountsFile:
    """Read the accounts file. Raises BadInput, which quotes no password."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        found = AccountsFile.model_validate(raw)
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise BadInput(f"{path}: no TOML: {exc}") from exc
    except ValidationError as exc:
        where, what = first_error(exc)
        raise BadInput(f"{path}: {where}: {what}") from exc
    for name, account in found.accounts.items():
        if unknown := sorted(unit for unit in account.units if not registry.knows(unit)):
            raise BadInput(f"{path}: {name}: no unit has the code {unknown[0]}")
    return found


def hashed(password: str) -> str:
    """Return a password's hash for the accounts file. Raises BadInput where it is too short or too long."""
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise BadInput(f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters")
    return _HASHER.hash(password)


def is_password(account: Account | None, password: str) -> bool:
    """Tell whether a password is the account's; without an account it takes as long to say no. Slow on purpose."""
    if len(password) > PASSWORD_CHARS_MAX:
        return False
    try:
        verified = _HASHER.verify(_NOBODY if account is None else account.password, password)
    except (VerificationError, InvalidHashError):
        return False
    return verified and account is not None


def identity_of(account: Account, key: bytes, issuer: str, subject: str) -> Identity:
    """Return who has signed in."""
    return Identity(pseudonym_of(key, issuer, subject), account.roles, account.units)


def read_key(path: Path) -> bytes:
    """Return the key of pseudonyms; made at the first start, for its owner alone. Raises BadInput."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
        key = path.read_bytes()
    except OSError as exc:
        raise BadInput(f"{path}: {exc.strerror or exc}") from exc
    if len(key) < 32:
        raise BadInput(f"{path}: the key of pseudonyms has {len(key)} bytes, at least 32 are needed")
    return key


# -- links that are good once ------------------------------------------------------------------------------------------


def make_link(folder: Path) -> str:
    """Return a token that signs in once, within `LINK_S`: whoever may write the folder may sign in. Raises BadInput."""
    token = secrets.token_urlsafe(32)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(folder / _name(token), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as exc:
        raise BadInput(f"{folder}: {exc.strerror or exc}") from exc
    return token


def take_link(folder: Path, token: str) -> bool:
    """Use a token up; tell whether it was good."""
    file = folder / _name(token)
    try:
        made = file.stat().st_mtime
        file.unlink()  # of two that come at once, one finds it gone
    except OSError:
        return False
    return time.time() - made <= LINK_S


def _name(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
