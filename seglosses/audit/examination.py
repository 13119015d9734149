"""The laws on one TYPE in all its settings, and checks that need its constructor."""

from __future__ import annotations

import inspect
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple
from unittest import mock

import torch
from torch import Tensor, nn

from seglosses.audit.adapters import ADAPTERS
from seglosses.audit.subjects import OVERLAP, bare_loss, find, read, subjects, takes, written
from seglosses.laws import EXEMPT, EXEMPT_WITH, Finding, Grade, examine, grade_of
from seglosses.laws.subject import raised


class Verdict(NamedTuple):
    """What the laws say of one TYPE in one setting.

    Attributes:
        type: As it was given.
        setting: In which form the loss was tried: 3 classes, 1 channel, boxes.
        findings: One per law that was tried.
        exempt: Laws that need not hold, and why.
        call: What was called, with the names of the input.
    """

    type: str
    setting: str
    findings: list[Finding]
    exempt: Mapping[str, str] = MappingProxyType({})
    call: str = ""

    @property
    def broken(self) -> list[Finding]:
        """The laws that do not hold, though they should; the gravest first."""
        found = [f for f in self._against if grade_of(f.law) != "convention"]
        return sorted(found, key=lambda finding: grade_of(finding.law) == "edge")

    @property
    def conventions(self) -> list[Finding]:
        """The laws from which the loss differs by the choice of its definition."""
        return [f for f in self._against if grade_of(f.law) == "convention"]

    @property
    def _against(self) -> list[Finding]:
        return [f for f in self.findings if not f.holds and f.law not in self.exempt]


class Cause(NamedTuple):
    """What breaks laws in one way, of one grade."""

    grade: Grade
    laws: tuple[str, ...]
    words: str


def causes(findings: list[Finding]) -> list[Cause]:
    """Broken laws by cause: those that break by one exception or result are one.

    Example:
        >>> same = [Finding(name, False, "raised E: x") for name in "ab"]
        >>> causes([*same, Finding("no_boxes_cost_zero", False, "is 1")])
        [Cause(grade='ordinary', laws=('a', 'b'), words='raised E: x'),
         Cause(grade='edge', laws=('no_boxes_cost_zero',), words='is 1')]
    """
    by_cause: dict[tuple[Grade, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        error = re.split(r" for pred| for logits| for labels", finding.words)[0]
        error = re.sub(r"\d+", "n", error)
        alike = error if error.startswith(("raised ", "expected ", "the value is nan")) else ""
        by_cause[grade_of(finding.law), alike or finding.law].append(finding)
    return [
        Cause(grade, tuple(finding.law for finding in group), group[0].words)
        for (grade, _), group in by_cause.items()
    ]


def _exempt(text: str, definition: str) -> dict[str, str]:
    """Laws that a loss of this definition need not keep, and why, whoever wrote it."""
    found, adapter = find(read(text).path)
    ours = adapter.package == ADAPTERS["seglosses"].package
    given = read(definition or adapter.definition or text)
    name = found.__name__ if ours and not definition else given.path

    def is_said_of(known: str) -> bool:
        path, options = read(known)
        return path == name and options.items() <= given.arguments.items()

    every = [*EXEMPT.items(), *EXEMPT_WITH.items()]
    by_definition = {law: why for (known, law), why in every if is_said_of(known)}
    return {**adapter.waived, **by_definition}


def _sample() -> tuple[Tensor, Tensor]:
    labels = torch.zeros(1, 8, 8, dtype=torch.long)
    labels[0, :2] = 1
    return torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)), labels


def prices_differ(text: str) -> Finding | None:
    """Exchanging ``alpha`` and ``beta`` changes the value; ``None`` for losses without both.

    Example:
        >>> prices_differ("TverskyLoss")
        Finding(law='alpha_is_not_beta', holds=True, words='')
    """
    spec = read(text)
    found, _ = find(spec.path)
    if not (takes(found, "alpha") and takes(found, "beta") and OVERLAP.search(spec.path)):
        return None
    values = []
    for alpha, beta in ((0.9, 0.1), (0.1, 0.9)):
        changed = spec.arguments | {"alpha": alpha, "beta": beta}
        words = ", ".join(f"{k}={v!r}" for k, v in changed.items())
        _, subject = next(subjects(f"{spec.path}({words})"))
        values.append(float(subject.call(*_sample())))
    differ = abs(values[0] - values[1]) > 1e-4
    words = "" if differ else f"alpha, beta = .9, .1 and .1, .9 both cost {values[0]:.6g}"
    return Finding("alpha_is_not_beta", differ, words)


