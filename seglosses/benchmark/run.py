"""``seglosses benchmark run``: train, predict and score every loss with every seed."""

from __future__ import annotations

import argparse
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from seglosses.benchmark.campaign import Campaign
from seglosses.benchmark.checkout import mixin_stem, need_mixins
from seglosses.benchmark.claims import TAKEN
from seglosses.benchmark.devices import Slot, check_wishes, choose_slots, read_gpus, visible_gpus
from seglosses.benchmark.engines import ENGINES, OWN
from seglosses.benchmark.plan import Run, plan, read_seeds, seeds_there
from seglosses.benchmark.processes import run_jobs, run_jobs_on_cluster
from seglosses.benchmark.profiles import PROFILES
from seglosses.benchmark.scripts import write_scripts
from seglosses.benchmark.training_data import BRICKS, add_data, training_data
from seglosses.datasets.topomortar import TRAIN_SIZES
from seglosses.hosts.parent import ended_by_signal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Args:
        parser: Parser of the sub-command.
    """
    profiles = "; ".join(f"{name}: {profile.about}" for name, profile in PROFILES.items())
    add = parser.add_argument
    add_data(parser, labels="accurate", meaning="accurate")
    add("--losses", default="ce_dice,ce_dice_cldice", metavar="A,B,C",
        help="mix-ins of configs/losses, or files like them (ce_dice,ce_dice_cldice)")  # fmt: skip
    add("--engine", choices=tuple(ENGINES), default="mmseg",
        help="train with MMSegmentation, or with nnU-Net's whole pipeline;"
        f" its own loss is called {OWN} (mmseg)")  # fmt: skip
    add("--train-size", choices=TRAIN_SIZES, default="large", help="training set (large)")
    add("--profile", choices=tuple(PROFILES), default="smoke", help=f"{profiles} (smoke)")
    add("--iters", type=int, help="length of each training, instead of the profile's")
    add("--seeds", default="0-2", help="seeds, as 0-9 or 0,3,5 (0-2)")
    add("--out", type=Path, default=Path("work_dirs/benchmark"), metavar="RUNS",
        help="folder for scores and runs; finished runs in it are skipped")  # fmt: skip
    add("--balance", action="store_true",
        help="measure the gradient of each loss, for the report; such runs count"
        " as different ones")  # fmt: skip
    add("--gpus", type=read_gpus, metavar="0,1,...",
        help="GPUs to train on, one run on each at a time; `0,0` trains two on GPU 0,"
        " `none` on CPUs (default: all that are visible)")  # fmt: skip
    add("--jobs", type=int,
        help="most trainings at a time (one per GPU; without GPUs one per core)")  # fmt: skip
    add("--cluster", metavar="ADDRESS",
        help="address of a running Dask scheduler; each thread of its workers trains")  # fmt: skip
    add("--plan", action="store_true",
        help="train nothing: write the runs as a Slurm array and as plain commands")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Plan, skip what is finished, run the rest.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status.
    """
    losses = args.losses.split(",")
    need_mixins(losses, others=[OWN] if args.engine == "nnunet" else [])
    ENGINES[args.engine].check("seglosses benchmark run")
    seeds = read_seeds(args.seeds)
    gpu = PROFILES[args.profile].gpu
    check_wishes(args.gpus, args.jobs, needs_gpu=gpu)
    slots = None
    if not args.plan and args.cluster is None:
        slots = choose_slots(args.gpus, args.jobs, needs_gpu=gpu, visible=visible_gpus())
    out: Path = args.out.resolve()
    data = training_data(args.data, out, BRICKS)
    _keep_groups(data, out)
    campaign = Campaign(
        out, data, args.labels, args.train_size, args.profile, args.iters,
        balance=args.balance, engine=args.engine,
    )  # fmt: skip
    runs = plan(campaign, losses, seeds)
    _refuse_other_siblings(campaign, losses, seeds)
    todo = [one for one in runs if not one.finished()]
    print(f"{len(runs)} runs, {len(runs) - len(todo)} finished before; scores go to {args.out}")
    if args.plan:
        return _plan(todo, args.out.resolve() / "plan", gpu=gpu or bool(args.gpus))
    with ended_by_signal():
        _run(todo, slots, args.cluster)
    left = [one.name for one in todo if not one.finished()]
    if left:
        are = "is" if len(left) == 1 else "are"
        print(f"{len(left)} of {len(runs)} runs {are} being done elsewhere: {', '.join(left)}")
        print("start again when they have ended: what is finished is skipped")
        return TAKEN
    baseline, report = mixin_stem(losses[0]), str(args.out / "report")
    words = ["seglosses", "benchmark", "report", str(args.out), "--baseline", baseline]
    print(shlex.join([*words, "--out", report]))
    return 0


def _refuse_other_siblings(campaign: Campaign, losses: Sequence[str], seeds: Sequence[int]) -> None:
    """Where other seeds of a loss were made otherwise, their scores would be averaged with ours."""
    others = sorted(seeds_there(campaign, losses) - set(seeds))
    for one in plan(campaign, losses, others) if others else ():
        if not one.is_like():
            one.refuse_another()


def _run(todo: list[Run], slots: list[Slot] | None, cluster: str | None) -> None:
    if cluster is not None:
        seconds = run_jobs_on_cluster([one.job(alone=True) for one in todo], cluster)
    else:
        seconds = run_jobs([one.job() for one in todo], slots=slots, keep_going=True)
    for name, took in seconds.items():
        print(f"{name}: {took:.0f} s")


def _plan(todo: list[Run], folder: Path, *, gpu: bool) -> int:
    """Prepare every run, and write what starts them."""
    if not todo:
        print("nothing is left to run")
        return 0
    jobs = [one.job(alone=True) for one in todo]
    commands, array = write_scripts(jobs, folder, gpu=gpu)
    print(shlex.join(["sbatch", str(array)]))
    print(f"{commands}: one command per run, for any scheduler; each may be started again")
    return 0


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
    if not copy.is_file():
        shutil.copyfile(source, copy)
