"""Sentences about what is wrong with somebody's input."""

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ValidationError

from models.wording import first_error


def _even(number: int) -> int:
    if number % 2:
        raise ValueError("expected an even number, as in “2”")
    return number


class _Inner(BaseModel):
    number: Annotated[int, AfterValidator(_even)]
    colour: Literal["red", "green"] = "red"


class _Outer(BaseModel):
    rows: list[_Inner]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rows": [{"number": 2}, {"number": 3}]}, ("rows.1.number", "expected an even number, as in “2”")),
        ({"rows": [{"number": 2, "colour": "blue"}]}, ("rows.0.colour", "Input should be 'red' or 'green'")),
        ([], ("", "Input should be a valid dictionary or instance of _Outer")),
    ],
)
def test_the_first_error_has_a_place_and_our_own_words_where_we_raised_it(given: object, said: tuple[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(given)

    assert first_error(caught.value) == said
