"""Which kind of error dominates in predictions, and which losses see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seglosses.advise.profile import ClassProfile, Profile
from seglosses.metrics.error_kinds import KINDS, PIXELS

MATTERS = 0.5
"""A kind of error dominates from so many per image on, if it is the most frequent."""

RIMS = 0.7
"""Share of wrong pixels at rims from which on boundaries are what is wrong."""

LEAKS = 0.3


SEES: dict[str, str] = {
    "breaks": "clDice and skeleton recall see the lost centre line, Betti matching and the"
    " topological prior the piece too many; Dice and cross-entropy see a few pixels",
    "islands": "Betti matching, the topological prior and Topograph see each island whatever its"
    " size; Dice sees its pixels. Is it far from everything? Removing small components after"
    " prediction costs nothing",
    "merged": "Betti matching, the topological prior and Topograph see the bridge; clDice sees its"
    " centre line only if it is long; skeleton recall does not, and rewards it",
    "pinholes": "Betti matching, the topological prior and Topograph; filling holes after"
    " prediction costs nothing",
    "missed": "Tversky with beta above 0.5 and focal Tversky make a missed pixel dearer than a"
    " false one; a missed object without any trace in the output gives Betti matching no gradient",
    "rim": "BoundaryDoU and Hausdorff losses; often it is what two annotators differ in, and no"
    " loss mends that: give --second if you have one",
    "leak": "Hausdorff losses weigh a pixel by its distance from the boundary; Dice does not",
    "gap": "clDice and skeleton recall see missing length; in blobs Tversky with beta above 0.5"
    " makes missing pixels dearer",
}
"""Losses that see a kind of error, and those that do not."""


@dataclass(frozen=True)
class ErrorReport:
    """The errors of one class.

    Attributes:
        index: Of the class.
        name: Of the class.
        images: How many were compared.
        counts: Mean number per image, by kind.
        pixels: Share of the wrong pixels, by place.
        missed_small: Share of missed components below the median size of all.
        dominating: Kinds that matter most, worst first; empty where no kind stands out.
        wrong: Wrong pixels per image.
    """

    index: int
    name: str
    images: int
    counts: dict[str, float]
    pixels: dict[str, float]
    missed_small: float
    dominating: tuple[str, ...]
    wrong: float = 0.0

    def said(self, kind: str) -> str:
        """How much of a kind there is.

        Args:
            kind: One of those that dominate.

        Returns:
            A number and what it counts.
        """
        if kind in self.counts:
            return f"{self.counts[kind]:.1f} {kind} per image"
        return f"{self.pixels[kind]:.0%} of the wrong pixels are a {kind}"


def error_report(one: ClassProfile, profile: Profile) -> ErrorReport | None:
    """Sum up the errors of a class.

    Args:
        one: The class.
        profile: Measured with predictions.

    Returns:
        None without predictions.
    """
    rows = profile.errors.get(one.index)
    if not rows:
        return None
    counts = {kind: float(np.mean([row[kind] for row in rows])) for kind in KINDS}
    sums = {place: sum(row[place] for row in rows) for place in PIXELS}
    total = sum(sums.values())
    pixels = {place: value / total if total else 0.0 for place, value in sums.items()}
    missed = sum(row["missed"] for row in rows)
    small = sum(row["missed_small"] for row in rows) / missed if missed else 0.0
    most = max(counts.values())
    found = sorted(
        (kind for kind, value in counts.items() if value >= MATTERS and value >= most / 2),
        key=lambda kind: -counts[kind],
    )
    if pixels["rim"] >= RIMS and not found:
        found.append("rim")
    for place, least in (("leak", LEAKS), ("gap", LEAKS)):
        if pixels[place] >= least:
            found.append(place)
    wrong = total / len(rows)
    return ErrorReport(one.index, one.name, len(rows), counts, pixels, small, tuple(found), wrong)
