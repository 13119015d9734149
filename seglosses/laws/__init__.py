"""The properties that a loss must have, as functions that say in words what broke.

``examine`` runs all laws of a subject's kind; the tests do so for every exported loss, and
``seglosses audit`` for anyone's.
"""

from __future__ import annotations

from seglosses.laws.box import BOX_LAWS
from seglosses.laws.segmentation import SEGMENTATION_LAWS
from seglosses.laws.subject import Finding, Law, LawBrokenError, Subject

__all__ = ["Finding", "Law", "LawBrokenError", "Subject", "examine", "laws_of"]


def laws_of(subject: Subject) -> dict[str, Law]:
    """The laws that apply to a subject, by name.

    Example:
        >>> subject = Subject("mine", "box", lambda pred, target: (pred - target).abs().sum())
        >>> "identical_boxes_cost_zero" in laws_of(subject)
        True
    """
    return dict(BOX_LAWS if subject.kind == "box" else SEGMENTATION_LAWS)


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
            words = f"raised {type(error).__name__}: {error}"
            findings.append(Finding(name, False, words.splitlines()[0]))
        else:
            findings.append(Finding(name, True, ""))
    return findings
