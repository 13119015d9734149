"""Losses against the errors that dominate in predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seglosses.advise.judges import DEARER, MATCHING, PRIOR, along
from seglosses.advise.kinds import is_long, is_noisy, is_tree, noise_said, restricted
from seglosses.advise.profile import ClassProfile, Profile
from seglosses.advise.seen import ErrorReport
from seglosses.advise.terms import Term, add
from seglosses.metrics.error_kinds import KINDS

COUNTED = ("breaks", "islands", "merged", "pinholes")
"""Kinds that change a number of components, loops or cavities."""

FOLLOWED = (*KINDS, "gap")
"""Kinds that say nothing where components and holes of the labels are noise."""

FAR = Term("LogHausdorffDTLoss", 0.1, start=0.5, warmup=0.1)
SIMPLE = {term.loss: term for term in (MATCHING, PRIOR, FAR)}

Found = list[tuple[ErrorReport, list[str]]]
"""Classes with the kinds of errors against which a loss is asked for."""


def answer(terms: list[Term], errors: Sequence[ErrorReport], profile: Profile) -> list[str]:
    """Add what sees the errors that dominate; what is proposed already gets one more reason.

    Args:
        terms: What the labels ask for; changed in place.
        errors: Of each class.
        profile: Of the labels.

    Returns:
        Notes on what is left out.
    """
    known = {one.index: one for one in profile.classes}
    refused: dict[int, list[str]] = {}
    asked: dict[str, Found] = {}
    for one in errors:
        for kind in one.dominating:
            if kind in FOLLOWED and is_noisy(known[one.index]):
                refused.setdefault(one.index, []).append(kind)
            elif loss := _loss_against(kind, known[one.index], terms, profile):
                found = asked.setdefault(loss, [])
                if not found or found[-1][0] is not one:
                    found.append((one, []))
                found[-1][1].append(kind)
    for loss, found in asked.items():
        _take(terms, loss, found, profile)
    if not refused:
        return []
    kinds = ", ".join(dict.fromkeys(kind for one in refused.values() for kind in one))
    said = noise_said([known[index] for index in refused], profile)
    return [f"errors: no loss is proposed against {kinds}. In the labels, {said}."]


def _loss_against(
    kind: str, one: ClassProfile, terms: Sequence[Term], profile: Profile
) -> str | None:
    """The loss that sees a kind of error of a class, None where there is none to propose."""
    if kind in COUNTED:
        counts = any(_counts(term, one.index, profile) for term in terms)
        return PRIOR.loss if counts or is_tree(one, profile.ndim) else MATCHING.loss
    if kind == "gap" and is_long(one):
        return along([one], profile).loss
    if kind in ("gap", "missed"):
        return DEARER.loss
    # Far pixels of thin structures are islands and bridges, which others see.
    return FAR.loss if kind == "leak" and not is_long(one) else None


def _counts(term: Term, index: int, profile: Profile) -> bool:
    """Whether a term compares the Betti numbers of a class."""
    everything = range(1, profile.num_classes)
    return term.loss == PRIOR.loss and index in term.options.get("classes", everything)


def _take(terms: list[Term], loss: str, found: Found, profile: Profile) -> None:
    """Add a loss for some classes, or its reason where it is proposed already."""
    several = len(profile.classes) > 1
    if loss == PRIOR.loss:
        for place, old in enumerate(terms):
            if own := [each for each in found if _counts(old, each[0].index, profile)]:
                terms[place] = old.also(_why(own, several=several))
                found = [each for each in found if each not in own]
        if not found:
            return
    why, rule = _why(found, several=several), f"errors: {found[0][1][0]}"
    if loss == DEARER.loss:
        terms[:] = [_dearer(old, why, rule) for old in terms]
        return
    indices = {one.index for one, _ in found}
    classes = [one for one in profile.classes if one.index in indices]
    made = SIMPLE.get(loss) or along(classes, profile)
    if loss in SIMPLE or any(old.loss == loss for old in terms):
        # what stands there has its options
        made = replace(made, options=restricted(classes, profile))
    add(terms, replace(made, why=why, rule=rule))


def _dearer(old: Term, why: str, rule: str) -> Term:
    """Tversky in place of Dice, with what was asked of that; other terms stay."""
    if old.loss == DEARER.loss:
        return old.also(why)
    if old.loss != "DiceLoss":
        return old
    return replace(DEARER, options={**old.options, **DEARER.options}, why=why, rule=rule)


def _why(found: Found, *, several: bool) -> str:
    """What predictions get wrong, of the class with the most wrong pixels first, in a line."""
    worst, kinds = max(found, key=lambda each: each[0].wrong)
    front = f"{worst.name}: " * several
    more = len(found) - 1
    others = f"; {more} more class{'es' * (more > 1)}" if more else ""
    return f"predictions: {front}{', '.join(worst.said(kind) for kind in kinds)}{others}"
