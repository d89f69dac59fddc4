"""`python -m streams.cli`: the same as the console script `lotrinh`."""

from streams.cli import main

main()
