"""A soak: mixed work at full speed for minutes while faults are injected, and a judgement of what is left over.

Run by ``python -m tests.soak``; ``test_soak.py`` runs the same code for seconds. `turns`, `calls` and `strangers` have
the pieces of work, `host` a runtime that is struck down now and then. `course` runs both and stops everything at
intervals, `measure` takes stock at such a rest, `verdict` judges what was measured, `report` prints it.
"""
