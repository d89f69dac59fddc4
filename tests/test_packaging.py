"""The distribution owns its two plain package names, and ships what it reads."""

import importlib.metadata
from importlib import resources


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
