"""The sub-command ``seglosses nnunet-path``.

export nnUNet_extTrainer="$(seglosses nnunet-path)"
nnUNetv2_train DATASET 2d 0 -tr nnUNetTrainerClDice
"""

from __future__ import annotations

import argparse
from pathlib import Path

TRAINERS = Path(__file__).parent / "trainers"
"""Nothing but trainers lies there, for nnU-Net imports all it finds and forgets it again."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments.

    Args:
        parser: Parser of the sub-command.
    """
    parser.description = "Print the folder for nnUNet_extTrainer, where nnU-Net finds our trainers."


def run(args: argparse.Namespace) -> int:
    """Print the folder.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status 0.
    """
    print(TRAINERS)
    return 0
