"""From a profile to a list of losses: every rule is asked, and every answer is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from seglosses.advise.kinds import is_noisy, is_thin, noise_said
from seglosses.advise.profile import Profile
from seglosses.advise.rules import RULES, Rule
from seglosses.advise.seen import ANSWERS, ErrorReport, error_report
from seglosses.advise.terms import Term, Verdict
from seglosses.metrics.error_kinds import KINDS
from seglosses.pages import page

BASE = (
    Term(
        "CrossEntropyLoss",
        why="every pixel; trains well from the first iteration",
        rule="base",
    ),
    Term(
        "DiceLoss",
        why="each class as a whole, so that a small one counts; with cross-entropy the baseline"
        f" that is hard to beat (Isensee et al. 2021; Ma et al. 2021; {page('docs/benchmark.md')})",
        rule="base",
    ),
)


@dataclass(frozen=True)
class Considered:
    """A rule and what it said.

    Attributes:
        rule: The row of the table.
        verdict: Its answer.
    """

    rule: Rule
    verdict: Verdict


@dataclass(frozen=True)
class Proposal:
    """What to train with.

    Attributes:
        terms: The losses, with weights and schedules.
        considered: All rules with their answers, in the order of the table.
        errors: What predictions get wrong, by class.
        notes: What else to do.
        ndim: Of the label maps.
        nothing: Whether no label map shows anything that could be measured.
    """

    terms: tuple[Term, ...]
    considered: tuple[Considered, ...]
    errors: tuple[ErrorReport, ...]
    notes: tuple[str, ...]
    ndim: int = 2
    nothing: bool = False

    @property
    def rejected(self) -> list[Considered]:
        """Rules that did not fire."""
        return [one for one in self.considered if not one.verdict.fires]

    @property
    def plain(self) -> bool:
        """Whether nothing but the baseline is proposed."""
        return {term.rule for term in self.terms} == {"base"}

    def worst(self, count: int) -> list[ErrorReport]:
        """The classes of which most pixels are wrong.

        Args:
            count: At most so many.
        """
        return sorted(self.errors, key=lambda one: -one.wrong)[:count]

    @property
    def verdict(self) -> str:
        """In a sentence, where nothing but the baseline is proposed; empty else."""
        if self.nothing:
            return (
                "No label map shows a pixel of the foreground, so that nothing follows from them."
                " Do their values mean something else? (--foreground-value, --labels-map,"
                " --ignore-index)"
            )
        if self.plain:
            return (
                "Nothing that was measured asks for more than cross-entropy and Dice: a loss of"
                " shape would cost time and is not known to help here."
            )
        return ""

    @property
    def scheduled(self) -> bool:
        """Whether a weight changes during the training."""
        return any(term.scheduled for term in self.terms)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "losses": [
                {
                    "loss": term.loss,
                    "options": dict(term.options),
                    "loss_weight": term.loss_weight,
                    "why": term.why,
                    "cost": term.cost(self.ndim),
                    "rule": term.rule,
                }
                for term in self.terms
            ],
            "plain": self.plain,
            "nothing": self.nothing,
            "notes": list(self.notes),
            "rules": [
                {
                    "rule": one.rule.name,
                    "asks": one.rule.asks,
                    "about": one.rule.losses,
                    "fires": one.verdict.fires,
                    "because": one.verdict.because,
                    "source": one.rule.source,
                    "limits": one.rule.limits,
                }
                for one in self.considered
            ],
            "errors": [
                {
                    "class": one.name,
                    "images": one.images,
                    "an_image": one.counts,
                    "share_of_wrong_pixels": one.pixels,
                    "wrong_pixels_an_image": one.wrong,
                    "missed_small": one.missed_small,
                    "dominating": list(one.dominating),
                }
                for one in self.errors
            ],
        }


def propose(profile: Profile) -> Proposal:
    """Ask every rule.

    Args:
        profile: Of :func:`seglosses.advise.reading.survey`.

    Returns:
        Losses, reasons, and what was rejected.
    """
    terms, notes = list(BASE), []
    considered = []
    for rule in RULES:
        verdict = rule.judge(profile).named(rule.name)
        considered.append(Considered(rule, verdict))
        if not verdict.fires:
            continue
        if verdict.replace is not None:
            old, new = verdict.replace
            terms = [new if term.loss == old else term for term in terms]
        if verdict.amend is not None:
            names, options = verdict.amend
            terms = [
                replace(term, options={**term.options, **options}) if term.loss in names else term
                for term in terms
            ]
        for term in verdict.add:
            _add(terms, term)
        if verdict.note:
            notes.append(f"{rule.name}: {verdict.note}")
    reports = [error_report(one, profile) for one in profile.classes]
    errors = tuple(one for one in reports if one is not None)
    notes += _answer(terms, errors, profile)
    if any(term.loss == "BettiMatchingLoss" for term in terms):
        notes.append(
            "Betti errors alone mislead (one blob over everything has one component): read them"
            " beside Dice and HD95."
        )
    if profile.regions:
        notes.append(
            f"Regions of dataset.json ({', '.join(profile.regions)}) overlap; what was measured are"
            " the labels that they are made of. nnU-Net trains a channel for each region, in the"
            " order of regions_class_order: `classes` counts these there, not the labels."
        )
    nothing = not any(one.shown for one in profile.classes)
    return Proposal(
        tuple(terms), tuple(considered), errors, tuple(notes), profile.ndim, nothing=nothing
    )


def _answer(terms: list[Term], errors: Sequence[ErrorReport], profile: Profile) -> list[str]:
    """Add what sees the errors that dominate, if nothing there does; notes on what is left out."""
    noisy = [one for one in profile.classes if is_noisy(one)]
    unclean = {one.index for one in noisy}
    refused: dict[int, list[str]] = {}
    thin = {one.index for one in profile.classes if is_thin(one)}
    # skeleton recall sees missing length as clDice does
    recalled = {
        index
        for term in terms
        if term.loss == "SkeletonRecallLoss"
        for index in term.options.get("classes", thin)
    }
    asked: dict[str, list[tuple[ErrorReport, list[str]]]] = {}
    made: dict[str, Term] = {}
    for one in errors:
        for kind in one.dominating:
            if kind in KINDS and one.index in unclean:
                refused.setdefault(one.index, []).append(kind)
                continue
            for term in ANSWERS[kind].terms:
                if term.loss == "SoftClDiceLoss" and (
                    one.index not in thin or one.index in recalled
                ):
                    continue
                if term.loss == "LogHausdorffDTLoss" and one.index in thin:
                    # Far pixels of thin structures are islands and bridges, which others see.
                    continue
                made.setdefault(term.loss, replace(term, rule=f"errors: {kind}"))
                classes = asked.setdefault(term.loss, [])
                if not classes or classes[-1][0] is not one:
                    classes.append((one, []))
                classes[-1][1].append(kind)
    for loss, classes in asked.items():
        new = replace(made[loss], why=_why(classes, several=len(profile.classes) > 1))
        if loss == "TverskyLoss":
            terms[:] = [
                replace(new, options={**old.options, **new.options})
                if old.loss == "DiceLoss"
                else old
                for old in terms
            ]
            continue
        of = {"classes": [one.index for one, _ in classes]} if len(profile.classes) > 1 else {}
        _add(terms, replace(new, options={**new.options, **of}))
    if not refused:
        return []
    kinds = ", ".join(dict.fromkeys(kind for one in refused.values() for kind in one))
    said = noise_said([one for one in noisy if one.index in refused], profile)
    return [f"errors: no loss is proposed against {kinds}. In the labels, {said}."]


def _why(classes: Sequence[tuple[ErrorReport, Sequence[str]]], *, several: bool) -> str:
    """What predictions get wrong, of the class with the most wrong pixels first, in a line."""
    worst, kinds = max(classes, key=lambda found: found[0].wrong)
    front = f"{worst.name}: " * several
    more = len(classes) - 1
    others = f"; {more} more class{'es' * (more > 1)}" if more else ""
    return f"predictions: {front}{', '.join(worst.said(kind) for kind in kinds)}{others}"


def _add(terms: list[Term], term: Term) -> None:
    """Add a term; of one loss for several classes one term is left, for all of them."""
    for place, old in enumerate(terms):
        if old.loss != term.loss:
            continue
        known = [t.options.get("classes") for t in (old, term)]
        options = {k: v for k, v in {**term.options, **old.options}.items() if k != "classes"}
        if all(one is not None for one in known):
            options["classes"] = sorted({index for one in known for index in one or ()})
        why = old.why if term.why in old.why else f"{old.why}; {term.why}"
        terms[place] = replace(old, options=options, why=why)
        return
    terms.append(term)
