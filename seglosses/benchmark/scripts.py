"""Runs for a scheduler: a Slurm array, and plain commands for any other."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from seglosses.benchmark.processes import Job

ARRAY = """\
#!/usr/bin/env bash
#SBATCH --job-name=seglosses
#SBATCH --array=1-{count}
#SBATCH --output={folder}/slurm-%A_%a.out
#SBATCH --cpus-per-task=4
#SBATCH --requeue
{gpu}# Submit it again for runs that were cut off: what is finished is skipped, what is begun goes
# on, and what another job works on is left to it. Add time, partition and account of your cluster.
set -euo pipefail
bash -c "$(sed -n "${{SLURM_ARRAY_TASK_ID}}p" {commands})"
"""


def write_scripts(jobs: Sequence[Job], folder: Path, *, gpu: bool) -> list[Path]:
    """Write ``commands.txt``, one line per run, and ``array.sbatch``, which runs one line per task.

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
        python -m work 'a b' > /runs/log.txt 2>&1 True
    """
    folder.mkdir(parents=True, exist_ok=True)
    commands, array = folder / "commands.txt", folder / "array.sbatch"
    lines = [f"{shlex.join(job.command)} > {shlex.quote(str(job.log))} 2>&1" for job in jobs]
    commands.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    text = ARRAY.format(
        count=len(jobs),
        folder=folder,
        commands=shlex.quote(str(commands)),
        gpu="#SBATCH --gres=gpu:1\n" if gpu else "",
    )
    array.write_text(text, encoding="utf-8")
    return [commands, array]


def worker_command(folder: Path, *, parent: int | None) -> list[str]:
    """The words that do a run.

    Args:
        folder: Of the run.
        parent: Process with which it ends; None for a run of its own.

    Returns:
        A command.
    """
    words = [sys.executable, "-m", "seglosses.benchmark.worker", str(folder)]
    return words if parent is None else [*words, str(parent)]
