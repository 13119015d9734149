"""From a profile to a list of losses: every rule is asked, and every answer is kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from seglosses.advise.answering import answer
from seglosses.advise.judges import MATCHING, PRIOR
from seglosses.advise.profile import Files, Profile
from seglosses.advise.rules import RULES, Rule
from seglosses.advise.seen import ErrorReport, error_report
from seglosses.advise.terms import CROP, Term, Verdict, add
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
        files: How files hold what a loss is given.
    """

    terms: tuple[Term, ...]
    considered: tuple[Considered, ...]
    errors: tuple[ErrorReport, ...]
    notes: tuple[str, ...]
    ndim: int = 2
    nothing: bool = False
    files: Files = field(default_factory=Files)

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
        kinds = dict.fromkeys(kind for one in self.errors for kind in one.dominating)
        if self.plain and kinds:
            return (
                "Nothing in the labels asks for more than cross-entropy and Dice, and no loss is"
                f" proposed against what dominates the errors ({', '.join(kinds)}): read below"
                " what sees it."
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
            add(terms, term)
        if verdict.note:
            notes.append(f"{rule.name}: {verdict.note}")
    reports = [error_report(one, profile) for one in profile.classes]
    errors = tuple(one for one in reports if one is not None)
    notes += answer(terms, errors, profile)
    notes += _of_counting(terms, profile.ndim)
    notes += _of_files(profile)
    if profile.regions:
        notes.append(
            f"Regions of dataset.json ({', '.join(profile.regions)}) overlap; what was measured are"
            " the labels that they are made of. nnU-Net trains a channel for each region, in the"
            " order of regions_class_order: `classes` counts these there, not the labels."
        )
    nothing = not any(one.shown for one in profile.classes)
    return Proposal(
        tuple(terms),
        tuple(considered),
        errors,
        tuple(notes),
        profile.ndim,
        nothing=nothing,
        files=profile.files,
    )


def _of_counting(terms: list[Term], ndim: int) -> list[str]:
    """What to know where components are counted; in volumes Betti matching gets a crop."""
    notes = []
    places = [at for at, term in enumerate(terms) if term.loss == MATCHING.loss]
    if places:
        notes.append(
            "Betti matching is a sum over features, and its gradient sits on few pixels: on"
            " membranes weight 0.02 is 95 % of the gradient's norm and 0.5 is 99.8 %"
            f" ({page('docs/evidence.md')})."
            " Lower the weight where LossBalanceHook warns of more than 99 %."
        )
    prior = any(term.loss == PRIOR.loss for term in terms)
    if prior:
        notes.append(
            "The gradient of the topological prior sits on few pixels, too: with weight 0.01 it is"
            f" 68 to 90 % of the gradient's norm after training ({page('docs/evidence.md')}). With"
            " its default weight, 1, nothing else would be learned."
        )
    if places or prior:
        notes.append(
            "Betti errors alone mislead (one blob over everything has one component): read them"
            " beside Dice and HD95."
        )
    if places and ndim == 3:
        for at in places:
            terms[at] = replace(terms[at], options={**terms[at].options, "crop": CROP})
        notes.append(
            f"Betti matching of volumes is dear, the more so the noisier the output: `crop={CROP}`"
            f" matches a random box of {CROP}³ voxels of each patch, in a patch of 128³ an eighth."
            " Take a smaller one, or start later, where time is short."
        )
    return notes


def _of_files(profile: Profile) -> list[str]:
    """What must be done to label files before losses can read them."""
    if not profile.files.values:
        return []
    return [
        f"Values of the label files: {profile.files.values}. The printed losses want class indices"
        " from 0 on, and ignore the value 255: convert the labels, or pixels of a class are"
        " ignored without a word."
    ]
