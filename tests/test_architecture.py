"""Which way imports point, and that the core stays a core."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE_MAY = {"models", "pydantic", "pydantic_core", "annotated_types", "typing_extensions"}
NOT_IN_CORE = {
    "time",
    "random",
    "os",
    "io",
    "socket",
    "subprocess",
    "asyncio",
    "threading",
    "secrets",
    "pathlib",
    "logging",
}


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_core_imports_the_standard_library_and_pydantic_only() -> None:
    for file in (ROOT / "models").rglob("*.py"):
        for name in imports(file):
            top = name.split(".")[0]
            assert top in CORE_MAY or (top in sys.stdlib_module_names and top not in NOT_IN_CORE), (file.name, name)


def test_the_core_reads_no_clock_and_no_chance() -> None:
    for file in (ROOT / "models").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for forbidden in ("datetime.now", "date.today", "time()", "open("):
            assert forbidden not in text, (file.name, forbidden)


def test_the_engine_knows_nothing_of_dossiers() -> None:
    for file in (ROOT / "streams" / "engine").rglob("*.py"):
        for name in imports(file):
            assert not name.startswith("models"), (file.name, name)
            own = name.startswith("streams.engine") or name in {"streams.format_numbers", "streams.lenient"}
            assert not name.startswith("streams") or own, (file.name, name)


def test_one_module_reads_the_environment() -> None:
    # where directories are, what a child is given, and secrets whose variable a receivers file names
    allowed = {"settings.py", "state.py", "kafka.py", "children.py", "notify/config.py"}
    for file in (ROOT / "streams").rglob("*.py"):
        named = {file.name, f"{file.parent.name}/{file.name}"}
        assert "os.environ" not in file.read_text(encoding="utf-8") or named & allowed, file.name


def test_the_oracle_imports_nothing_of_ours() -> None:
    for file in (ROOT / "tests" / "oracle").rglob("*.py"):
        assert not {n for n in imports(file) if n.split(".")[0] in ("models", "streams")}, file.name


def test_the_wall_is_fed_from_one_place() -> None:
    for file in (ROOT / "streams").rglob("*.py"):
        if "board" not in file.parts and file.name != "supervisor.py":
            assert not {n for n in imports(file) if n.split(".")[0] == "redis"}, file.name