def weights_of_one_are_taken(text: str) -> Finding | None:
    """Pixel weights of one, as samplers give them, change nothing; ``None`` without weights.

    Example:
        >>> weights_of_one_are_taken("DiceLoss")
        Finding(law='weights_of_one_are_taken', holds=True, words='')
    """
    setting, subject = next(subjects(text))
    bare = None if setting == "boxes" else bare_loss(subject)
    if not isinstance(bare, nn.Module):
        return None
    if "weight" not in inspect.signature(bare.forward).parameters:
        return None
    name = "weights_of_one_are_taken"
    pred, labels = _sample()
    call: Callable[..., Tensor] = subject.call
    try:
        value = float(call(pred, labels))
        weighted = float(call(pred, labels, weight=torch.ones(labels.shape)))
    except Exception as error:
        return Finding(name, False, f"weights (1, 8, 8) of labels (1, 8, 8): {raised(error)}")
    same = abs(value - weighted) <= 1e-5
    return Finding(name, same, "" if same else f"they change {value:.6g} to {weighted:.6g}")


def normalized_sums_agree(text: str) -> Finding | None:
    """What a normalised loss costs over all labels does not grow with the number of classes.

    ``None`` for losses that are not called normalised, and for those of boxes.

    Example:
        >>> normalized_sums_agree("NormalizedCrossEntropyLoss")  # 1, for any number of classes
        Finding(law='normalized_sums_agree', holds=True, words='')
    """
    spec = read(text)
    found, _ = find(spec.path)
    setting = next(subjects(text))[0]
    if setting == "boxes" or not re.search(r"normali[sz]ed", spec.path, re.IGNORECASE):
        return None
    sums = {}
    for classes in (3, 6):
        told = {"num_classes": classes} if takes(found, "num_classes") else {}
        words = ", ".join(f"{k}={v!r}" for k, v in (spec.arguments | told).items())
        _, subject = next(subjects(f"{spec.path}({words})"))
        pred = torch.zeros(1, classes, 1, 1)
        labels = torch.arange(classes).view(-1, 1, 1, 1)
        sums[classes] = sum(float(subject.call(pred, label)) for label in labels)
    same = abs(sums[6] - sums[3]) <= 1e-3 * abs(sums[3])
    words = ", ".join(f"{total:.4g} for {classes} classes" for classes, total in sums.items())
    name = "normalized_sums_agree"
    return Finding(
        name, same, "" if same else f"uniform predictions cost, over all labels, {words}"
    )


@contextmanager
def devices_watched() -> Iterator[set[str]]:
    """Let ``.cuda()`` leave tensors and modules where they are, and note that it was asked for.

    Example:
        >>> with devices_watched() as asked:
        ...     torch.zeros(1).cuda().device.type, sorted(asked)
        ('cpu', ['Tensor.cuda'])
    """
    asked: set[str] = set()

    def stay(self: object, *_: object, **__: object) -> object:
        asked.add("Tensor.cuda" if isinstance(self, Tensor) else "Module.cuda")
        return self

    with mock.patch.object(Tensor, "cuda", stay), mock.patch.object(nn.Module, "cuda", stay):
        yield asked


def audit(text: str, definition: str = "") -> list[Verdict]:
    """All laws on one TYPE, in every setting that its adapter declares.

    Args:
        text: The TYPE.
        definition: A loss of ours of the same definition, whose exemptions count for this one too;
            by default what its adapter says.

    Raises:
        ValueError: for a TYPE that cannot be imported, or a definition that is no loss of ours.

    Example:
        >>> [verdict.broken for verdict in audit("CrossEntropyLoss")]
        [[], []]
    """
    if definition and definition not in {name for name, _ in [*EXEMPT, *EXEMPT_WITH]}:
        raise ValueError(
            f"expected the name of a loss of ours that has exemptions as the definition, got"
            f" {definition!r}; seglosses/laws/exempt.py lists them"
        )
    verdicts: list[Verdict] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for setting, subject in subjects(text):
                with devices_watched() as asked:
                    findings = examine(subject)
                words = f"{' and '.join(sorted(asked))} called for input on a CPU" if asked else ""
                findings.append(Finding("stays_on_its_device", not asked, words))
                exempt = _exempt(text, definition)
                verdicts.append(Verdict(text, setting, findings, exempt, written(text, setting)))
            checks = (prices_differ, weights_of_one_are_taken, normalized_sums_agree)
            extra = [check(text) for check in checks]
        except (AssertionError, TypeError) as error:
            failed = Finding("can_be_constructed", False, raised(error))
            return [Verdict(text, "constructor", [failed])]
    verdicts[0].findings.extend(finding for finding in extra if finding is not None)
    return verdicts
