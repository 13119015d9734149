"""Train a config, with a loss of your choice.

python tools/train.py configs/bricks/unet_128.py --loss ce_dice_cldice --seed 0
torchrun --nproc_per_node=2 tools/train.py CONFIG --launcher pytorch
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mmengine.config import DictAction
from mmengine.runner import Runner

from seglosses.openmmlab.runs import compose, start_processes, trust_own_checkpoints, use_amp


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train a config, with a loss of your choice.")
    parser.add_argument("config", help="leaf config, such as configs/bricks/unet_128.py")
    parser.add_argument("--loss", help="mix-in: a name in configs/losses, or a .py file")
    parser.add_argument("--data", help="folder of the data (data_root of every dataset)")
    parser.add_argument("--labels", help="labels to train on: accurate, noisy or pseudo")
    parser.add_argument("--iters", type=int, help="length of the training")
    parser.add_argument("--seed", type=int, help="seed of weights, order and augmentation")
    parser.add_argument("--work-dir", help="folder for logs and checkpoints")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        help="go on from the latest checkpoint in the work dir, or from the one given",
    )
    parser.add_argument("--amp", action="store_true", help="half precision (needs a GPU)")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        help="changes to the config: key=value with dots, such as optim_wrapper.optimizer.lr=0.01",
    )
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
    trust_own_checkpoints()
    Runner.from_cfg(cfg).train()


if __name__ == "__main__":
    main()
