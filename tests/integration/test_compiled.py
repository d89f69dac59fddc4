"""The core compiled to C (docs/adr/0021): the same tests of the core hold, and a worker with it counts as the oracle does."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from bench import compiled
from streams.feeds.simulate import Simulation, simulate
from tests.conftest import absent
from tests.integration.system import running

ROOT = Path(__file__).parents[2]
IMPORTS = re.compile(r"^from (models|streams)\.?([a-z_]*) import ", re.MULTILINE)


def core() -> list[str]:
    """The modules that are compiled, as setup.py names them."""
    text = (ROOT / "setup.py").read_text()
    return re.findall(r'^    "([a-z/]+)\.py",$', text, re.MULTILINE)


def about_the_core() -> list[str]:
    """Every file of unit and property tests that imports one of those modules."""
    wanted = {name.replace("/", ".") for name in core()}
    found = [
        str(path.relative_to(ROOT))
        for path in sorted((*(ROOT / "tests/unit").glob("*.py"), *(ROOT / "tests/property").glob("*.py")))
        if any(f"{package}.{module}" in wanted for package, module in IMPORTS.findall(path.read_text()))
    ]
    assert len(found) > 10
    return found


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled form, built from the sources as they are."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        absent(f"no C compiler ({compiler})")
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        absent("Python.h is not there: Debian's python3-dev")
    out = tmp_path_factory.mktemp("compiled") / "tree"
    done = subprocess.run(
        [str(ROOT / "deploy/compile.sh"), str(out)],
        env=os.environ | {"PYTHON": sys.executable}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return out


def test_what_setup_names_is_there() -> None:
    assert len(core()) > 5
    assert not [name for name in core() if not (ROOT / f"{name}.py").is_file()]


def test_a_compiled_wheel_needs_a_compiler_of_python() -> None:
    """Asked to compile without mypyc, the build says so and does not leave a plain wheel behind."""
    code = "import runpy, sys; sys.modules['mypyc.build'] = None; sys.argv = ['setup.py', '--version']; runpy.run_path('setup.py')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=os.environ | {"LOTRINH_COMPILE": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.strip() == "LOTRINH_COMPILE=1 wants `pip install lotrinh[compile]` and --no-build-isolation"


def test_all_of_it_is_compiled(tree: Path) -> None:
    plain = [name for name in core() if not any((tree / f"{name}{suffix}").is_file() for suffix in EXTENSION_SUFFIXES)]

    assert not plain


def test_the_tests_of_the_core_hold(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", f"pythonpath={tree} .",
         "tests/integration/test_compiled.py::test_the_form_is_the_one_wanted", *about_the_core()],
        cwd=ROOT, env=os.environ | {"CORE_WANTED": "compiled"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


@pytest.mark.skipif("CORE_WANTED" not in os.environ, reason="which form is tested is asked by the test above")
def test_the_form_is_the_one_wanted() -> None:
    from streams.ops.process import CORE

    assert os.environ["CORE_WANTED"] == CORE


@pytest.mark.kafka
def test_a_worker_with_it_counts_as_the_oracle_does(tree: Path, kafka_address: str, tmp_path: Path) -> None:
    """Begun in plain Python, killed, and taken over by the compiled form: rows and positions are the same in both."""
    with running(kafka_address, tmp_path) as system:
        plain = system.start("tally").until_ready()
        system.start("watch").until_ready()
        published = system.feed(simulate(system.reading, Simulation(1_000, 7)))
        plain.kill()
        tally = system.start("tally", **compiled.env(tree)).until_ready()
        published += system.feed(simulate(system.reading, Simulation(1_000, 8)))
        system.settle()

        assert "core: compiled" in tally.text()
        assert system.verdict().startswith("ALL-RECORDS-ACCOUNTED")
        assert sum(system.counts().values()) == published
