"""The table of rules: what is measured, which loss follows, from which source, and its limits.

A rule looks at one quantity of a :class:`~seglosses.advise.profile.Profile` and answers with a
:class:`~seglosses.advise.terms.Verdict`, also where it does not fire: then the proposal lists it
among what was considered and rejected, with the number that decided. Thresholds are ours unless a
source is named for them; they were set on brick walls, TopoMortar, retinal vessels, membranes and
cracks, so that these get different answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seglosses.advise.profile import ClassProfile, Profile
from seglosses.advise.terms import Term, Verdict

THIN_WIDTH = 16.0
THIN_LENGTH = 5.0
RARE = 0.01
SMALL = 64.0
ABSENT = 0.5
STRUCTURED = 2.0
SINGLE = 3.0
CROWDED = 10.0
NEAR = 0.3
SPECKLED = 0.1
NOISY = 1 / 3
AGREE = 0.85
LARGE_WIDTH = 20.0
SKEWED = 100.0
FEW_IMAGES = 10
ANISOTROPIC = 3.0


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes:
        name: Short, for the proposal and the tests.
        asks: What it looks for.
        losses: What it is about, for the list of what was considered.
        source: Where it comes from.
        limits: When not to believe it.
        judge: The rule itself.
    """

    name: str
    asks: str
    losses: str
    source: str
    limits: str
    judge: Callable[[Profile], Verdict]


def is_thin(one: ClassProfile) -> bool:
    """Whether a class is long and thin: much centre line for its width, and not wide.

    A ring or another shape that has the same few components and loops everywhere is none: there
    the numbers themselves can be asked for.

    Args:
        one: The class.
    """
    long = one.elongation >= THIN_LENGTH and one.width() <= THIN_WIDTH
    return long and fixed_numbers(one) is None


def is_compact(one: ClassProfile) -> bool:
    """Whether a class consists of blobs: little centre line for its width."""
    return one.elongation < THIN_LENGTH


def _of(chosen: Sequence[ClassProfile], profile: Profile) -> dict[str, list[int]]:
    """The option that restricts a loss to classes, nothing where all are meant."""
    if len(chosen) == len(profile.classes):
        return {}
    return {"classes": [one.index for one in chosen]}


def _named(chosen: Sequence[ClassProfile], profile: Profile) -> str:
    if len(profile.classes) == 1:
        return ""
    names = ", ".join(one.name for one in chosen[:4]) + ("…" if len(chosen) > 4 else "")
    return f"{names}: "


def _shown(profile: Profile) -> list[ClassProfile]:
    return [one for one in profile.classes if one.shown]


def noise(one: ClassProfile) -> float:
    """Share of components and loops that are one pixel large.

    Args:
        one: The class.
    """
    tiny = one.total("specks") + one.total("pinholes")
    return tiny / max(one.total("components") + one.total("loops"), 1.0)


def _thin(profile: Profile) -> Verdict:
    chosen = [one for one in _shown(profile) if is_thin(one)]
    if not chosen:
        most = max(_shown(profile), key=lambda one: one.elongation, default=None)
        seen = "nothing is labelled" if most is None else (
            f"the longest class has {most.elongation:.1f} widths of centre line a component and"
            f" is {most.width():.0f} px wide; thin is from {THIN_LENGTH:g} widths, up to"
            f" {THIN_WIDTH:g} px"
        )  # fmt: skip
        return Verdict(False, seen)
    first = max(chosen, key=lambda one: one.elongation)
    because = (
        f"{_named(chosen, profile)}{first.width():.0f} px wide (95 %: {first.width(95):.0f}) and"
        f" {first.elongation:.0f} widths long a component"
    )
    if profile.ndim == 3:
        term = Term("SkeletonRecallLoss", 0.5, _of(chosen, profile))
        return Verdict(True, because, (term,))
    # As many erosions as the widest parts need; each costs, and more change nothing.
    radius = max(one.width(95) for one in chosen) / 2
    steps = int(min(max(math.ceil(radius), 3), 10))
    return Verdict(
        True,
        because,
        (Term("SoftClDiceLoss", 0.5, {"iterations": steps, **_of(chosen, profile)}),),
    )


