"""Test a checkpoint: mmseg's scores, and PNG files for ``seglosses evaluate``.

python tools/test.py configs/bricks/unet_128.py work_dirs/…/iter_300.pth --out work_dirs/test
seglosses evaluate work_dirs/test/predictions work_dirs/test/labels --out work_dirs/test
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from mmengine.dist import is_main_process

from seglosses.hosts.openmmlab.checkpoints import CheckpointError, explained, guard
from seglosses.hosts.openmmlab.runner import CheckedRunner
from seglosses.hosts.openmmlab.runs import (
    add_arguments,
    compose,
    has_test_labels,
    start_processes,
)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Test a checkpoint: mmseg's scores, and PNG files for `seglosses evaluate`."
    )
    add_arguments(parser)
    parser.add_argument("checkpoint", help="a .pth file, trained with this config and loss")
    parser.add_argument("--out", help="folder for predictions/, labels/, images/ and scores.json")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Compose the config, test, and write."""
    args = parse(argv)
    try:
        cfg = compose(
            args.config,
            loss=args.loss,
            data=args.data,
            work_dir=args.work_dir,
            options=args.cfg_options,
        )
        start_processes(cfg, args.launcher)
    except ValueError as error:
        raise SystemExit(f"test.py: {error}") from error
    if not Path(args.checkpoint).is_file():
        raise SystemExit(f"test.py: there is no checkpoint {args.checkpoint}")
    cfg.load_from = args.checkpoint
    if args.out:
        given = cfg.test_evaluator
        evaluators = given if isinstance(given, list) else [given]
        writer = {"type": "seglosses.WritePredictions", "out_dir": args.out}
        cfg.test_evaluator = [*evaluators, writer]
    if not has_test_labels(cfg):
        if not args.out:
            raise SystemExit(
                "test.py: the images have no labels, so there is nothing to score; give --out to"
                " write predictions"
            )
        print("test.py: the images have no labels; predictions are written, and nothing is scored")
        cfg.test_evaluator = [writer]
    guard(trust=args.trust_checkpoint)
    try:
        with explained("that the config names", "add --trust-checkpoint"):
            scores = CheckedRunner.from_cfg(cfg).test()
    except CheckpointError as error:
        raise SystemExit(f"test.py: {error}") from error
    if args.out and is_main_process():
        text = json.dumps({name: float(value) for name, value in scores.items()}, indent=2)
        (Path(args.out) / "scores.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
