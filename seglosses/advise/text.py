"""A proposal for a terminal."""

from __future__ import annotations

import textwrap

from seglosses.advise import printing
from seglosses.advise.profile import ClassProfile, Profile
from seglosses.advise.proposal import Proposal
from seglosses.advise.seen import SEES
from seglosses.metrics.error_kinds import KINDS
from seglosses.report.charts import number

WIDTH = 100
MAX_CLASSES = 8


COSTS_OF = (
    "(costs: forward and backward of a loss alone; a step of a small U-Net takes more than 100"
    " times CE + Dice)"
)
"""What the multiples are of, below the proposed losses."""


def as_text(
    profile: Profile, proposal: Proposal, *, configs: bool = True, width: int = WIDTH
) -> str:
    """Everything that fits a terminal.

    Args:
        profile: What was measured.
        proposal: What follows from it.
        configs: Whether to print the configs too.
        width: Columns of the terminal; configs, which are to be pasted, are not wrapped.

    Returns:
        Lines.
    """
    wrap = Wrap(min(max(width, 40), WIDTH))
    parts = [_head(profile, wrap), _classes(profile, wrap), _losses(proposal, wrap)]
    if proposal.errors:
        parts.append(_errors(proposal, wrap))
    parts.append(_rejected(proposal, wrap))
    if proposal.notes:
        parts.append("\n".join(["Notes", *(wrap(note, "  - ", "    ") for note in proposal.notes)]))
    if configs:
        for name, text in printing.configs(proposal).items():
            parts.append(f"{name}\n{textwrap.indent(text, '  ')}")
    return "\n\n".join(parts)


class Wrap:
    """Break a text at a width.

    Args:
        width: Columns.
    """

    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, text: str, first: str, rest: str) -> str:
        """Break a text.

        Args:
            text: Any.
            first: What stands in front of the first line.
            rest: In front of the others.

        Returns:
            Lines.
        """
        return textwrap.fill(
            text,
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_on_hyphens=False,
            break_long_words=False,
        )


def described(one: ClassProfile, profile: Profile) -> list[tuple[str, str]]:
    """What was measured on a class, in words.

    Args:
        one: The class.
        profile: All of them.

    Returns:
        Quantity and value.
    """
    if not one.shown:
        return [("labelled", "in no image")]
    rows = [
        ("share of the pixels", f"{one.share:.2%}, in {one.presence:.0%} of the images"),
        (
            "components per image",
            f"{number(one.median('components'))}, of {number(one.size(5))} /"
            f" {number(one.size())} / {number(one.size(95))} px (5, 50, 95 %)",
        ),
        ("loops per image", number(one.median("loops"))),
    ]
    if profile.ndim == 3:
        rows.append(("cavities per image", number(one.median("cavities"))))
    rows += [
        (
            "width",
            f"{number(one.width(5))} / {number(one.width())} / {number(one.width(95))} px"
            " (5, 50, 95 % of the centre line)",
        ),
        (
            "centre line",
            f"{number(one.median('length'))} px per image, {number(one.elongation)} widths per"
            " component",
        ),
        ("at its boundary", f"{one.edge:.0%} of its pixels"),
        (
            "components",
            f"{one.part('at_border'):.0%} touch the border of the image,"
            f" {one.part('neighbours'):.0%} lie within 3 px of another,"
            f" {one.part('specks'):.0%} are single pixels",
        ),
    ]
    return rows


def facts(profile: Profile) -> list[str]:
    """What was found beside the classes themselves.

    Args:
        profile: What was measured.

    Returns:
        Sentences.
    """
    lines = []
    if profile.ground:
        named = profile.ground != "0"
        of = f" ({profile.ground})" if named else ""
        how = "ask" if named else "name it (--class-names) or ask"
        lines.append(f"class 0{of} counts as background; {how} for it (--classes) if it is none")
    if profile.ignored:
        lines.append(f"{profile.ignored:.1%} of the pixels have no class")
    if profile.annotators is not None:
        lines += profile.annotators.described
    if profile.touching:
        pairs = [f"{a} and {b} ({count})" for (a, b), count in list(profile.touching.items())[:5]]
        lines.append(f"classes that touch (faces): {', '.join(pairs)}")
    return lines


def _head(profile: Profile, wrap: Wrap) -> str:
    lines = [profile.described]
    if profile.spacing and profile.ndim == 3:
        lines[0] += f", voxels of {' x '.join(f'{edge:g}' for edge in profile.spacing)}"
    lines += facts(profile)
    for name, reason in list(profile.failures)[:5]:
        lines.append(f"left out: {name}: {reason}")
    if len(profile.failures) > 5:
        lines.append(f"left out: {len(profile.failures) - 5} more")
    return "\n".join(wrap(line, "", "  ") for line in lines)


def _classes(profile: Profile, wrap: Wrap) -> str:
    shown = sorted(profile.classes, key=lambda one: -one.share)[:MAX_CLASSES]
    lines = []
    for one in shown:
        lines.append(one.name)
        lines += [wrap(value, f"  {name:22}", " " * 24) for name, value in described(one, profile)]
    if len(profile.classes) > len(shown):
        lines.append(f"… {len(profile.classes) - len(shown)} smaller classes, see the JSON")
    return "\n".join(lines)


def _losses(proposal: Proposal, wrap: Wrap) -> str:
    lines = ["Proposed"]
    for term in proposal.terms:
        options = printing.arguments(term.options)
        when = f", from {term.start:.0%} of the training on" if term.start else ""
        lines.append(wrap(f"{term.weight:g} {term.loss}({options}){when}", "  ", "      "))
        lines.append(wrap(term.why, "      why   ", "            "))
        lines.append(wrap(term.cost(proposal.ndim), "      cost  ", "            "))
    lines.append(wrap(COSTS_OF, "  ", "  "))
    if proposal.verdict:
        lines.append(wrap(proposal.verdict, "  ", "  "))
    return "\n".join(lines)


def _errors(proposal: Proposal, wrap: Wrap) -> str:
    lines = ["Errors of the predictions"]
    for one in proposal.worst(MAX_CLASSES):
        counts = ", ".join(f"{number(one.counts[kind])} {kind}" for kind in KINDS)
        lines.append(wrap(f"{one.name}: {counts} per image", "  ", "    "))
        places = ", ".join(f"{share:.0%} {place}" for place, share in one.pixels.items() if share)
        lines.append(wrap(f"wrong pixels: {places or 'none'}", "    ", "    "))
        if one.counts["missed"]:
            lines.append(f"    {one.missed_small:.0%} of the missed are below the median size")
        if not one.dominating:
            lines.append("    no kind stands out")
        for kind in one.dominating:
            lines.append(wrap(f"{kind}: {SEES[kind]}", "    > ", "      "))
    if len(proposal.errors) > MAX_CLASSES:
        count = len(proposal.errors) - MAX_CLASSES
        lines.append(f"  … {count} classes with fewer wrong pixels, see the JSON")
    return "\n".join(lines)


def _rejected(proposal: Proposal, wrap: Wrap) -> str:
    lines = ["Considered and rejected"]
    for one in proposal.rejected:
        about = f" ({one.rule.losses})" * (one.rule.losses != "none")
        lines.append(wrap(f"{one.rule.name}{about}: {one.verdict.because}", "  - ", "    "))
    used = [one for one in proposal.considered if one.verdict.fires]
    if used:
        lines += ["", "Sources and limits of what fired"]
        for one in used:
            lines.append(wrap(f"{one.rule.name}: {one.rule.source}", "  - ", "    "))
            lines.append(wrap(f"limits: {one.rule.limits}", "    ", "    "))
    return "\n".join(lines)
