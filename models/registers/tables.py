"""What is wrong with a table file."""


class BadTable(ValueError):  # noqa: N818 - a sentence for the reader of a file, not a fault of the program
    """A row of a table file is wrong; the message says which line, and what was expected."""
