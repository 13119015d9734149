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
from seglosses.audit.examination import Verdict, audit, causes
from seglosses.laws.grades import MEANINGS, grade_of
from seglosses.report.cells import markdown_line

__all__ = ["Verdict", "add_arguments", "as_markdown", "as_text", "audit", "run"]


def as_text(verdict: Verdict) -> str:
    """Law by law, for reading."""
    count = len(verdict.findings)
    lines = [f"{verdict.type}, {verdict.setting}: {len(verdict.broken)} of {count} laws broken"]
    if verdict.call:
        lines.append(f"  called  {verdict.call}")
    for law, holds, words in verdict.findings:
        grade = grade_of(law)
        if holds:
            lines.append(f"  holds   {law}")
        elif law in verdict.exempt:
            lines.append(f"  exempt  {law}: {verdict.exempt[law]}")
        elif grade == "convention":
            lines.append(f"  differs {law} (a convention)\n          {words}")
        else:
            lines.append(f"  BREAKS  {law} ({MEANINGS[grade]})\n          {words}")
    return "\n".join(lines)


def _cell(words: str) -> str:
    """Words that fit in a table: spaces collapsed, long lists of numbers cut."""
    return re.sub(r"\[([^\[\]]{40})[^\[\]]*\]", r"[\1 ...]", " ".join(words.split()))


def as_markdown(verdicts: list[Verdict]) -> str:
    r"""A table with a row for each cause by which laws are broken, and for each convention.

    Example:
        >>> from seglosses.laws import Finding
        >>> bad = Verdict("a.B", "boxes", [Finding("x_holds", False, "1 | 2")], call="B()(p | t)")
        >>> print(as_markdown([bad]))
        | type, setting, call | broken | grade | law | the smallest input that shows it |
        |---|---|---|---|---|
        | `a.B`, boxes: `B()(p \| t)` | 1 of 1 | ordinary | x holds | 1 \| 2 |
    """
    rows = ["| type, setting, call | broken | grade | law | the smallest input that shows it |"]
    rows.append("|---|---|---|---|---|")
    for verdict in verdicts:
        head = f"`{verdict.type}`, {verdict.setting}"
        head += f": `{verdict.call}`" if verdict.call else ""
        score = f"{len(verdict.broken)} of {len(verdict.findings)}"
        found = causes([*verdict.broken, *verdict.conventions])
        if not found:
            rows.append(markdown_line([head, score, "", "", ""]))
        for cause in found:
            law = ", ".join(cause.laws) if len(cause.laws) < 5 else f"{len(cause.laws)} laws"
            cells = (head, score, cause.grade, law.replace("_", " "), _cell(cause.words))
            rows.append(markdown_line(cells))
            head = score = ""
    return "\n".join(rows)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``seglosses audit``."""
    parser.description = (
        "Check losses against the laws; exit status 1 if any is broken. A difference by convention"
        " is reported, and is not an error."
    )
    parser.add_argument("types", nargs="*", metavar="TYPE", help='such as "mmseg.DiceLoss"')
    parser.add_argument(
        "--peers", action="store_true", help="check the known losses of all installed packages"
    )
    parser.add_argument(
        "--definition",
        default="",
        metavar="LOSS",
        help="our loss with the same definition;"
        " laws from which it is exempt are not asked of TYPE",
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
            new = audit(text, args.definition)
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
