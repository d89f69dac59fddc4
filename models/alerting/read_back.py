"""Alert memory made anew from what was told: for a state that was lost, so that nothing is told a second time. Pure.

A transition's id follows from its fingerprint, its episode and its phase; so the episode follows from the id. What a
rule remembers of days that are not yet an alert is in no transition: such days are counted anew.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from models.alerting.transitions import Memory, Transition, transition_id

EPISODES_MAX: Final = 10_000
"""episodes that are tried for an id"""
UNKNOWN_DAY: Final = (-1, -1)
"""stands where the figures of the civil day of firing are not known: those of the firing itself then hold"""

Name = tuple[str, str, str]
"""decision, indicator, unit"""


class ReadBack(NamedTuple):
    """What transitions leave to be remembered."""

    memory: dict[Name, Memory]
    unreadable: int
    """transitions whose id is none of their fingerprint: another release's, or nobody's"""


def episode_of(transition: Transition) -> int | None:
    """Return the episode of a transition, by its id; None where no episode gives that id."""
    name, phase, id_ = transition["fingerprint"], transition["status"], transition["id"]
    return next((n for n in range(1, EPISODES_MAX + 1) if transition_id(name, n, phase) == id_), None)


def read_back(told: Iterable[Transition]) -> ReadBack:
    """Return what is to be remembered of each unit and indicator: the newest episode, open or ended.

    The order of transitions does not matter, nor whether some come twice.
    """
    latest: dict[Name, tuple[int, bool, Transition]] = {}
    unreadable = 0
    for transition in told:
        episode = episode_of(transition)
        if episode is None:
            unreadable += 1
            continue
        name = transition["decision"], transition["indicator"], transition["unit"]
        ended = transition["status"] != "firing"
        known = latest.get(name)
        if known is None or known[:2] < (episode, ended):
            latest[name] = episode, ended, transition
    return ReadBack({name: _memory(*said) for name, said in latest.items()}, unreadable)


def _memory(episode: int, ended: bool, transition: Transition) -> Memory:  # noqa: FBT001 - a field of a tuple
    if ended:
        return {"episode": episode, "open": None, "rule": {}}
    return {"episode": episode, "open": {"fired": transition, "day": [*UNKNOWN_DAY]}, "rule": {"state": "firing"}}
