"""Runs for a scheduler: a Slurm array, and plain commands for any other."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from seglosses.benchmark.cards import write_at_once
from seglosses.benchmark.processes import Job

ARRAY = """\
#!/usr/bin/env bash
#SBATCH --job-name=seglosses
#SBATCH --array=1-{count}
#SBATCH --output={output}
#SBATCH --cpus-per-task=4
#SBATCH --requeue
{gpu}# Submit it again for runs that were cut off: what is finished is skipped, what is begun goes
# on, and what another job works on is left to it. Add time, partition and account of your cluster.
set -euo pipefail
case "$SLURM_ARRAY_TASK_ID" in
{cases}
*) echo "this plan has the runs 1 to {count}, and no $SLURM_ARRAY_TASK_ID" >&2; exit 2 ;;
esac
"""


def write_scripts(jobs: Sequence[Job], folder: Path, *, gpu: bool) -> list[Path]:
    """Write ``commands.txt``, one line per run, and ``array.sbatch``, which does one run per task.

    Slurm keeps the array as it was when it was submitted, so it holds the commands itself: a later
    plan does not change what waits.

    Args:
        jobs: Of :meth:`seglosses.benchmark.plan.Run.job`, without a parent process.
        folder: To write to, on a file system that all machines see.
        gpu: Whether each run wants a GPU.

    Returns:
        The two files.

    Example:
        >>> import tempfile
        >>> job = Job("ce seed 0", ["python", "-m", "work", "a b"], Path("/runs/log.txt"))
        >>> with tempfile.TemporaryDirectory() as top:
        ...     commands, array = write_scripts([job], Path(top), gpu=True)
        ...     print(commands.read_text().strip(), "--array=1-1" in array.read_text())
        python -m work 'a b' >> /runs/log.txt 2>&1 True
    """
    folder.mkdir(parents=True, exist_ok=True)
    commands, array = folder / "commands.txt", folder / "array.sbatch"
    # a run that is claimed elsewhere writes there as well
    lines = [f"{shlex.join(job.command)} >> {shlex.quote(str(job.log))} 2>&1" for job in jobs]
    # at once: a program may be reading an older plan
    write_at_once(commands, "".join(f"{line}\n" for line in lines))
    text = ARRAY.format(
        count=len(jobs),
        output=_slurm_file(folder),
        cases="\n".join(f"{number}) exec {line} ;;" for number, line in enumerate(lines, 1)),
        gpu="#SBATCH --gres=gpu:1\n" if gpu else "",
    )
    write_at_once(array, text)
    return [commands, array]


def _slurm_file(folder: Path) -> str:
    """Where a task prints to, as Slurm reads it: quoted, and with %% for a %."""
    name = str(folder).replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}/slurm-%A_%a.out"'


def worker_command(folder: Path, *, parent: int | None, stamp: str) -> list[str]:
    """The words that do a run.

    Args:
        folder: Of the run.
        parent: Process with which it ends; None for a run of its own.
        stamp: Of the card that is planned now: a later plan may put another run there.

    Returns:
        A command.
    """
    words = [sys.executable, "-m", "seglosses.benchmark.worker", str(folder)]
    return [*words, "-" if parent is None else str(parent), stamp]
