"""The sub-command ``seglosses benchmark``, which has sub-commands of its own."""

from __future__ import annotations

import argparse

from seglosses.benchmark import report
from seglosses.benchmark import run as train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the tasks.

    Args:
        parser: Parser of the sub-command.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> parser.parse_args(["report", "runs", "--out", "tables"]).baseline
        'CEDice'
    """
    children = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    trains = children.add_parser(
        "run",
        help="train, predict and score losses with several seeds",
        description="Train every loss with every seed through MMSegmentation, predict, and score"
        " into RUNS/<framework>/<labels>/<size>/<loss>/<seed>.csv. It can be stopped and"
        " started again: finished runs are skipped, and begun ones go on.",
    )
    train.add_arguments(trains)
    trains.set_defaults(task_run=train.run)
    reports = children.add_parser(
        "report",
        help="make tables, tests and figures of the scores of runs",
        description="Compare losses by tables with tests, and figures: CSV, Markdown, LaTeX, HTML.",
    )
    report.add_arguments(reports)
    reports.set_defaults(task_run=report.run)


def run(args: argparse.Namespace) -> int:
    """Do the task.

    Args:
        args: Of :func:`add_arguments`.

    Returns:
        Exit status.
    """
    status: int = args.task_run(args)
    return status
