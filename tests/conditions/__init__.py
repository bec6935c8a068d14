"""Each condition of the product is needed: without it, a test breaks.

`sites` finds the conditions in the sources, `mutants` takes one away in a running process, `trials` runs the tests that
pass the place until one fails, `book` remembers which did. `python -m tests.soak conditions` is the whole of it;
`equivalent.json` names the conditions that no test can miss, and why.
"""
