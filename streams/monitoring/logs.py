"""Log lines of all processes, on stderr: text for people, or one JSON object per line for machines.

No payload, no secret, nothing of a dossier: our own messages carry names, positions and figures, and of what a caller
puts into `extra` only the names in `FIELDS` are written.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from streams.settings import Settings

FIELDS: Final = frozenset({
    "app", "attempt", "epoch", "offset", "partition", "partitions", "port", "position", "records", "rows", "seconds",
    "topic", "transactions",
})  # fmt: skip
"""names that `extra` may carry into a JSON line"""
TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LIBRARIES: Final = ("aiokafka", "faust", "mode", "kafka", "aiohttp")

BUSY: Final = ("kafka.net.selector", "mode.timers")
"""loggers whose warnings say that this process had to wait for its share of a busy machine: for long, many a minute"""


class JsonLines(logging.Formatter):
    """One JSON object per line: time (RFC 3339, UTC), level, logger, message, pid, fields, and an error's traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if fields := {name: getattr(record, name) for name in sorted(FIELDS & record.__dict__.keys())}:
            line["fields"] = fields
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def log_to_stderr(settings: Settings) -> None:
    """Log our own lines from the settings' level up, and the libraries' warnings of what is wrong, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in BUSY:
        logging.getLogger(name).setLevel(logging.ERROR)
