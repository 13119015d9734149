"""The ``seglosses`` command: a table of sub-commands, each living in the module it drives.

A sub-command is one row of :data:`COMMANDS`: its name, the module that serves it and one line of
help. That module provides two functions::

    def add_arguments(parser: argparse.ArgumentParser) -> None: ...
    def run(args: argparse.Namespace) -> int: ...

``add_arguments`` may also set ``parser.description``; ``run`` returns the exit status. Only the
module of the sub-command that was called is imported, so ``seglosses --help`` stays instant and a
missing optional library hurts only the commands that need it.

Exit status: 0 done, 1 the command ran and found something wrong, 2 it could not run.
"""

from __future__ import annotations

import argparse
import codecs
import importlib
import io
import os
import sys
from collections.abc import Sequence

from seglosses import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "bricks": ("seglosses.datasets.write", "write a generated brick-wall data set"),
    "check-data": ("seglosses.datasets.check", "say what is missing or damaged in a data set"),
    "arrange": (
        "seglosses.datasets.arrange",
        "make a data set of two folders and a list of splits",
    ),
    "to-coco": ("seglosses.datasets.coco", "write the bricks of a data set as COCO objects"),
    "audit": ("seglosses.audit", "check any loss, ours or not, against the laws"),
    "converge": ("seglosses.converge", "show how fast box losses bring boxes to their targets"),
    "list": (
        "seglosses.catalogue.listing",
        "find losses, metrics, mix-ins and hooks, and what each takes",
    ),
    "doctor": ("seglosses.doctor", "say what is installed, and which versions do not fit together"),
    "advise": ("seglosses.advise", "say which losses suit a folder of labels, and why"),
    "evaluate": ("seglosses.evaluate", "score predictions: tables, summary and report"),
    "compare": ("seglosses.compare", "compare two or more folders of predictions, image by image"),
    "calibrate": ("seglosses.calibrate", "fit a temperature to probabilities, with a report"),
    "topology": ("seglosses.evaluate.topology", "draw which parts of a prediction match the label"),
    "benchmark": ("seglosses.benchmark", "train and compare losses, over settings and seeds"),
    "train": ("seglosses.hosts.train", "train a config of OpenMMLab with a loss of your choice"),
    "test": ("seglosses.hosts.test", "test a checkpoint, and write predictions to evaluate"),
    "nnunet-path": ("seglosses.hosts.nnunet.path", "print the folder of our nnU-Net trainers"),
    "demo": ("seglosses.demo", "train two losses on bricks through mmseg and compare them"),
}

PLAIN = {
    "−": "-", "–": "-", "—": "-", "×": "x", "·": "|", "…": "...", "±": "+/-", "≥": ">=", "≤": "<=",
    "↑": "^", "↓": "v", "→": "->", "★": "*", "☆": "o", "†": "+",
}  # fmt: skip
"""What a terminal that lacks a character shows in its place; ``?`` for all others."""


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(letter, "?") for letter in lacking), error.end


codecs.register_error("seglosses.plain", _plainly)


def _knows_minus(encoding: str) -> bool:
    try:
        "−".encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def build_parser(command: str | None = None, typed: str | None = None) -> argparse.ArgumentParser:
    """Build the parser; only ``command`` gets its own arguments (and its module imported).

    Args:
        command: Sub-command that is called.
        typed: How the user calls it, when not as ``seglosses COMMAND``; for its usage line.

    Example:
        >>> build_parser().prog
        'seglosses'
    """
    parser = argparse.ArgumentParser(
        prog="seglosses",
        description="Losses and metrics for models that must get the shape right.",
    )
    parser.add_argument("--version", action="version", version=f"seglosses {__version__}")
    children = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        called = typed if name == command else None
        child = children.add_parser(
            name, prog=called, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if name == command:
            importlib.import_module(module).add_arguments(child)
    return parser


def main(argv: Sequence[str] | None = None, typed: str | None = None) -> int:
    """Run one sub-command and return its exit status.

    Args:
        argv: Arguments after the program's name; ``None`` reads ``sys.argv``.
        typed: How the user calls the sub-command, ``None`` for ``seglosses COMMAND``; usage lines
            and errors name it.

    Returns:
        What the sub-command's ``run`` returned, or 2 after an error that names its remedy
        (``ValueError``, ``OSError`` and a missing torch are printed as one line; anything else
        is a defect and keeps its traceback), 130 after Ctrl-C, or 141 when the reader of its
        output left, as ``| head`` does.
    """
    for stream in (sys.stdout, sys.stderr):
        # a minus sign that the terminal's encoding lacks must not end a run at its last line
        if isinstance(stream, io.TextIOWrapper) and not _knows_minus(stream.encoding):
            stream.reconfigure(errors="seglosses.plain")
    words = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in words if not word.startswith("-")), None)
    try:
        args = build_parser(command if command in COMMANDS else None, typed).parse_args(words)
        status: int = importlib.import_module(COMMANDS[args.command][0]).run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer goes nowhere, or Python complains once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print(f"{typed or f'seglosses {command}'}: interrupted", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        print(
            f"{typed or f'seglosses {command}'}: torch does not load ({error}):"
            " `seglosses doctor` says what is missing",
            file=sys.stderr,
        )
        return 2
    except (ValueError, OSError) as error:
        print(f"{typed or f'seglosses {command}'}: {error}", file=sys.stderr)
        return 2
    return status
