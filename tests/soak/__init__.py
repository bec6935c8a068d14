"""What takes longer than `make test` may: `python -m tests.soak [part] --minutes 30 [--seed 7]`.

Each module here with a function `run(until, console)` is a part: it works until `time.monotonic()` is `until`, prints
a table of what it did, and gives the number of failures. One that takes a third argument `seed` gets that of the
command line, and then tries this seed only. A failing seed prints the one command that replays it.
"""
