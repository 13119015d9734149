"""The sub-command ``seglosses test``: mmseg's scores, and PNG files for ``seglosses evaluate``.

seglosses test configs/bricks/unet_128.py work_dirs/…/iter_300.pth --out work_dirs/test
seglosses evaluate work_dirs/test/predictions work_dirs/test/labels --out work_dirs/test
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from seglosses.hosts.needed import MMENGINE, need


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.

    Raises:
        ValueError: Without mmengine.
    """
    need(MMENGINE, "seglosses test")
    from seglosses.hosts.openmmlab.runs import add_arguments

    add_arguments(parser)
    parser.add_argument("checkpoint", help="a .pth file, trained with this config and loss")
    parser.add_argument("--out", help="folder for predictions/, labels/, images/ and scores.json")


def run(args: argparse.Namespace) -> int:
    """Compose the config, test, and write.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status 0.

    Raises:
        ValueError: The config, the data or the checkpoint is wrong, or there is nothing to do.
    """
    from mmengine.dist import is_main_process

    from seglosses.hosts.openmmlab.checkpoints import CheckpointError, explained, guard
    from seglosses.hosts.openmmlab.data_files import require_data
    from seglosses.hosts.openmmlab.runner import CheckedRunner
    from seglosses.hosts.openmmlab.runs import compose, has_test_labels, start_processes

    cfg = compose(
        args.config,
        loss=args.loss,
        data=args.data,
        work_dir=args.work_dir,
        options=args.cfg_options,
    )
    require_data(cfg, ("test_dataloader",))
    start_processes(cfg, args.launcher)
    if not Path(args.checkpoint).is_file():
        raise ValueError(f"there is no checkpoint {args.checkpoint}")
    cfg.load_from = args.checkpoint
    writer = {"type": "seglosses.WritePredictions", "out_dir": args.out}
    if args.out:
        given = cfg.test_evaluator
        evaluators = given if isinstance(given, list) else [given]
        cfg.test_evaluator = [*evaluators, writer]
    if not has_test_labels(cfg):
        if not args.out:
            raise ValueError(
                "the images have no labels, so there is nothing to score; give --out to write"
                " predictions"
            )
        print("the images have no labels; predictions are written, and nothing is scored")
        cfg.test_evaluator = [writer]
    guard(trust=args.trust_checkpoint)
    try:
        with explained("that the config names", "add --trust-checkpoint"):
            scores = CheckedRunner.from_cfg(cfg).test()
    except CheckpointError:
        raise
    except ValueError as error:  # of the framework: with its traceback, not as one line
        raise RuntimeError("the test failed") from error
    if args.out and is_main_process():
        text = json.dumps({name: float(value) for name, value in scores.items()}, indent=2)
        (Path(args.out) / "scores.json").write_text(text + "\n", encoding="utf-8")
    return 0
