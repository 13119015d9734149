"""Train a config, with a loss of your choice: ``seglosses train`` by the path of a file.

python tools/train.py configs/bricks/unet_128.py --loss ce_dice_cldice --seed 0
torchrun --nproc_per_node=2 tools/train.py CONFIG --launcher pytorch
"""

from __future__ import annotations

import sys
from pathlib import Path

from seglosses.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]], typed=Path(sys.argv[0]).name))
