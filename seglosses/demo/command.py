"""The sub-command ``seglosses demo``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from seglosses.benchmark.checkout import ROOT
from seglosses.benchmark.processes import run_jobs
from seglosses.datasets.topomortar import LABELS, find_root
from seglosses.datasets.write import BrickSet, write_dataset
from seglosses.demo.comparison import as_text, compare, write_csv
from seglosses.demo.report import write_report
from seglosses.demo.runs import Run, Setting, plan
from seglosses.evaluate import Evaluation, evaluate

BRICKS = BrickSet(size=(128, 128), train=50, val=4, test=24)
METRICS = ("dice", "iou", "hd95", "betti0_error", "betti1_error", "cldice")
LOSSES = ("ce_dice", "ce_dice_cldice")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.description = (
        "Train a small network with two losses (same seed, same batches) through MMSegmentation,"
        " test both, and compare them. A second run reuses what is there and fits."
    )
    add = parser.add_argument
    add("--data", type=Path, help="folder in the TopoMortar layout; without it, generated bricks")
    add("--labels", choices=LABELS,
        help="labels to train on (accurate; pseudo on bricks, for errors to see)")  # fmt: skip
    add("--losses", nargs="+", default=list(LOSSES), metavar="NAME",
        help=f"mix-ins of configs/losses, the one to beat first ({' '.join(LOSSES)})")  # fmt: skip
    add("--iters", type=int, default=200, help="length of each training (200)")
    add("--seed", type=int, default=0, help="seed of weights, order and augmentation (0)")
    add("--out", type=Path, default=Path("work_dirs/quickstart"), metavar="DIR",
        help="folder for everything that is written (work_dirs/quickstart)")  # fmt: skip
    add("--fresh", action="store_true", help="train anew even where a fitting run is there")


def run(args: argparse.Namespace) -> int:
    """Data, trainings, tests, scores, one table."""
    started = time.monotonic()
    out: Path = args.out.resolve()
    labels = args.labels or ("pseudo" if args.data is None else "accurate")
    if args.data is None:
        leaf, data = ROOT / "configs" / "bricks" / "unet_128.py", out / "bricks"
        written = write_dataset(data, BRICKS)
        print(f"bricks: {written.made} walls made, {written.reused} reused, in {_short(data)}")
    else:
        leaf, data = ROOT / "configs" / "topomortar" / "unet_128.py", find_root(args.data).resolve()
    setting = Setting(leaf, data, labels, args.iters, args.seed)
    runs = plan(out, args.losses, setting)
    _train_and_test(runs, fresh=args.fresh)
    evaluations = {one.mixin: _evaluate(one) for one in runs}
    rows = compare(evaluations)
    facts = {
        "data": f"{_short(data)}, {labels} training labels",
        "config": _short(leaf),
        "losses": ", ".join(_short(ROOT / "configs" / "losses" / f"{n}.py") for n in args.losses),
        "training": f"{args.iters} iterations; seed {args.seed}: same first weights, same batches",
        **{one.training().name: " ".join(map(_short, one.training().command)) for one in runs},
    }
    write_csv(rows, out / "summary.csv")
    write_report(out / "report.html", rows, evaluations, runs[0].tested / "images", facts)
    print(f"\n{as_text(rows)}\n")
    print("↑ higher is better, ↓ lower; a change is better or worse where its 95 % interval over")
    print("the test images excludes zero. One seed: another training moves these numbers too.\n")
    print(f"{_short(out / 'report.html')}  {_short(out / 'summary.csv')}")
    print(f"{time.monotonic() - started:.0f} s in all")
    return 0


def _train_and_test(runs: list[Run], *, fresh: bool) -> None:
    states = {one.mixin: one.prepare(fresh=fresh) for one in runs}
    for one in runs:
        word = {"tested": "reused", "trained": "to be tested", "begun": "to be resumed"}
        print(f"{one.mixin}: {word.get(states[one.mixin], 'to be trained')}")
    stages = (
        [one.training() for one in runs if states[one.mixin] in ("new", "begun")],
        [one.testing() for one in runs if states[one.mixin] != "tested"],
    )
    for jobs in stages:
        for name, seconds in run_jobs(jobs).items():
            print(f"{name}: {seconds:.0f} s")


def _evaluate(one: Run) -> Evaluation:
    return evaluate(
        one.tested / "predictions",
        one.tested / "labels",
        out=one.folder / "evaluation",
        num_classes=2,
        class_names=["brick", "mortar"],
        ignore_index=255,
        metrics=METRICS,
        images=one.tested / "images",
    )


def _short(path: str | Path) -> str:
    """A path below the current folder without that folder; other words as they are."""
    try:
        return Path(path).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
