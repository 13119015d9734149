"""Rules that propose losses: one function for each row of :mod:`seglosses.advise.rules`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from seglosses.advise.kinds import (
    ABSENT,
    AGREE,
    COMMON,
    COMMONLY,
    CROWDED,
    NEAR,
    RARE,
    SMALL,
    STRUCTURED,
    THIN_LENGTH,
    THIN_WIDTH,
    fixed_numbers,
    is_compact,
    is_long,
    is_noisy,
    is_thin,
    is_tree,
    named,
    noise_said,
    numbers_said,
    object_size,
    restricted,
    shown,
)
from seglosses.advise.profile import ClassProfile, Profile
from seglosses.advise.terms import Term, Verdict

DEARER = Term("TverskyLoss", 1.0, {"alpha": 0.3, "beta": 0.7})
"""In place of Dice where a missed pixel is to cost more than a false one."""

MATCHING = Term("BettiMatchingLoss", 0.02, start=0.5, warmup=0.1)
"""What pairs components, loops and cavities with those of the label, by their places."""

PRIOR = Term("TopologicalPriorLoss", 0.01)
"""What asks for as many components, loops and cavities as the label has."""

NOTHING = "0 images show a class that could be measured"


def thin(profile: Profile) -> Verdict:
    """Row "thin" of the table."""
    chosen = [one for one in shown(profile) if is_thin(one)]
    if not chosen:
        most = max(shown(profile), key=lambda one: one.elongation, default=None)
        if most is None:
            return Verdict(False, NOTHING)
        seen = (
            f"the longest class has {most.elongation:.1f} widths of centre line per component and"
            f" is {most.width():.0f} px wide"
        )
        if is_long(most):
            return Verdict(
                False,
                f"{seen}, but has the same few components and loops nearly everywhere: see"
                " known numbers",
            )
        return Verdict(
            False, f"{seen}; thin is from {THIN_LENGTH:g} widths, up to {THIN_WIDTH:g} px"
        )
    noisy, chosen = chosen, [one for one in chosen if not is_noisy(one)]
    if not chosen:
        return Verdict(False, noise_said(noisy, profile))
    first = max(chosen, key=lambda one: one.elongation)
    because = (
        f"{named(chosen, profile)}{first.width():.0f} px wide (95 %: {first.width(95):.0f}) and"
        f" per component {first.elongation:.0f} widths long"
    )
    return Verdict(True, because, (along(chosen, profile),))


def along(chosen: Sequence[ClassProfile], profile: Profile) -> Term:
    """The loss that sees the length of thin classes.

    Args:
        chosen: At least one class.
        profile: All of them.

    Returns:
        Soft clDice in images; in volumes skeleton recall, whose cost does not grow with the width.
    """
    if profile.ndim == 3:
        return Term("SkeletonRecallLoss", 0.5, restricted(chosen, profile))
    # As many erosions as the widest parts need; each costs, and more change nothing.
    radius = max(one.width(95) for one in chosen) / 2
    steps = int(min(max(math.ceil(radius), 3), 10))
    return Term("SoftClDiceLoss", 0.5, {"iterations": steps, **restricted(chosen, profile)})


def structured(profile: Profile) -> Verdict:
    """Row "structured" of the table."""
    features = {
        one.name: one.median("components") + one.median("loops") + one.median("cavities")
        for one in shown(profile)
    }
    chosen = [one for one in shown(profile) if features[one.name] >= STRUCTURED and is_thin(one)]
    if not chosen:
        if fixed := [one for one in shown(profile) if is_long(one) and not is_thin(one)]:
            return Verdict(
                False,
                f"{named(fixed, profile)}{features[fixed[0].name]:.0f} components and loops per"
                " image, the same nearly everywhere: see known numbers",
            )
        most = max(features.values(), default=0.0)
        return Verdict(
            False,
            f"no thin class with {STRUCTURED:g} or more components and loops per image"
            f" (the most of any class: {most:.0f})",
        )
    noisy, chosen = chosen, [one for one in chosen if not is_noisy(one)]
    if not chosen:
        return Verdict(False, noise_said(noisy, profile))
    terms = counting(chosen, profile)
    return Verdict(True, "; ".join(term.why for term in terms), terms)


def counting(chosen: Sequence[ClassProfile], profile: Profile) -> tuple[Term, ...]:
    """The losses that count components and loops of thin classes, each with its reason.

    Args:
        chosen: At least one class.
        profile: All of them.

    Returns:
        A topological prior for trees, Betti matching for the others.
    """
    trees = [one for one in chosen if is_tree(one, profile.ndim)]
    others = [one for one in chosen if one not in trees]
    return tuple(
        replace(term, options=restricted(some, profile), why=_numbers(some, profile))
        for term, some in ((PRIOR, trees), (MATCHING, others))
        if some
    )


def _numbers(chosen: Sequence[ClassProfile], profile: Profile) -> str:
    """How many components and loops thin classes have, and in images how close the loops lie."""
    names = ("components", "loops", "cavities")
    said = numbers_said([max(one.median(name) for one in chosen) for name in names])
    apart = min(one.widths_a_loop for one in chosen)
    close = f"; over all images {apart:.0f} widths of centre line for each loop"
    close *= profile.ndim == 2 and apart < math.inf
    return f"{named(chosen, profile)}{said} per image{close}"


def known_numbers(profile: Profile) -> Verdict:
    """Row "known numbers" of the table."""
    fixed = [one for one in shown(profile) if fixed_numbers(one) is not None]
    if fixed and all(map(is_noisy, fixed)):
        return Verdict(False, noise_said(fixed, profile))
    alike: dict[tuple[int, ...] | None, list[ClassProfile]] = {}
    for one in fixed:
        numbers = fixed_numbers(one)
        if numbers is not None and not is_noisy(one):
            # an image without the class has other numbers: those of each label are read
            key = numbers[: profile.ndim] if one.presence >= COMMONLY else None
            alike.setdefault(key, []).append(one)
    if not alike:
        return Verdict(
            False,
            "no class has the same few Betti numbers in 95 % of at least 5 images, or it is one"
            " piece without loops, which the largest component after prediction gives for nothing",
        )
    terms = [_prior(betti, classes, profile) for betti, classes in alike.items()]
    return Verdict(
        True,
        "; ".join(term.why for term in terms),
        tuple(terms),
        note="Train on whole images: a crop has other Betti numbers than its image.",
    )


def _prior(betti: Sequence[int] | None, classes: Sequence[ClassProfile], profile: Profile) -> Term:
    images = min(len(one.betti) for one in classes)
    if betti is None:
        absent = max(1 - one.presence for one in classes)
        told = (
            " that show it have the same Betti numbers;"
            f" {absent:.0%} lack it: those of each label are read"
        )
    else:
        told = f" have the Betti numbers {', '.join(map(str, betti))}"
    known = {} if betti is None else {"betti": list(betti)}
    return replace(
        PRIOR,
        options={**known, **restricted(classes, profile)},
        start=0.5,
        warmup=0.1,
        why=f"{named(classes, profile)}at least 95 % of {images} images{told}",
    )


def crowded(profile: Profile) -> Verdict:
    """Row "crowded" of the table."""
    chosen = [
        one
        for one in shown(profile)
        if is_compact(one)
        and one.median("components") >= CROWDED
        and one.part("neighbours") >= NEAR
    ]
    if not chosen:
        near = max((one.part("neighbours") for one in shown(profile) if is_compact(one)), default=0)
        return Verdict(
            False,
            f"no compact class with {CROWDED:g} components per image of which {NEAR:.0%} lie within"
            f" 3 px of another (most: {near:.0%})",
        )
    noisy, chosen = chosen, [one for one in chosen if not is_noisy(one)]
    if not chosen:
        return Verdict(False, noise_said(noisy, profile))
    one = chosen[0]
    return Verdict(
        True,
        f"{named(chosen, profile)}{one.median('components'):.0f} components per image,"
        f" {one.part('neighbours'):.0%} of them within 3 px of another",
        (replace(MATCHING, options=restricted(chosen, profile)),),
        note="Where objects touch, a class for their borders, or a network for instances, does more"
        " than any loss; SkeletonAwareLoss (2D) and MalisLoss are for labels of such borders.",
    )


def rare(profile: Profile) -> Verdict:
    """Row "rare" of the table."""
    if not shown(profile):
        return Verdict(False, NOTHING)
    chosen = [one for one in shown(profile) if not is_thin(one) and _is_rare(one)]
    if not chosen:
        least = min(one.share for one in shown(profile))
        return Verdict(
            False,
            f"no compact class below {RARE:.0%} of the pixels, or below {COMMON:.0%} with a median"
            f" component below {SMALL:g} px (least share: {least:.2%})",
        )
    noisy, chosen = chosen, [one for one in chosen if not is_noisy(one)]
    if not chosen:
        return Verdict(False, noise_said(noisy, profile))
    one = min(chosen, key=lambda one: one.share)
    because = (
        f"{named(chosen, profile)}{one.share:.2%} of the pixels, components of"
        f" {object_size(one):.0f} px"
    )
    return Verdict(
        True,
        because,
        replace=("DiceLoss", DEARER),
    )


def _is_rare(one: ClassProfile) -> bool:
    """Whether a class has few pixels, or not many and in small components."""
    return one.share < RARE or (one.share < COMMON and object_size(one) < SMALL)


def absent(profile: Profile) -> Verdict:
    """Row "absent" of the table."""
    worst = min(shown(profile), key=lambda one: one.presence, default=None)
    if worst is None:
        return Verdict(False, NOTHING)
    presence = worst.presence
    if presence > ABSENT:
        return Verdict(False, f"the rarest class is in {presence:.0%} of the images")
    because = f"{named([worst], profile)}in {presence:.0%} of the images only"
    return Verdict(
        True,
        because,
        amend=(("DiceLoss", "TverskyLoss"), {"average": "dataset"}),
        note="Dice is pooled over the batch, so that an image without the class does not count any"
        " false pixel as a whole error: take batches in which the class occurs.",
    )


def doubtful(profile: Profile) -> Verdict:
    """Row "doubtful boundaries" of the table."""
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
    wide = not any(is_long(one) for one in profile.classes)
    return Verdict(
        True,
        because,
        replace=("CrossEntropyLoss", smooth) if known.rim >= 0.5 and wide else None,
        note="No model can be told apart from another by less than the annotators differ: score the"
        " second annotator as a model beside yours.",
    )
