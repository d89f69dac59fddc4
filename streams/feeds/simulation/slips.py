"""What goes wrong with dossiers, and how it is put right: corrections, transfers, deletions, recalls, reopenings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from streams.feeds.simulation.dossiers import AFTER_DAYS, COLLECT, Counters, Life
from streams.feeds.simulation.province import Scene

TRANSFERRED: Final = ("transferred", 0.007)
"""(name, share of dossiers) Why: filed with the wrong office; a usual thing, hence part of a clean stream too"""
MISTAKES: Final = (
    ("channel", 0.014),  # staff chose the wrong channel, or none
    ("channel and back", 0.004),  # corrected to online, and the correction reversed
    ("unit", 0.004),  # entered under a neighbour
    ("unknown unit", 0.0025),  # a source that writes codes of its own
    ("procedure", 0.004),
    ("reception", 0.002),  # received earlier than was first told
    ("deleted", 0.003),  # entered twice, or for a test
    ("deleted and restored", 0.002),
    ("recalled", 0.004),  # the result was wrong
    ("reopened", 0.002),  # back from resolved to being processed
)
RECALLED_FOR_GOOD: Final = 0.15
UNKNOWN_CORRECTED: Final = 0.5


class Slips:
    """Mistakes by the rates above; at most one per dossier."""

    def __init__(self, scene: Scene, counters: Counters, *, mistakes: bool) -> None:
        """Prepare mistakes among the units of these counters; without `mistakes`, transfers only."""
        self._counters = counters
        self._draw = scene.random("slips").random
        self._rates = (TRANSFERRED, *MISTAKES) if mistakes else (TRANSFERRED,)
        self._neighbours: dict[str, list[str]] = {}
        for actor in counters.actors:
            self._neighbours.setdefault(actor.level, []).append(actor.code)
        self._unknown = unknown_units(scene)
        self._before: Mapping[str, Callable[[Life], None]] = {
            "transferred": self._at_neighbour,
            "unit": self._at_neighbour,
            "unknown unit": self._at_nobody,
            "procedure": self._other_procedure,
            "channel": self._other_channel,
        }
        self._after: Mapping[str, Callable[[Life], None]] = {
            "transferred": lambda life: self._notice(life, "transferred", unit=life.unit),
            "unit": lambda life: self._notice(life, "corrected", unit=life.unit),
            "unknown unit": self._perhaps_known,
            "procedure": lambda life: self._notice(life, "corrected", procedure=life.procedure.code),
            "channel": lambda life: self._notice(life, "corrected", channel=life.channel or "in_person"),
            "channel and back": self._there_and_back,
            "reception": self._received_earlier,
            "deleted": self._deleted,
            "deleted and restored": self._deleted_and_restored,
            "recalled": self._recalled,
            "reopened": self._reopened,
        }

    def choose(self) -> str | None:
        """Return what will go wrong with the next dossier; None for nothing."""
        u = self._draw()
        for name, share in self._rates:
            if u < share:
                return name
            u -= share
        return None

    def before(self, life: Life, slip: str) -> None:
        """Let the mistake be made: what is told of the dossier from its filing on is wrong."""
        if slip in self._before:
            self._before[slip](life)

    def after(self, life: Life, slip: str) -> None:
        """Let the mistake be noticed, and put right."""
        self._after[slip](life)

    def _notice(self, life: Life, kind: str, **facts: object) -> None:
        if all(life.said.get(name) == fact for name, fact in facts.items()):
            return  # it was right by chance
        life.tell(self._counters.later(life.received, AFTER_DAYS), kind, **facts)

    # -- told wrong ----------------------------------------------------------------------------------------------------

    def _at_neighbour(self, life: Life) -> None:
        life.said["unit"] = self._one_of(self._neighbours[life.actor.level])

    def _at_nobody(self, life: Life) -> None:
        life.said["unit"] = self._one_of(self._unknown)

    def _other_procedure(self, life: Life) -> None:
        life.said["procedure"] = self._one_of([p.code for p in life.actor.procedures])

    def _other_channel(self, life: Life) -> None:
        if life.channel == "online":
            life.said["channel"] = "in_person"

    def _one_of(self, codes: Sequence[str]) -> str:
        return codes[int(self._draw() * len(codes))]

    # -- put right -----------------------------------------------------------------------------------------------------

    def _perhaps_known(self, life: Life) -> None:
        if self._draw() < UNKNOWN_CORRECTED:
            self._notice(life, "corrected", unit=life.unit)

    def _there_and_back(self, life: Life) -> None:
        if life.channel == "in_person":
            at = self._counters.later(life.received, AFTER_DAYS)
            life.tell(at, "corrected", channel="online")
            life.tell(self._counters.later(at, AFTER_DAYS), "corrected", channel="in_person")

    def _received_earlier(self, life: Life) -> None:
        days = self._counters.days
        earlier = days.in_office(life.filed + 60, self._draw())
        if earlier < life.received:
            life.tell(self._counters.later(life.received, AFTER_DAYS), "corrected", received_at=days.text(earlier))

    def _deleted(self, life: Life) -> None:
        life.tell(self._counters.later(max(step[0] for step in life.steps), AFTER_DAYS), "deleted")

    def _deleted_and_restored(self, life: Life) -> None:
        at = self._counters.later(life.received, AFTER_DAYS)
        life.tell(at, "deleted")
        life.tell(self._counters.later(at, AFTER_DAYS), "restored")

    def _recalled(self, life: Life) -> None:
        if not life.issued or "no-document" in life.procedure.notes:
            return
        at = self._counters.later(life.issued, AFTER_DAYS)
        life.tell(at, "result-recalled")
        careful = life.actor.digitised == 1.0 or life.actor.electronic == 1.0
        if careful or self._draw() >= RECALLED_FOR_GOOD:
            life.issued = self._counters.later(at, AFTER_DAYS)
            self._counters.issue(life, sure=True)

    def _reopened(self, life: Life) -> None:
        if not life.issued:
            return
        at = self._counters.later(life.issued, AFTER_DAYS)
        life.tell(at, "corrected", resolved_at=None, issued_at=None)
        life.resolved = self._counters.later(at, AFTER_DAYS)
        life.issued = self._counters.later(life.resolved, COLLECT)
        self._counters.finish(life)


def unknown_units(scene: Scene) -> tuple[str, ...]:
    """Return two unit codes of the province that no registry knows."""
    province = scene.reading.decision.province
    codes = (f"{province}.van-phong-dang-ky-dat-dai", f"{province}.trung-tam-phuc-vu-hanh-chinh-cong-cu")
    return tuple(code for code in codes if code not in scene.reading.registry.units)
