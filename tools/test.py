"""Test a checkpoint: ``seglosses test`` by the path of a file.

python tools/test.py configs/bricks/unet_128.py work_dirs/…/iter_300.pth --out work_dirs/test
seglosses evaluate work_dirs/test/predictions work_dirs/test/labels --out work_dirs/test
"""

from __future__ import annotations

import sys
from pathlib import Path

from seglosses.cli import main

if __name__ == "__main__":
    sys.exit(main(["test", *sys.argv[1:]], typed=Path(sys.argv[0]).name))
