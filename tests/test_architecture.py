"""Which way imports point, from room to room, and that the core stays a core."""

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


def modules_of(file: Path) -> set[str]:
    """Return what a file imports, a module from a package by its own name."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


ROOMS = (
    "models.partitioning",
    "models.wording",
    "models.access",
    "models.registers",
    "models.calendar",
    "models.dossiers",
    "models.counting",
    "models.forecasting",
    "models.decisions",
    "models.authoring",
    "models.standings",
    "models.alerting",
    "models.notification",
    "models.reporting",
    "models.evaluation",
    "streams.engine",
    "streams.settings",
    "streams.errors",
    "streams.records",
    "streams.files",
    "streams.broker",
    "streams.monitoring",
    "streams.workers",
    "streams.feeds",
    "streams.board",
    "streams.notify",
    "streams.reports",
    "streams.doctor",
    "streams.audit",
    "streams.acts",
    "streams.desk",
    "streams.maintenance",
    "streams.local",
    "streams.cli",
)
"""from the ground up: a room imports rooms above its line only, `TYPE_CHECKING` imports included"""


TESTED_ELSEWHERE = {
    "models.partitioning": "tests/unit/broker",
    "models.wording": "tests/unit/test_wording.py",
    "models.access": "tests/desk",
    "models.counting": "tests/property",
    "models.forecasting": "tests/unit/alerting",
    "streams.engine": "tests/engine",
    "streams.desk": "tests/desk",
    "streams.settings": "tests/test_deploy.py",
    "streams.errors": "tests/unit/cli",
}
"""rooms whose tests stand in another place than `tests/unit/<room>`: laws, virtual time, servers, files of one module"""


def test_every_room_has_its_tests() -> None:
    tests = ROOT / "tests"
    for room in ROOMS:
        place = ROOT / TESTED_ELSEWHERE.get(room, f"tests/unit/{room.partition('.')[2]}")
        assert place.is_file() or list(place.glob("test_*.py")), f"where are the tests of {room}?"
    of_rooms = {room.partition(".")[2] for room in ROOMS} | {"bench", "documents"}
    assert {
        path.name for path in (tests / "unit").iterdir() if path.is_dir() and path.name != "__pycache__"
    } <= of_rooms
    assert {path.name for path in (tests / "unit").glob("test_*.py")} == {"test_visible.py", "test_wording.py"}


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


def room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def test_every_module_has_a_room_and_imports_rooms_below_its_own() -> None:
    for package in ("models", "streams"):
        for file in (ROOT / package).rglob("*.py"):
            if file == ROOT / package / "__init__.py":
                continue
            own = room(".".join(file.relative_to(ROOT).with_suffix("").parts))
            assert own in ROOMS, file
            for name in imports(file):
                if name.split(".")[0] in ("models", "streams"):
                    assert ROOMS.index(room(name)) <= ROOMS.index(own), (str(file), name)


def test_no_module_imports_itself_by_way_of_others() -> None:
    """`TYPE_CHECKING` imports and those inside of functions included."""
    named = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for package in ("models", "streams")
        for file in (ROOT / package).rglob("*.py")
    }
    below = {name: {n for n in modules_of(file) if n in named} - {name} for name, file in named.items()}
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle: {' → '.join((*way[way.index(name) :], name))}"
        if name not in done:
            for other in below[name]:
                walk(other, (*way, name))
            done.add(name)

    for name in below:
        walk(name, ())


def test_the_engine_knows_nothing_of_dossiers() -> None:
    for file in (ROOT / "streams" / "engine").rglob("*.py"):
        for name in imports(file):
            assert not name.startswith("models"), (file.name, name)
            assert not name.startswith("streams") or name.startswith("streams.engine"), (file.name, name)


def test_one_module_reads_the_environment() -> None:
    # directories, what a child is given, secrets whose variable a receivers file names, the language of help
    allowed = {"settings.py", "cli/vietnamese.py", "state.py", "kafka.py", "children.py", "notify/config.py"}
    for file in (ROOT / "streams").rglob("*.py"):
        named = {file.name, f"{file.parent.name}/{file.name}"}
        assert "os.environ" not in file.read_text(encoding="utf-8") or named & allowed, file.name


def test_the_oracle_imports_nothing_of_ours() -> None:
    for file in (ROOT / "tests" / "oracle").rglob("*.py"):
        assert not {n for n in imports(file) if n.split(".")[0] in ("models", "streams")}, file.name


def test_the_wall_is_fed_from_one_place() -> None:
    for file in (ROOT / "streams").rglob("*.py"):
        if "board" not in file.parts and file.name not in ("supervisor.py", "redis_probe.py"):
            assert not {n for n in imports(file) if n.split(".")[0] == "redis"}, file.name
