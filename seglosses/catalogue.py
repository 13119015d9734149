"""``seglosses list``: every loss with its formula, its paper and what it is for."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass

from seglosses import losses
from seglosses.losses.base import BoxLoss, Loss


@dataclass(frozen=True)
class Entry:
    """One loss, as its class describes itself."""

    name: str
    kind: str
    formula: str
    paper: str
    use_when: str


def loss_classes() -> dict[str, type[Loss]]:
    """Every loss class that ``seglosses.losses`` exports, by name.

    Families, exported for people who write losses, state no formula and are left out.

    Example:
        >>> 'DiceLoss' in loss_classes(), 'OverlapLoss' in loss_classes()
        (True, False)
    """
    members = {name: getattr(losses, name) for name in sorted(losses.EXPORTS)}
    return {
        name: member
        for name, member in members.items()
        if isinstance(member, type) and issubclass(member, Loss) and member.formula
    }


def entries() -> list[Entry]:
    """All losses as they describe themselves, by name.

    Example:
        >>> dice = next(entry for entry in entries() if entry.name == 'DiceLoss')
        >>> dice.kind, dice.formula
        ('segmentation', '1 - (2 TP + s) / (2 TP + FP + FN + s)')
    """
    return [
        Entry(
            name,
            "box" if issubclass(member, BoxLoss) else "segmentation",
            member.formula,
            member.paper,
            member.use_when,
        )
        for name, member in loss_classes().items()
    ]


def as_text(found: list[Entry]) -> str:
    """Four lines a loss, for reading."""
    blocks = [
        f"{entry.name} ({entry.kind})\n"
        f"    formula  {entry.formula}\n"
        f"    paper    {entry.paper}\n"
        f"    use it   {entry.use_when}\n"
        for entry in found
    ]
    return "\n".join(blocks) + f"\n{len(found)} losses; in a config: type='seglosses.<name>'"


def as_markdown(found: list[Entry]) -> str:
    r"""A table for a README.

    Example:
        >>> print(as_markdown([Entry('ALoss', 'box', 'a | b', 'A 2020', 'never')]))
        | loss | formula | use it when | paper |
        |---|---|---|---|
        | `ALoss` | `a \| b` | never | A 2020 |
    """
    rows = ["| loss | formula | use it when | paper |", "|---|---|---|---|"]
    for entry in found:
        cells = (f"`{entry.name}`", f"`{entry.formula}`", entry.use_when, entry.paper)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``seglosses list``."""
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="only losses that mention every word"
    )
    parser.add_argument(
        "--format", choices=["text", "markdown", "json"], default="text", help="default: text"
    )


def run(args: argparse.Namespace) -> int:
    """Print the losses asked for; 1 when none matches."""
    found = [
        entry
        for entry in entries()
        if all(word.lower() in " ".join(asdict(entry).values()).lower() for word in args.words)
    ]
    if not found:
        raise ValueError(f"no loss mentions {' and '.join(args.words)}; `seglosses list` shows all")
    if args.format == "json":
        print(json.dumps([asdict(entry) for entry in found], indent=2, ensure_ascii=False))
    else:
        print(as_markdown(found) if args.format == "markdown" else as_text(found))
    return 0
