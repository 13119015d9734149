"""Put our losses into every loss slot of the heads of MMSegmentation and MMDetection.

    python tools/heads.py mmseg mmdet

writes the table of ``docs/heads.md``; with ``--check`` it writes nothing, and fails where the table
is another one, where a row has no explanation, or where a head of the library is in no row.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import warnings
from pathlib import Path

import torch
from head_walk import configs, table
from head_walk.rows import Row

PAGE = Path(__file__).parents[1] / "docs" / "heads.md"
WALKS = {
    "mmseg": ("head_walk.segmentation", configs.SEGMENTATION),
    "mmdet": ("head_walk.detection", configs.DETECTION),
}


def walk(library: str, paths: list[str]) -> tuple[list[Row], list[str]]:
    """Rows of the configs of a library, and configs whose own model does not run."""
    importlib.import_module(f"{library}.utils").register_all_modules(init_default_scope=True)
    module = importlib.import_module(WALKS[library][0])
    logging.disable(logging.WARNING)
    found: list[Row] = []
    broken: list[str] = []
    for path in paths:
        print(path, file=sys.stderr, flush=True)
        try:
            found += module.walk(path)
        except Exception as error:  # the others are walked all the same
            broken.append(f"{path}: {type(error).__name__}: {error}")
    return found, broken


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("libraries", nargs="+", choices=WALKS)
    parser.add_argument("--check", action="store_true", help="compare with the page instead")
    parser.add_argument("--only", help="configs whose path contains this; prints their rows")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    faults: list[str] = []
    for library in options.libraries:
        paths = [path for path in WALKS[library][1] if (options.only or "") in path]
        found, broken = walk(library, paths)
        faults += broken
        if options.only:
            print("\n".join(" | ".join(row) for row in found))
            continue
        faults += table.unexplained(found) + table.unwalked(library, found)
        fresh, page = table.rendered(found), PAGE.read_text()
        if options.check:
            faults += table.changed(table.part(page, library), fresh)
        else:
            PAGE.write_text(table.replaced(page, library, fresh))
    print("\n".join(faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
