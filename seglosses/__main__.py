"""``python -m seglosses``: the same as the ``seglosses`` command."""

from __future__ import annotations

import sys

from seglosses.cli import main

if __name__ == "__main__":
    sys.exit(main())