def _structured(profile: Profile) -> Verdict:
    features = {
        one.name: one.median("components") + one.median("loops") + one.median("cavities")
        for one in _shown(profile)
    }
    chosen = [one for one in _shown(profile) if features[one.name] >= STRUCTURED and is_thin(one)]
    if not chosen:
        most = max(features.values(), default=0.0)
        return Verdict(
            False,
            f"no thin class with {STRUCTURED:g} or more components and loops an image"
            f" (the most of any class: {most:.0f})",
        )
    if noisy := [one for one in chosen if noise(one) >= NOISY]:
        return Verdict(
            False,
            f"{_named(noisy, profile)}{noise(noisy[0]):.0%} of the components and loops are single"
            " pixels or pinholes: what would be counted is noise",
        )
    loops = max(one.median("loops") for one in chosen)
    pieces = max(one.median("components") for one in chosen)
    because = f"{_named(chosen, profile)}{pieces:.0f} components and {loops:.0f} loops an image"
    note = (
        "Betti matching is a sum over features, and its gradient sits on few pixels: on membranes"
        " weight 0.02 is 95 % of the gradient's norm and 0.5 is 99.8 % (docs/evidence.md). Lower"
        " the weight where LossBalanceHook warns of more than 99 %."
    )
    if profile.ndim == 3:
        note += " In volumes give it `crop=96` or so, and start later if time is short."
    return Verdict(
        True,
        because,
        (Term("BettiMatchingLoss", 0.02, _of(chosen, profile), start=0.5, warmup=0.1),),
        note=note,
    )


def fixed_numbers(one: ClassProfile) -> tuple[int, int, int] | None:
    """Betti numbers that nearly every image shows, if they are few and not one plain piece.

    Args:
        one: The class.

    Returns:
        Components, loops and cavities; None where images differ.
    """
    numbers = one.betti
    if len(numbers) < 5:
        return None
    first = max(set(numbers), key=numbers.count)
    alike = numbers.count(first) >= 0.95 * len(numbers)
    return first if alike and sum(first) <= 4 and first != (1, 0, 0) else None


def _known_numbers(profile: Profile) -> Verdict:
    for one in _shown(profile):
        if (first := fixed_numbers(one)) is not None:
            betti = list(first[: profile.ndim])
            options = {"betti": betti, **_of([one], profile)}
            return Verdict(
                True,
                f"{_named([one], profile)}at least 95 % of {len(one.betti)} images have the Betti"
                f" numbers {', '.join(map(str, betti))}",
                (Term("TopologicalPriorLoss", 0.01, options, start=0.5, warmup=0.1),),
                note="Train on whole images: a crop has other Betti numbers than its image.",
            )
    return Verdict(
        False,
        "no class has the same few Betti numbers in 95 % of at least 5 images, or it is one piece"
        " without loops, which the largest component after prediction gives for nothing",
    )


def _rare(profile: Profile) -> Verdict:
    chosen = [
        one
        for one in _shown(profile)
        if not is_thin(one) and (one.share < RARE or one.size() < SMALL)
    ]
    if not chosen:
        least = min((one.share for one in _shown(profile)), default=0.0)
        return Verdict(
            False,
            f"no compact class below {RARE:.0%} of the pixels or with a median component below"
            f" {SMALL:g} px (least share: {least:.2%})",
        )
    one = min(chosen, key=lambda one: one.share)
    because = (
        f"{_named(chosen, profile)}{one.share:.2%} of the pixels, components of {one.size():.0f} px"
    )
    return Verdict(
        True,
        because,
        replace=("DiceLoss", Term("TverskyLoss", 1.0, {"alpha": 0.3, "beta": 0.7})),
    )


def _absent(profile: Profile) -> Verdict:
    worst = min(profile.classes, key=lambda one: one.presence, default=None)
    presence = 1.0 if worst is None else worst.presence
    if worst is None or presence > ABSENT:
        return Verdict(False, f"the rarest class is in {presence:.0%} of the images")
    because = f"{_named([worst], profile)}in {presence:.0%} of the images only"
    return Verdict(
        True,
        because,
        amend=(("DiceLoss", "TverskyLoss"), {"average": "dataset"}),
        note="Dice is pooled over the batch, so that an image without the class does not count any"
        " false pixel as a whole error: take batches in which the class occurs.",
    )


def _skewed(profile: Profile) -> Verdict:
    shares = sorted(one.share for one in _shown(profile))
    if len(shares) < 2 or shares[-1] < SKEWED * shares[0]:
        ratio = shares[-1] / shares[0] if len(shares) > 1 else 1.0
        return Verdict(
            False, f"the largest foreground class has {ratio:.0f} times the pixels of the smallest"
        )
    ratio = shares[-1] / shares[0]
    return Verdict(
        True,
        f"the largest foreground class has {ratio:.0f} times the pixels of the smallest",
        note="Dice counts every class alike already. Where the smallest class is still not found"
        " after training, try LogitAdjustmentLoss in place of cross-entropy.",
    )


