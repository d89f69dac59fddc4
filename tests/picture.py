"""The picture of the rooms: which room imports which, read from the sources.

`make picture` writes docs/rooms.md; a test holds it to what the sources say.
"""

import ast
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

from tests.test_architecture import ROOMS, ROOT, imports, room

PAGE: Final = ROOT / "docs" / "rooms.md"

HEAD: Final = """# Rooms

`make picture` writes this page from the sources. A room is a package, or a single module, of `models/` or `streams/`.
A room imports only rooms that stand above it in these tables; `tests/test_architecture.py` holds the order.
An arrow points from a room to one that it imports. The pictures leave out arrows that follow from two others.

"""


def arrows() -> dict[str, set[str]]:
    """Return for each room the rooms that it imports."""
    found: dict[str, set[str]] = {name: set() for name in ROOMS}
    for package in ("models", "streams"):
        for file in (ROOT / package).rglob("*.py"):
            if file != ROOT / package / "__init__.py":
                own = room(".".join(file.relative_to(ROOT).with_suffix("").parts))
                ours = {room(name) for name in imports(file) if name.split(".")[0] in ("models", "streams")}
                found[own] |= ours - {own}
    return found


def _reached(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return for each room all rooms that it reaches. Raises graphlib.CycleError where there is a circle."""
    reached: dict[str, set[str]] = {}
    for name in TopologicalSorter(graph).static_order():
        reached[name] = graph[name] | {far for near in graph[name] for far in reached[near]}
    return reached


def _drawing(graph: Mapping[str, set[str]], package: str) -> list[str]:
    """Return the Mermaid graph of a package's rooms, without arrows that follow from two others."""
    own = {
        name: {to for to in graph[name] if to.startswith(package)} for name in ROOMS if name.startswith(f"{package}.")
    }
    reached = _reached(own)
    lines = ["```mermaid", "flowchart TD"]
    for name, tos in own.items():
        short = name.partition(".")[2]
        lines.append(f"  {short}[{short}]")
        direct = {to for to in tos if not any(to in reached[other] for other in tos - {to})}
        lines += [f"  {short} --> {to.partition('.')[2]}" for to in ROOMS if to in direct]
    return [*lines, "```", ""]


def _path(name: str) -> str:
    """Return where a room lies: a directory, or a file where it is a single module."""
    path = name.replace(".", "/")
    return path if (ROOT / path).is_dir() else f"{path}.py"


def _about(name: str) -> str:
    """Return the first sentence of a room's docstring, on one line."""
    file = ROOT / _path(name)
    file = file / "__init__.py" if file.is_dir() else file
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def _table(graph: Mapping[str, set[str]], package: str) -> list[str]:
    lines = ["| room | what it is | imports |", "|--|--|--|"]
    for name in ROOMS:
        if name.startswith(f"{package}."):
            tos = ", ".join(
                to if not to.startswith(package) else to.partition(".")[2] for to in ROOMS if to in graph[name]
            )
            lines.append(f"| `{_path(name)}` | {_about(name)} | {tos or '–'} |")
    return [*lines, ""]


def page() -> str:
    """Return the page of the rooms. Raises graphlib.CycleError where rooms import each other in a circle."""
    graph = arrows()
    _reached(graph)
    figures = f"Rooms: {len(graph)}; arrows: {sum(map(len, graph.values()))}; circles: 0.\n"
    parts = [HEAD + figures]
    for package, title in (("models", "models/, the functional core"), ("streams", "streams/, the shell")):
        parts += [f"## {title}", *_drawing(graph, package), *_table(graph, package)]
    return "\n".join(parts).rstrip() + "\n"


def main(out: Path = PAGE) -> None:
    """Write the page."""
    out.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
