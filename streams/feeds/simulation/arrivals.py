"""How events reach the tracker: soon after they happened mostly; sometimes late, twice, or after what came later."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from models.registers.units import slug
from streams.feeds.simulation.days import Days
from streams.feeds.simulation.dossiers import Life
from streams.feeds.simulation.draws import DAY, HOUR, quantile
from streams.feeds.simulation.province import Scene

WEEKS_LATE: Final = 0.0006
"""of events: a source that was mended after weeks"""
LATE: Final = 0.01
"""of events: a nightly export, a line that was down"""
OVERTAKEN: Final = 0.006
"""of events: the dossier's next one arrives first, if it follows soon"""
DUPLICATE: Final = 0.01
"""of events: the same bytes once more (a sender that saw no acknowledgement)"""
RESENT: Final = 0.002
"""of events: told again under a new id, at the same version"""
IRREGULAR: Final = WEEKS_LATE + LATE + OVERTAKEN + DUPLICATE + RESENT

LATENCY: Final = (1, 1, 2, 2, 3, 4, 8)
"""seconds"""
LATE_BY: Final = tuple(HOUR * h for h in (2, 4, 8, 14, 20, 30, 50, 96))
WEEKS_LATE_BY: Final = tuple(DAY * d for d in (7, 10, 14, 21, 35))
AGAIN_AFTER: Final = tuple(HOUR * h for h in (0.005, 0.01, 0.05, 0.5, 6.0, 24.0, 72.0))
SOON: Final = 6 * HOUR
VERSION_SKIPPED: Final = 0.06
"""of versions: a revision at the source that is told to nobody"""

_dumps: Final[Callable[[object], bytes]] = orjson.dumps


class Arrivals:
    """Events on their way, in one bucket per day of arrival; what lies in the past is handed out in order."""

    def __init__(self, scene: Scene, *, disorder: bool) -> None:
        """Begin with nothing under way; without `disorder` every event arrives once, at the moment it happens."""
        self._days: Days = scene.days
        self._draw = scene.random("arrivals").random
        self._source = initials(scene)
        self._disorder = disorder
        self._buckets: dict[int, list[tuple[int, int, bytes]]] = {}
        self._sent = 0

    def send(self, life: Life) -> None:
        """Send all that is told of a dossier: versions grow in the order in which things happened."""
        steps = sorted(life.steps, key=_moment)
        draw, days, version = self._draw, self._days, 0
        for place, (at, kind, facts) in enumerate(steps):
            version += 1 if draw() >= VERSION_SKIPPED else 2
            event: dict[str, Any] = {
                "id": f"{self._source}:{life.code}:{version}",
                "type": kind,
                "dossier": life.code,
                "version": version,
                "at": days.text(at),
                **facts,
            }
            if not self._disorder:
                self._arrive(at, _dumps(event))
                continue
            u = draw()
            if u >= IRREGULAR:
                self._arrive(at + int(quantile(draw(), LATENCY)), _dumps(event))
            else:
                following = steps[place + 1][0] if place + 1 < len(steps) else at
                self._irregular(u, at, following, event)

    def _irregular(self, u: float, at: int, following: int, event: dict[str, Any]) -> None:
        draw = self._draw
        line = _dumps(event)
        usual = at + int(quantile(draw(), LATENCY))
        if u < WEEKS_LATE:
            self._arrive(at + int(quantile(draw(), WEEKS_LATE_BY)), line)
        elif u < WEEKS_LATE + LATE:
            self._arrive(at + int(quantile(draw(), LATE_BY)), line)
        elif u < WEEKS_LATE + LATE + OVERTAKEN:
            self._arrive(following + 20 if following - at < SOON else usual, line)
        else:
            self._arrive(usual, line)
            if u >= IRREGULAR - RESENT:
                line = _dumps({**event, "id": f"{event['id']}:r"})
            self._arrive(usual + int(quantile(draw(), AGAIN_AFTER)), line)

    def _arrive(self, moment: int, line: bytes) -> None:
        self._sent += 1
        self._buckets.setdefault(moment // DAY, []).append((moment, self._sent, line))

    def on(self, day: int) -> Iterator[bytes]:
        """Hand out what arrives on a day, in order. To be called once all that can still arrive then has been sent."""
        for _, _, line in sorted(self._buckets.pop(day, ())):
            yield line

    def rest(self) -> Iterator[bytes]:
        """Hand out all that is still under way, in order."""
        while self._buckets:
            yield from self.on(min(self._buckets))


def _moment(step: tuple[int, str, dict[str, Any]]) -> int:
    return step[0]


def initials(scene: Scene) -> str:
    """Return the name of the simulated source: the initials of the province, ``tb`` for Thái Bình."""
    registry, province = scene.reading.registry, scene.reading.decision.province
    words = slug(registry.name(province)).removeprefix("tinh-").removeprefix("thanh-pho-").split("-")
    return "".join(word[0] for word in words if word)
