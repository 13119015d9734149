"""Scores of a folder of predictions: tables, summary and report, from Python or the shell."""

from seglosses.evaluate.command import add_arguments, run
from seglosses.evaluate.folders import evaluate
from seglosses.evaluate.options import Options
from seglosses.evaluate.outcome import IncompleteError
from seglosses.evaluate.result import Evaluation, Failure

__all__ = [
    "Evaluation",
    "Failure",
    "IncompleteError",
    "Options",
    "add_arguments",
    "evaluate",
    "run",
]
