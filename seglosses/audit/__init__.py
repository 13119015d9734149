"""``seglosses audit``: the laws of :mod:`seglosses.laws` on any loss, ours or anyone's.

A TYPE is ``DiceLoss`` (ours), ``mmseg.DiceLoss``, ``mmdet.CIoULoss``, ``monai.losses.TverskyLoss``
or any dotted path, with constructor arguments where wanted:
``"monai.TverskyLoss(alpha=0.9, beta=0.1)"``. How a package wants its input is declared in
:mod:`seglosses.audit.adapters`; anything else is called with raw logits (N, C, *S) and labels
(N, *S).
"""

from __future__ import annotations

import argparse
import re

from seglosses.audit.adapters import PEERS
from seglosses.audit.examination import Verdict, audit, grouped

__all__ = ["Verdict", "add_arguments", "as_markdown", "as_text", "audit", "run"]


def as_text(verdict: Verdict) -> str:
    """Law by law, for reading."""
    count = len(verdict.findings)
    lines = [f"{verdict.type}, {verdict.setting}: {len(verdict.broken)} of {count} laws broken"]
    for law, holds, words in verdict.findings:
        if holds:
            lines.append(f"  holds   {law}")
        elif law in verdict.exempt:
            lines.append(f"  exempt  {law}: {verdict.exempt[law]}")
        else:
            lines.append(f"  BREAKS  {law}\n          {words}")
    return "\n".join(lines)


def _cell(words: str) -> str:
    """Words that fit in a table: spaces collapsed, long lists of numbers cut."""
    short = re.sub(r"\[([^\[\]]{40})[^\[\]]*\]", r"[\1 ...]", " ".join(words.split()))
    return short.replace("|", "\\|")


def as_markdown(verdicts: list[Verdict]) -> str:
    r"""A table with a row for each law that is broken.

    Example:
        >>> from seglosses.laws import Finding
        >>> bad = Verdict("a.B", "boxes", [Finding("x_holds", False, "1 | 2")])
        >>> print(as_markdown([bad]))
        | type | setting | broken | law | the smallest input that breaks it |
        |---|---|---|---|---|
        | `a.B` | boxes | 1 of 1 | x holds | 1 \| 2 |
    """
    rows = ["| type | setting | broken | law | the smallest input that breaks it |"]
    rows.append("|---|---|---|---|---|")
    for verdict in verdicts:
        head = (f"`{verdict.type}`", verdict.setting)
        score = f"{len(verdict.broken)} of {len(verdict.findings)}"
        if not verdict.broken:
            rows.append(f"| {head[0]} | {head[1]} | {score} | | |")
        for finding in grouped(verdict.broken):
            cells = (*head, score, finding.law.replace("_", " "), _cell(finding.words))
            rows.append("| " + " | ".join(cells) + " |")
            head, score = ("", ""), ""
    return "\n".join(rows)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``seglosses audit``."""
    parser.description = "Run the laws on losses; exit status 1 if any is broken."
    parser.add_argument("types", nargs="*", metavar="TYPE", help='such as "mmseg.DiceLoss"')
    parser.add_argument(
        "--peers", action="store_true", help="the declared losses of installed packages"
    )
    parser.add_argument("--format", choices=["text", "markdown"], default="text")


def run(args: argparse.Namespace) -> int:
    """Print what holds; 1 when any law is broken."""
    types = [*args.types, *(PEERS if args.peers else ())]
    if not types:
        raise ValueError("name a TYPE, such as mmseg.DiceLoss, or give --peers")
    verdicts: list[Verdict] = []
    absent: list[str] = []
    for text in types:
        try:
            new = audit(text)
        except ValueError as error:
            if text in args.types:
                raise
            absent.append(f"{text}: {error}")
            continue
        verdicts += new
        if args.format == "text":
            print("\n".join(as_text(verdict) for verdict in new), flush=True)
    if args.format == "markdown":
        print(as_markdown(verdicts))
    for line in absent:
        print(f"not examined: {line}")
    return int(any(verdict.broken for verdict in verdicts))
