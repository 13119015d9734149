"""``seglosses benchmark run``: train, predict and score every loss with every seed."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from seglosses.benchmark.checkout import mixin_stem, need_mixins
from seglosses.benchmark.plan import PROFILES, Campaign, Run, plan, read_seeds, training_data
from seglosses.benchmark.processes import run_jobs
from seglosses.datasets.topomortar import LABELS, TRAIN_SIZES
from seglosses.datasets.write import BrickSet
from seglosses.hosts.needed import MMSEG, need

BRICKS = BrickSet(size=(128, 128), train=50, val=4, test=12)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.
    """
    profiles = "; ".join(f"{name}: {profile.about}" for name, profile in PROFILES.items())
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR",
        help="folder in the TopoMortar layout; without it, generated bricks")  # fmt: skip
    add("--losses", default="ce_dice,ce_dice_cldice", metavar="A,B,C",
        help="mix-ins of configs/losses, or files like them (ce_dice,ce_dice_cldice)")  # fmt: skip
    add("--labels", choices=LABELS, default="accurate", help="labels to train on (accurate)")
    add("--train-size", choices=TRAIN_SIZES, default="large", help="training set (large)")
    add("--profile", choices=tuple(PROFILES), default="smoke", help=f"{profiles} (smoke)")
    add("--iters", type=int, help="length of each training, instead of the profile's")
    add("--seeds", default="0-2", help="0-9 or 0,3,5 (0-2)")
    add("--out", type=Path, default=Path("work_dirs/benchmark"), metavar="RUNS",
        help="folder for scores and runs; finished runs in it are skipped")  # fmt: skip
    add("--balance", action="store_true",
        help="measure the gradient of each loss, for the report; makes other runs")  # fmt: skip
    add("--jobs", type=int, help="trainings at the same time (one per core)")


def run(args: argparse.Namespace) -> int:
    """Plan, skip what is finished, run the rest.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status.
    """
    losses = args.losses.split(",")
    need_mixins(losses)
    need(MMSEG, "seglosses benchmark run")
    seeds = read_seeds(args.seeds)
    if PROFILES[args.profile].gpu:
        _need_gpu(args.profile)
    out: Path = args.out.resolve()
    data = training_data(args.data, out, BRICKS)
    _keep_groups(data, out)
    campaign = Campaign(
        out, data, args.labels, args.train_size, args.profile, args.iters, balance=args.balance
    )
    runs = plan(campaign, losses, seeds)
    todo = [one for one in runs if not one.finished()]
    print(f"{len(runs)} runs, {len(runs) - len(todo)} finished before; scores go to {args.out}")
    _run(todo, args.jobs)
    baseline = mixin_stem(losses[0])
    print(f"seglosses benchmark report {args.out} --baseline {baseline} --out {args.out}/report")
    return 0


def _run(todo: list[Run], jobs: int | None) -> None:
    if jobs is not None and jobs < 1:
        raise ValueError(f"expected --jobs of at least 1, got {jobs}")
    at_once = jobs or os.cpu_count() or 1
    for name, seconds in run_jobs(
        [one.job() for one in todo], at_once=at_once, keep_going=True
    ).items():
        print(f"{name}: {seconds:.0f} s")


def _keep_groups(data: Path, out: Path) -> None:
    """Copy the groups of the test images, which a report needs, beside the scores."""
    source, copy = data / "dataset_types.txt", out / "dataset_types.txt"
    if not source.is_file():
        raise ValueError(
            f"expected {source} (ID,group); without it no report can tell groups apart"
        )
    if copy.is_file() and copy.read_bytes() != source.read_bytes():
        raise ValueError(
            f"{out} holds runs on another data set than {data}; take another --out for each"
        )
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)


def _need_gpu(profile: str) -> None:
    import torch

    if not torch.cuda.is_available():
        raise ValueError(f"--profile {profile} needs a GPU; --profile cpu runs anywhere")
