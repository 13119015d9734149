"""The properties that a loss must have, as functions that describe what broke.

``examine`` runs all laws of a subject's kind; the tests do so for every exported loss, and
``seglosses audit`` for anyone's.
"""

from __future__ import annotations

from collections.abc import Callable

from seglosses.laws.box import BOX_LAWS, ROTATED_LAWS
from seglosses.laws.exempt import EXEMPT, EXEMPT_WITH
from seglosses.laws.grades import Grade, grade_of
from seglosses.laws.invariance import INVARIANCE_LAWS
from seglosses.laws.overlap import OVERLAP_LAWS
from seglosses.laws.segmentation import SEGMENTATION_LAWS
from seglosses.laws.subject import Finding, Law, LawBrokenError, Subject, raised

__all__ = [
    "EXEMPT",
    "EXEMPT_WITH",
    "Finding",
    "Grade",
    "Law",
    "LawBrokenError",
    "Subject",
    "examine",
    "grade_of",
    "laws_of",
]


def _always(_: Subject) -> bool:
    return True


#: laws that need something of their subject, so that "it holds" never means "it was not tried"
_NEEDS: dict[str, Callable[[Subject], bool]] = {
    "missed_rare_class_costs": lambda subject: subject.channels > 1,
    "ignored_pixels_do_not_matter": lambda subject: subject.ignore_index is not None,
    "all_ignored_is_a_zero_with_a_graph": lambda subject: subject.ignore_index is not None,
    "one_valid_pixel_is_enough": lambda subject: subject.ignore_index is not None,
    "weights_of_zero_cost_nothing": lambda subject: subject.weighted,
    "own_probabilities_are_finite": lambda subject: subject.soft,
    "class_order_is_irrelevant": lambda subject: subject.channels > 2,
    "soft_and_hard_labels_agree": lambda subject: subject.soft,
    "one_slice_equals_two_dimensions": lambda subject: {2, 3} <= set(subject.dims),
    "a_class_weighs_as_a_class": lambda subject: subject.channels > 1,
    "absent_class_does_not_matter": lambda subject: (
        subject.channels > 2 and (subject.classwise or subject.overlap)
    ),
    "every_channel_is_a_foreground": lambda subject: subject.independent,
}


def laws_of(subject: Subject) -> dict[str, Law]:
    """The laws that apply to a subject, by name.

    Example:
        >>> subject = Subject("mine", "box", lambda pred, target: (pred - target).abs().sum())
        >>> "identical_boxes_cost_zero" in laws_of(subject)
        True
    """
    if subject.kind != "segmentation":
        laws = BOX_LAWS if subject.kind == "box" else ROTATED_LAWS
    else:
        laws = SEGMENTATION_LAWS | INVARIANCE_LAWS | (OVERLAP_LAWS if subject.overlap else {})
    return {name: law for name, law in laws.items() if _NEEDS.get(name, _always)(subject)}


def examine(subject: Subject) -> list[Finding]:
    """Run every law that applies.

    Any exception that the subject raises on valid input counts as breaking the law at hand.

    Example:
        >>> l1 = Subject("l1", "box", lambda pred, target: (pred - target).abs().mean())
        >>> [finding.law for finding in examine(l1) if not finding.holds]  # a mean of nothing
        ['degenerate_boxes_are_finite', 'no_boxes_cost_zero']
    """
    findings = []
    for name, law in laws_of(subject).items():
        try:
            law(subject)
        except LawBrokenError as broken:
            findings.append(Finding(name, False, str(broken)))
        except Exception as error:
            findings.append(Finding(name, False, raised(error)))
        else:
            findings.append(Finding(name, True, ""))
    return findings
