"""Bytes that decode whatever they hold, for the names of headers: Kafka asks of them only that they are bytes."""

from typing import Any


class Lenient(bytearray):
    """Bytes whose pieces decode whatever they hold."""

    def __getitem__(self, key: Any) -> Any:
        """Return a byte, or a piece that is as lenient."""
        found = super().__getitem__(key)
        return Lenient(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        """Return the text, with escapes in place of what is none."""
        return super().decode(encoding, errors)
