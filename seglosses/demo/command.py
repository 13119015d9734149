"""The sub-command ``seglosses demo``."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from seglosses.benchmark import training_data
from seglosses.benchmark.campaign import Campaign
from seglosses.benchmark.checkout import need_mixins
from seglosses.benchmark.engines import ENGINES
from seglosses.benchmark.plan import Run, plan
from seglosses.benchmark.processes import run_jobs
from seglosses.demo.comparison import as_text, compare, write_csv
from seglosses.demo.report import write_report
from seglosses.evaluate import Evaluation, evaluate

BRICKS = replace(training_data.BRICKS, test=24)
METRICS = ("dice", "iou", "hd95", "betti0_error", "betti1_error", "cldice")
LOSSES = ("ce_dice", "ce_dice_cldice")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.description = (
        "Train a small network with two losses (same seed, same batches) through MMSegmentation,"
        " test both, and compare them. A second run reuses finished trainings that match."
    )
    add = parser.add_argument
    shown = "accurate; pseudo on bricks, to show errors"
    training_data.add_data(parser, labels=None, meaning=shown)
    add("--losses", nargs="+", default=list(LOSSES), metavar="NAME",
        help=f"mix-ins of configs/losses, the baseline first ({' '.join(LOSSES)})")  # fmt: skip
    add("--iters", type=int, default=200, help="length of each training (200)")
    add("--seed", type=int, default=0, help="seed of weights, order and augmentation (0)")
    add("--out", type=Path, default=Path("work_dirs/quickstart"), metavar="DIR",
        help="folder for everything that is written (work_dirs/quickstart)")  # fmt: skip
    add("--fresh", action="store_true", help="train again even where a matching run exists")


def run(args: argparse.Namespace) -> int:
    """Data, trainings, tests, scores, one table."""
    started = time.monotonic()
    need_mixins(args.losses)
    ENGINES["mmseg"].check("seglosses demo")
    out: Path = args.out.resolve()
    labels = args.labels or ("pseudo" if args.data is None else "accurate")
    leaf = "bricks/unet_128.py" if args.data is None else "topomortar/unet_128.py"
    data = training_data.training_data(args.data, out, BRICKS)
    campaign = Campaign(out, data, labels, "large", "smoke", args.iters, leaf, all_groups=False)
    runs = plan(campaign, args.losses, [args.seed], lambda loss, _: out / loss)
    _train_and_test(runs, fresh=args.fresh)
    evaluations = {_loss(one): _evaluate(one) for one in runs}
    rows = compare(evaluations)
    facts = {
        "data": f"{_short(data)}, {labels} training labels",
        "config": f"configs/{leaf}",
        "losses": ", ".join(f"configs/losses/{name}.py" for name in args.losses),
        "training": f"{args.iters} iterations; seed {args.seed}: same first weights, same batches",
        **{
            f"train {_loss(one)}": f"seglosses train {_short(one.folder / 'config.py')}"
            for one in runs
        },
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
    words = {"finished": "reused", "trained": "to be tested", "begun": "to be resumed"}
    todo = []
    for one in runs:
        if fresh or one.state() == "new":
            one.forget()
        print(f"{_loss(one)}: {words.get(one.state(), 'to be trained')}")
        if one.state() != "finished":
            todo.append(one.job())
    for name, seconds in run_jobs(todo).items():
        print(f"{name}: {seconds:.0f} s")
    if left := [_loss(one) for one in runs if not one.finished()]:
        raise ValueError(f"another process trains {', '.join(left)}; start again when it has ended")


def _loss(one: Run) -> str:
    return str(one.card["loss"])


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