def _crowded(profile: Profile) -> Verdict:
    chosen = [
        one
        for one in _shown(profile)
        if is_compact(one)
        and one.median("components") >= CROWDED
        and one.part("neighbours") >= NEAR
    ]
    if not chosen:
        near = max(
            (one.part("neighbours") for one in _shown(profile) if is_compact(one)), default=0
        )
        return Verdict(
            False,
            f"no compact class with {CROWDED:g} components an image of which {NEAR:.0%} lie within"
            f" 3 px of another (most: {near:.0%})",
        )
    one = chosen[0]
    return Verdict(
        True,
        f"{_named(chosen, profile)}{one.median('components'):.0f} components an image,"
        f" {one.part('neighbours'):.0%} of them within 3 px of another",
        (Term("BettiMatchingLoss", 0.02, _of(chosen, profile), start=0.5, warmup=0.1),),
        note="Where objects touch, a class for their borders, or a network for instances, does more"
        " than any loss; SkeletonAwareLoss (2D) and MalisLoss are for labels of such borders.",
    )


def _speckled(profile: Profile) -> Verdict:
    worst = max(profile.classes, key=lambda one: one.part("specks"), default=None)
    part = 0.0 if worst is None else worst.part("specks")
    pinholes = 0.0
    if worst is not None:
        pinholes = worst.total("pinholes") / max(len(worst.shown), 1)
    if worst is None or (part < SPECKLED and pinholes < 5):
        return Verdict(
            False,
            f"{part:.0%} of the components are single pixels, {pinholes:.1f} pinholes an image",
        )
    return Verdict(
        True,
        f"{_named([worst], profile)}{part:.0%} of the components are single pixels, {pinholes:.1f}"
        " pinholes an image",
        note="Look at them first: topological losses count each speck as a component. If they are"
        " noise, clean the labels; if they cannot be cleaned, GeneralizedCrossEntropyLoss in place"
        " of cross-entropy gives wrong pixels less weight.",
    )


def _doubtful(profile: Profile) -> Verdict:
    known = profile.annotators
    if known is None:
        return Verdict(False, "no second annotator was given (--second)")
    because = (
        f"two annotators agree to a Dice of {known.dice:.3f} on {known.images} images;"
        f" {known.rim:.0%} of what they differ in lies at both boundaries"
    )
    if known.dice >= AGREE:
        return Verdict(False, because)
    smooth = Term("CrossEntropyLoss", 1.0, {"boundary_smoothing": 0.5})
    wide = not any(is_thin(one) for one in profile.classes)
    return Verdict(
        True,
        because,
        replace=("CrossEntropyLoss", smooth) if known.rim >= 0.5 and wide else None,
        note="No model can be told apart from another by less than the annotators differ: score the"
        " second annotator as a model beside yours.",
    )


def _smooth(profile: Profile) -> Verdict:
    chosen = [
        one
        for one in _shown(profile)
        if is_compact(one) and one.width() >= LARGE_WIDTH and one.median("components") <= SINGLE
    ]
    if not chosen:
        widest = max((one.width() for one in _shown(profile)), default=0.0)
        return Verdict(
            False,
            f"no compact class of at most {SINGLE:g} components that is {LARGE_WIDTH:g} px wide"
            f" (widest: {widest:.0f} px)",
        )
    one = chosen[0]
    return Verdict(
        True,
        f"{_named(chosen, profile)}large and compact, {one.width():.0f} px wide",
        note="CE + Dice suffice as a rule. If HD95 is your score, try LogHausdorffDTLoss with"
        " weight 0.1 from halfway on; whether it helps here the labels cannot say.",
    )


def _uneven(profile: Profile) -> Verdict:
    chosen = [one for one in _shown(profile) if is_thin(one) and one.width(95) >= 4 * one.width()]
    if not chosen:
        ratio = max(
            (one.width(95) / one.width() for one in _shown(profile) if is_thin(one)), default=0.0
        )
        return Verdict(False, f"the widest 5 % are {ratio:.1f} times as wide as the median")
    one = chosen[0]
    return Verdict(
        True,
        f"{_named(chosen, profile)}widths from {one.width():.0f} (median) to {one.width(95):.0f} px"
        " (95 %)",
        note="CenterlineBoundaryDiceLoss, which weighs lines by their width, may stand in place of"
        " clDice; in our trainings on bricks and photographs it changed no Betti error.",
    )


def _anisotropic(profile: Profile) -> Verdict:
    ratio = profile.anisotropy
    if profile.ndim == 2 or ratio < ANISOTROPIC:
        known = (
            "no spacing is stated" if profile.spacing is None else f"edges differ {ratio:.1f}-fold"
        )
        return Verdict(False, f"{profile.ndim}D, {known}; {ANISOTROPIC:g}-fold is much")
    return Verdict(
        True,
        f"the edges of voxels differ {ratio:.1f}-fold",
        note="Losses count voxels, not millimetres: give spacing to Hausdorff losses, and take a 2D"
        " network, or resample, where a structure is one or two slices thick. Widths above are in"
        " voxels.",
    )


