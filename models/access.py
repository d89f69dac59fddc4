"""Who may do what at the desk: roles, the units that an identity speaks for, and what follows from both. Pure.

An identity has no name of a person: a pseudonym stands for it in every record, and only who keeps the accounts can
resolve it.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple

DeskRole = Literal["viewer", "unit-head", "office", "engineer"]
"""who looks; who heads units and answers for them; the office that steers, closes periods and signs reports; who runs
the system"""
Right = Literal["see", "acknowledge", "silence", "close", "audit"]
"""see figures, alerts and reports; acknowledge alerts; silence alerts; close periods; see who did what"""
RIGHTS: Final[dict[DeskRole, frozenset[Right]]] = {
    "viewer": frozenset({"see"}),
    "unit-head": frozenset({"see", "acknowledge"}),
    "office": frozenset({"see", "acknowledge", "silence", "close", "audit"}),
    "engineer": frozenset({"see", "acknowledge", "silence", "audit"}),
}
ACTS_AS: Final[dict[DeskRole, str]] = {
    "unit-head": "unit-head",
    "office": "peoples-committee-office",
    "engineer": "operator",
}
"""role at the desk that acts → the office that its records name (`models.alerting.operator_actions.Role`)"""


class Identity(NamedTuple):
    """Somebody signed in."""

    pseudonym: str
    """``p-`` and twelve hexadecimal digits, the same at every sign-in"""
    roles: frozenset[DeskRole]
    units: frozenset[str]
    """codes of the units that a unit head speaks for; without meaning for other roles"""

    def may(self, right: Right) -> bool:
        """Tell whether any of the roles has a right."""
        return any(right in RIGHTS[role] for role in self.roles)

    def acts_as(self, right: Right) -> str:
        """Return the office that a record of an act names: of the roles that have the right, the widest.

        Raises ValueError where none has it.
        """
        for role in ("office", "engineer", "unit-head"):
            if role in self.roles and right in RIGHTS[role]:
                return ACTS_AS[role]
        raise ValueError(f"no role of this identity may {right}")

    @property
    def sees_all_units(self) -> bool:
        """Tell whether the identity is not bound to units of its own."""
        return bool(self.roles - {"unit-head"})

    def speaks_for(self, unit: str, above: Callable[[str], Iterable[str]]) -> bool:
        """Tell whether the identity may answer for a unit; `above` names a unit's district, if it has one."""
        return self.sees_all_units or unit in self.units or any(code in self.units for code in above(unit))


def pseudonym_of(key: bytes, issuer: str, subject: str) -> str:
    """Return the pseudonym of an account; without the key nobody can tell whose it is.

    >>> pseudonym_of(b"k" * 32, "local", "vp-01") == pseudonym_of(b"k" * 32, "local", "vp-01")
    True
    >>> len(pseudonym_of(b"k" * 32, "local", "vp-01"))
    14
    """
    said = f"{len(issuer)}:{issuer}:{subject}".encode()
    return f"p-{hmac.new(key, said, hashlib.sha256).hexdigest()[:12]}"
