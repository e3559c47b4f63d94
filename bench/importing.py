"""How long an import takes, in a process that has loaded nothing else.

usage: importing.py STEP

Steps: ``package`` imports the package, ``client`` makes a client too, ``floor`` imports what the package cannot do
without. Run as a file, so that nothing is loaded before.
"""

from __future__ import annotations

import sys
import time


def main() -> None:
    """Import, and print how many milliseconds that took."""
    step = sys.argv[1]
    began = time.perf_counter()
    if step == "floor":
        for name in ("msgspec", "anyio"):
            __import__(name)
    else:
        import meerkat  # noqa: PLC0415

        if step == "client":
            meerkat.MeerkatClient("unused")
    print(f'{{"import": {(time.perf_counter() - began) * 1000}}}')


if __name__ == "__main__":
    main()
