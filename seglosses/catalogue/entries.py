"""Every loss with its formula, its paper and what it is for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from seglosses.losses.base import BoxLoss, Loss, RowLoss
from seglosses.losses.exported import loss_classes
from seglosses.losses.purposes import tag_of
from seglosses.report.cells import markdown_line


@dataclass(frozen=True)
class Entry:
    """One loss, as its class describes itself."""

    name: str
    kind: str
    formula: str
    paper: str
    use_when: str
    tags: tuple[str, ...] = ()


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
            _kind(member),
            member.formula,
            member.paper,
            member.use_when,
            member.tags,
        )
        for name, member in loss_classes().items()
    ]


def _kind(member: type[Loss]) -> str:
    """Whether it compares boxes, other rows of a detection head, or maps."""
    if issubclass(member, BoxLoss):
        return "box"
    return "detection head" if issubclass(member, RowLoss) else "segmentation"


def matching(words: Sequence[str]) -> list[Entry]:
    """Losses that fit every word.

    A word that says what a loss is for is looked up among the tags, see
    :mod:`seglosses.losses.purposes`; any other in names, formulas, papers and purposes.

    Args:
        words: Such as 'vessel' or 'focal'.

    Returns:
        By name.

    Example:
        >>> [entry.name for entry in matching(["vessel", "small"])]
        ['FocalTverskyLoss', 'KervadecBoundaryLoss', 'TverskyLoss']
    """
    return [entry for entry in entries() if all(_fits(entry, word) for word in words)]


def _fits(entry: Entry, word: str) -> bool:
    lower = word.lower()
    if (tag := tag_of(word)) is not None:
        # whole words of a name: "thin" is no part of "Smoothing"
        return tag in entry.tags or lower.capitalize() in re.findall("[A-Z][a-z0-9]*", entry.name)
    texts = (value for value in asdict(entry).values() if isinstance(value, str))
    return any(lower in text.lower() for text in texts)


def as_text(found: list[Entry]) -> str:
    """Five lines per loss, for reading."""
    blocks = [
        f"{entry.name} ({entry.kind})\n"
        f"    formula  {entry.formula}\n"
        f"    paper    {entry.paper}\n"
        f"    use it   {entry.use_when}\n"
        f"    tags     {', '.join(entry.tags)}\n"
        for entry in found
    ]
    return "\n".join(blocks) + f"\n{len(found)} losses; in a config: type='seglosses.<name>'"


def as_markdown(found: list[Entry]) -> str:
    r"""A table, as docs/losses.md has it.

    Example:
        >>> print(as_markdown([Entry('ALoss', 'box', 'a | b', 'A 2020', 'never')]))
        | loss | formula | use it when | paper |
        |---|---|---|---|
        | `ALoss` | `a \| b` | never | A 2020 |
    """
    rows = ["| loss | formula | use it when | paper |", "|---|---|---|---|"]
    for entry in found:
        cells = (f"`{entry.name}`", f"`{entry.formula}`", entry.use_when, entry.paper)
        rows.append(markdown_line(cells))
    return "\n".join(rows)
