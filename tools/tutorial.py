"""Write the tutorial as a notebook: its page is the source.

    python tools/tutorial.py

writes ``docs/tutorial.ipynb`` from ``docs/tutorial.md``; with ``--check`` it writes nothing and
fails where the two differ.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def notebook(page: str) -> dict[str, Any]:
    """Cells of text and of code; shell commands get the mark of a notebook."""
    cells: list[dict[str, Any]] = []
    parts = BLOCK.split(page)
    for text, kind, code in zip(parts[::3], [*parts[1::3], ""], [*parts[2::3], ""], strict=True):
        if text.strip():
            cells.append({"cell_type": "markdown", "metadata": {}, "source": _lines(text)})
        if kind:
            code = code if kind == "python" else re.sub(r"^(?=seglosses)", "!", code, flags=re.M)
            cells.append({"cell_type": "code", "metadata": {}, "source": _lines(code),
                          "execution_count": None, "outputs": []})  # fmt: skip
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _lines(text: str) -> list[str]:
    return text.strip("\n").splitlines(keepends=True)


def main() -> int:
    """Write or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    made = json.dumps(notebook((DOCS / "tutorial.md").read_text(encoding="utf-8")), indent=1) + "\n"
    path = DOCS / "tutorial.ipynb"
    if parser.parse_args().check:
        same = path.is_file() and path.read_text(encoding="utf-8") == made
        print("" if same else f"{path} is not that of the page: python tools/tutorial.py")
        return int(not same)
    path.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
