"""The sub-command ``seglosses train``: one of our configs or yours, with a loss of your choice.

    seglosses train configs/bricks/unet_128.py --loss ce_dice_cldice --seed 0
    torchrun --nproc_per_node=2 -m seglosses train CONFIG --launcher pytorch

Training itself is mmengine's.
"""

from __future__ import annotations

import argparse

from seglosses.hosts.needed import MMENGINE, need


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.

    Raises:
        ValueError: Without mmengine.
    """
    need(MMENGINE, "seglosses train")
    from seglosses.hosts.openmmlab.runs import add_arguments

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


def run(args: argparse.Namespace) -> int:
    """Compose the config and train it.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status 0.

    Raises:
        ValueError: The config, the loss or a checkpoint is wrong, or data are missing.
    """
    from seglosses.hosts.openmmlab.checkpoints import CheckpointError, explained, guard
    from seglosses.hosts.openmmlab.data_files import require_data
    from seglosses.hosts.openmmlab.runner import CheckedRunner
    from seglosses.hosts.openmmlab.runs import compose, start_processes, use_amp

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
    require_data(cfg, ("train_dataloader", "val_dataloader"))
    start_processes(cfg, args.launcher)
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == "auto" else args.resume
    guard(trust=args.trust_checkpoint)
    try:
        with explained("that the config names", "add --trust-checkpoint"):
            CheckedRunner.from_cfg(cfg).train()
    except CheckpointError:
        raise
    except ValueError as error:  # of the framework: with its traceback, not as one line
        raise RuntimeError(f"the training failed: {error}") from error
    return 0
