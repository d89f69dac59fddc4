"""The page of the rooms says what the sources say."""

import ast

import pytest

from tests import picture
from tests.test_architecture import ROOMS, ROOT


def test_the_page_of_the_rooms_is_current() -> None:
    assert picture.PAGE.read_text() == picture.page(), "run: make picture"


@pytest.mark.parametrize("name", [name for name in ROOMS if (ROOT / name.replace(".", "/")).is_dir()])
def test_a_room_says_in_a_full_sentence_what_it_is(name: str) -> None:
    file = ROOT / name.replace(".", "/") / "__init__.py"
    first = (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n\n")[0]

    assert first.endswith((".", ":"))
    assert len(first.split()) > 3