def _few(profile: Profile) -> Verdict:
    if profile.found >= FEW_IMAGES:
        return Verdict(False, f"{profile.found} label maps")
    return Verdict(
        True,
        f"{profile.found} label maps",
        note="So few images allow no statement about distributions: read every number here as a"
        " description of these images.",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "thin",
        "long, thin classes",
        "SoftClDiceLoss; SkeletonRecallLoss in volumes",
        "Shit et al., CVPR 2021 (clDice); Kirchhoff et al., ECCV 2024 (skeleton recall, whose cost"
        " does not grow with the width); docs/evidence.md",
        "At 128 px and 300 iterations it changed nothing on TopoMortar (docs/benchmark.md). Dice"
        " may fall by 0.01 to 0.02. Weight 0.5 is from a first trial on photographs.",
        _thin,
    ),
    Rule(
        "structured",
        "thin classes with components and loops to count",
        "BettiMatchingLoss, late",
        "Stucki et al., ICML 2023; docs/evidence.md and docs/benchmark.md",
        "Sum over features: with weight 0.5 it cost 0.02 Dice in our trainings. Of no use before"
        " the network finds the class.",
        _structured,
    ),
    Rule(
        "known numbers",
        "the same few components, loops and cavities everywhere",
        "TopologicalPriorLoss, late",
        "Clough et al., TPAMI 2020",
        "Counts, and does not ask where; wrong where a crop cuts the structure.",
        _known_numbers,
    ),
    Rule(
        "crowded",
        "many blobs close to each other, which a prediction may merge",
        "BettiMatchingLoss, late; SkeletonAwareLoss, MalisLoss considered",
        "Stucki et al., ICML 2023 (cells of C. elegans); Liu et al. 2024; Oner et al. 2021",
        "No training of ours on cells supports it.",
        _crowded,
    ),
    Rule(
        "rare",
        "little or small foreground in blobs",
        "TverskyLoss in place of Dice",
        "Salehi et al. 2017: alpha 0.3, beta 0.7",
        "Recall for precision: false alarms become more. Keep Dice where they cost as much.",
        _rare,
    ),
    Rule(
        "absent",
        "a class that most images lack",
        'DiceLoss(average="dataset")',
        "Isensee et al., Nature Methods 2021 (batch Dice)",
        "Pooled over a batch: large objects hide small ones.",
        _absent,
    ),
    Rule(
        "skewed",
        "foreground classes of very different size",
        "GeneralizedDiceLoss, LogitAdjustmentLoss",
        "Sudre et al. 2017; Menon et al. 2021",
        "We have no training that shows a gain over Dice by class.",
        _skewed,
    ),
    Rule(
        "speckled",
        "single pixels and pinholes in the labels",
        "GeneralizedCrossEntropyLoss, cleaning",
        "Zhang and Sabuncu 2018",
        "A speck may be real: a star, a calcification.",
        _speckled,
    ),
    Rule(
        "doubtful boundaries",
        "two annotators who differ along boundaries",
        "CrossEntropyLoss(boundary_smoothing=0.5)",
        "Wang et al., NeurIPS 2023 (Jaccard metric losses and soft labels)",
        "Not proposed beside thin classes, which it would blur. No training of ours supports it.",
        _doubtful,
    ),
    Rule(
        "uneven widths",
        "lines of very different widths",
        "CenterlineBoundaryDiceLoss",
        "Shi et al. 2024",
        "No gain in topology in our trainings (docs/benchmark.md, docs/evidence.md).",
        _uneven,
    ),
    Rule(
        "large and smooth",
        "few large, compact objects",
        "LogHausdorffDTLoss, BoundaryDoULoss considered",
        "Karimi and Salcudean 2020; Sun et al. 2023",
        "No training of ours supports it; Ma et al. 2021 find none that beats Dice and CE by much.",
        _smooth,
    ),
    Rule(
        "anisotropic",
        "volumes whose slices lie far apart",
        "spacing of HausdorffDTLoss and its relatives",
        "Isensee et al., Nature Methods 2021, whose plans change at a ratio of 3",
        "Files must state their spacing; PNG and NumPy files do not.",
        _anisotropic,
    ),
    Rule(
        "few images",
        "too few label maps for a statement",
        "none",
        "our own",
        "None.",
        _few,
    ),
)
