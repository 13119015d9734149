"""The sub-command ``seglosses benchmark``, which has sub-commands of its own."""

from __future__ import annotations

import argparse

from seglosses.benchmark import report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``report``."""
    children = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    child = children.add_parser(
        "report",
        help="tables, tests and figures from the scores of runs",
        description="Compare losses: tables with tests, figures; as CSV, Markdown, LaTeX, HTML.",
    )
    report.add_arguments(child)
    child.set_defaults(task_run=report.run)


def run(args: argparse.Namespace) -> int:
    """Do the task."""
    status: int = args.task_run(args)
    return status
