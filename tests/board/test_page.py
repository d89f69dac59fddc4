"""The page's logic under node, and what the page weighs."""

import gzip
import json
import os
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from streams.board.assets import load_assets
from tests.conftest import absent

STATIC = Path(__file__).parents[2] / "streams" / "board" / "static"
JS = Path(__file__).parent / "js"
WIRE_BYTES_MAX = 120 * 1024


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        absent("node, which runs the tests of the page's logic")
    assert found
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in JS.glob("*.test.mjs")))
def test_the_logic_of_the_page(node: str, name: str) -> None:
    env = os.environ | {"STEPS": os.environ.get("LOTRINH_PROTOCOL_STEPS", "20000")}
    run = subprocess.run([node, "--test", JS / name], env=env, capture_output=True, text=True, timeout=300, check=False)

    assert run.returncode == 0, run.stdout[-6000:]


def test_the_page_and_the_server_agree_on_checksums(node: str) -> None:
    pairs = [["i/340", "1"], ["i/340/communes", "2"], ["i/xã 😀", "3"], ["i/～", "4"]]
    script = (
        f"import {{ crcOf }} from {json.dumps((STATIC / 'crc.mjs').as_uri())}; console.log(crcOf({json.dumps(pairs)}));"
    )
    run = subprocess.run(
        [node, "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60, check=True
    )

    assert zlib.crc32("".join(sorted(f"{k}:{v}\n" for k, v in pairs)).encode()) == int(run.stdout)


def test_the_page_with_its_font_weighs_at_most_120_kb_on_the_wire() -> None:
    assets = load_assets()
    wire = sum(len(a.packed or a.body) for name, a in assets.items() if name != "inter-licence.txt")

    assert wire <= WIRE_BYTES_MAX, f"{wire} bytes"
    assert {a.content_type for a in assets.values()} <= {
        "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml",
        "font/woff2", "text/plain; charset=utf-8",
    }  # fmt: skip
    assert all(gzip.decompress(a.packed) == a.body for a in assets.values() if a.packed is not None)


def test_the_page_asks_for_nothing_foreign_and_evaluates_no_text() -> None:
    for path in STATIC.iterdir():
        if path.suffix in {".mjs", ".css", ".html"}:
            text = path.read_text(encoding="utf-8")
            foreign = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
            assert not foreign, f"{path.name}: {foreign}"
            assert not re.search(
                r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|javascript:", text
            ), path.name
            assert "style=" not in text or path.suffix != ".html"


def test_the_font_has_its_licence_beside_it() -> None:
    assert "SIL OPEN FONT LICENSE" in (STATIC / "inter-licence.txt").read_text(encoding="utf-8")
