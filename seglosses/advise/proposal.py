"""From a profile to a list of losses: every rule is asked, and every answer is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from seglosses.advise.kinds import is_thin
from seglosses.advise.profile import Profile
from seglosses.advise.rules import RULES, Rule
from seglosses.advise.seen import ANSWERS, ErrorReport, error_report
from seglosses.advise.terms import Term, Verdict

BASE = (
    Term(
        "CrossEntropyLoss",
        why="every pixel; trains well from the first iteration",
        rule="base",
    ),
    Term(
        "DiceLoss",
        why="each class as a whole, so that a small one counts; with cross-entropy the baseline"
        " that is hard to beat (Isensee et al. 2021; Ma et al. 2021; docs/benchmark.md)",
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
    """

    terms: tuple[Term, ...]
    considered: tuple[Considered, ...]
    errors: tuple[ErrorReport, ...]
    notes: tuple[str, ...]
    ndim: int = 2

    @property
    def rejected(self) -> list[Considered]:
        """Rules that did not fire."""
        return [one for one in self.considered if not one.verdict.fires]

    @property
    def plain(self) -> bool:
        """Whether nothing but the baseline is proposed."""
        return {term.rule for term in self.terms} == {"base"}

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
                    "cost": term.cost(),
                    "rule": term.rule,
                }
                for term in self.terms
            ],
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
    for one in errors:
        _answer(terms, one, profile)
    if any(term.loss == "BettiMatchingLoss" for term in terms):
        notes.append(
            "Betti errors alone mislead (one blob over everything has one component): read them"
            " beside Dice and HD95."
        )
    return Proposal(tuple(terms), tuple(considered), errors, tuple(notes), profile.ndim)


def _answer(terms: list[Term], one: ErrorReport, profile: Profile) -> None:
    """Add what sees the errors that dominate, if nothing there does."""
    thin = any(is_thin(cls) for cls in profile.classes if cls.index == one.index)
    of = {"classes": [one.index]} if len(profile.classes) > 1 else {}
    for kind in one.dominating:
        for term in ANSWERS[kind].terms:
            if term.loss == "SoftClDiceLoss" and not thin:
                continue
            if term.loss == "LogHausdorffDTLoss" and thin:
                # Far pixels of thin structures are islands and bridges, which others see.
                continue
            number = one.counts.get(kind)
            said = (
                f"predictions: {number:.1f} {kind} per image"
                if number is not None
                else f"predictions: {one.pixels[kind]:.0%} of the wrong pixels are a {kind}"
            )
            new = replace(term, why=said, rule=f"errors: {kind}")
            if term.loss == "TverskyLoss":
                terms[:] = [new if old.loss == "DiceLoss" else old for old in terms]
            else:
                _add(terms, replace(new, options={**new.options, **of}))


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
