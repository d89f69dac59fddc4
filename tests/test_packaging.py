"""The distribution owns its two plain package names, and ships what it reads."""

import importlib.metadata
import importlib.util
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_models_and_streams_are_ours_alone() -> None:
    owners = importlib.metadata.packages_distributions()

    assert set(owners["models"]) == set(owners["streams"]) == {"lotrinh"}


def test_data_files_are_where_the_shell_reads_them() -> None:
    data = resources.files("models") / "data"

    assert (data / "units.csv").is_file()
    assert (data / "decisions" / "thai-binh-2024.toml").is_file()
    assert (resources.files("models") / "py.typed").is_file()
    assert (resources.files("streams") / "py.typed").is_file()


def test_the_console_script_is_there() -> None:
    scripts = importlib.metadata.entry_points(group="console_scripts", name="lotrinh")

    assert [s.value for s in scripts] == ["streams.cli:main"]


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("version", "words"),
    [
        ((3, 10), "3.10 is too old"),
        ((3, 15), "3.15 is too new: aiokafka 0.14 has no wheel for it yet"),
    ],
)
def test_make_says_in_one_sentence_which_pythons_will_do(tmp_path: Path, version: tuple[int, int], words: str) -> None:
    """Under a Python that says it is of another version."""
    python = tmp_path / "python"
    pretend = f"import runpy, sys; sys.version_info = (*{version}, 0); sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{pretend}" "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "demo", f"PYTHON={python}", f"VENV={tmp_path}/venv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert not (tmp_path / "venv").exists()
    said = done.stderr.splitlines()
    assert said[0].startswith("lotrinh needs Python 3.11 to 3.14, and ")
    assert words in said[0]
    assert "PYTHON=python3.13" in said[0]
    assert len(said) == 2, done.stderr  # the second line is make's own


def test_the_pythons_named_are_the_same_everywhere() -> None:
    spec = importlib.util.spec_from_file_location("check_python", ROOT / "deploy/check_python.py")
    assert spec is not None
    assert spec.loader is not None
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    named = [f"3.{minor}" for minor in range(check.OLDEST[1], check.NEWEST[1] + 1)]
    prefix = "Programming Language :: Python :: 3."

    assert PROJECT["requires-python"] == f">={named[0]},<3.{check.NEWEST[1] + 1}"
    assert [
        c.removeprefix("Programming Language :: Python :: ") for c in PROJECT["classifiers"] if c.startswith(prefix)
    ] == named
    for page in ("README.md", "CONTRIBUTING.md", "docs/development.md"):
        assert f"Python {named[0]} to {named[-1]}" in (ROOT / page).read_text(), page


def test_the_licence_and_those_of_others_are_there_and_in_the_image() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in (ROOT / "LICENSE").read_text()
    dockerfile, context = (ROOT / "deploy/Dockerfile").read_text(), (ROOT / ".dockerignore").read_text()
    fonts = {path.parent for kind in ("ttf", "otf", "woff2") for path in (ROOT / "streams").rglob(f"*.{kind}")}
    assert fonts <= {(ROOT / name).parent for name in PROJECT["license-files"]}, "a typeface has no licence beside it"
    notices = (ROOT / "THIRD-PARTY-NOTICES.md").read_text()
    assert [str(folder) for folder in fonts if str(folder.relative_to(ROOT)) not in notices] == []
    for name in PROJECT["license-files"]:
        assert (ROOT / name).is_file(), name
        if "/" not in name:
            assert f" {name} " in dockerfile, name
            assert f"!{name}\n" in context, name
