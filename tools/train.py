"""Train a config, with a loss of your choice.

python tools/train.py configs/bricks/unet_128.py --loss ce_dice_cldice --seed 0
torchrun --nproc_per_node=2 tools/train.py CONFIG --launcher pytorch
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from seglosses.hosts.openmmlab.checkpoints import CheckpointError, explained, guard
from seglosses.hosts.openmmlab.runner import CheckedRunner
from seglosses.hosts.openmmlab.runs import (
    add_arguments,
    compose,
    start_processes,
    use_amp,
)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train a config, with a loss of your choice.")
    add_arguments(parser)
    parser.add_argument("--labels", help="labels to train on: accurate, noisy or pseudo")
    parser.add_argument("--iters", type=int, help="length of the training")
    parser.add_argument("--seed", type=int, help="seed of weights, order and augmentation")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        help="resume from the newest undamaged checkpoint in the work dir, or from the one given",
    )
    parser.add_argument("--amp", action="store_true", help="half precision (needs a GPU)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Compose the config and run it."""
    args = parse(argv)
    try:
        cfg = compose(
            args.config,
            loss=args.loss,
            data=args.data,
            labels=args.labels,
            iters=args.iters,
            seed=args.seed,
            work_dir=args.work_dir,
            options=args.cfg_options,
        )
        if args.amp:
            use_amp(cfg)
        start_processes(cfg, args.launcher)
    except ValueError as error:
        raise SystemExit(f"train.py: {error}") from error
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == "auto" else args.resume
    guard(trust=args.trust_checkpoint)
    try:
        with explained("that the config names", "add --trust-checkpoint"):
            CheckedRunner.from_cfg(cfg).train()
    except CheckpointError as error:
        raise SystemExit(f"train.py: {error}") from error


if __name__ == "__main__":
    main()
