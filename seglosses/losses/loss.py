"""What every loss has: its reduction, its weight, its name, and how it describes itself."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from inspect import Signature
from numbers import Real
from typing import ClassVar, TypedDict

import torch
from torch import Tensor, nn
from typing_extensions import Self

from seglosses.losses.declared import full_doc, full_signature, refuse_unknown
from seglosses.losses.finite import require_finite
from seglosses.losses.heads import HeadSettings
from seglosses.losses.schedule import WeightSchedule
from seglosses.primitives.attention import attention, may_look
from seglosses.primitives.reduction import check_reduction


class LossOptions(TypedDict, total=False):
    """Options of every loss, see :class:`Loss`."""

    reduction: str
    loss_weight: float | Mapping[str, float]
    loss_name: str | None


class Loss(nn.Module):
    """Reduction, weight and name.

    Numbers among the options of any loss are checked when they are given: finite, and at least 0
    (strengths, exponents, margins, smoothing) unless a tighter or wider range is stated. The error
    names it.

    Args:
        reduction: 'mean', 'sum' or 'none'.
        loss_weight: Factor of the result, or a schedule of it over the training such as
            ``dict(value=0.5, start=0.7, warmup=0.1)``: zero for 70 % of the training, then growing
            to 0.5 within 10 %. ``initial`` replaces the zero before ``start``; ``share`` asks for a
            share of the gradient in place of a weight, see
            :class:`~seglosses.losses.schedule.WeightSchedule`. A schedule needs
            ``seglosses.LossWeightSchedule`` among ``custom_hooks``, or calls of
            :meth:`set_progress`; without them the loss cannot know how far the training is, and
            refuses to train. A negative weight maximises the loss, and a warning says so.
        loss_name: Key under which OpenMMLab logs and sums it; must contain ``loss`` (other keys
            are logged but not trained). By default ``loss_`` and the class name in snake case.

    Attributes:
        loss_weight: The factor at present, a number that hooks may change.
        weight_schedule: The schedule of the weight, None for a constant one.
        balanced: Whether something measures its gradient, as a target share needs.
        formula: The loss in a line, for catalogues.
        paper: Its source in a line.
        use_when: What it is for, in a line.
        tags: What it is for, in single words, see :mod:`seglosses.losses.purposes`.
        needs: Extra inputs without which it cannot be called, see :mod:`seglosses.extra_inputs`.
        record: Attribute that holds options together, for losses that keep them as one record.
        explained: Options that it refuses with a reason of its own.
    """

    formula: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    use_when: ClassVar[str] = ""
    tags: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    record: ClassVar[str] = ""
    explained: ClassVar[tuple[str, ...]] = ()
    default_loss_name: ClassVar[str]
    __signature__: ClassVar[Signature]
    # on the class, so that losses pickled by older versions have them
    weight_schedule: WeightSchedule | None = None
    balanced = False
    _in_training = False
    _past_calls = 0
    _looked = False
    _head = HeadSettings("a loss")

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        cls.default_loss_name = default_name(cls.__name__)
        cls.__signature__ = full_signature(cls)
        cls.__doc__ = full_doc(cls)

    def __new__(cls, *_: object, **options: object) -> Self:
        """Refuse options that the class does not take, before any constructor runs."""
        refuse_unknown(cls, options)
        return super().__new__(cls)

    def __init__(
        self,
        reduction: str = "mean",
        loss_weight: float | Mapping[str, float] = 1.0,
        loss_name: str | None = None,
    ) -> None:
        super().__init__()
        check_reduction(reduction)
        name = self.default_loss_name if loss_name is None else loss_name
        if "loss" not in name:
            raise ValueError(
                f"loss_name must contain 'loss', else mmengine logs it without training on it;"
                f" got {name!r}, try 'loss_{name}'"
            )
        self.reduction = reduction
        given: object = loss_weight
        if isinstance(loss_weight, Mapping):
            self.weight_schedule = WeightSchedule.from_mapping(loss_weight)
            loss_weight = self.weight_schedule.value
        elif not isinstance(given, Real) or not math.isfinite(given):
            raise ValueError(
                "loss_weight must be a number or a schedule such as dict(value=0.5, start=0.7,"
                f" warmup=0.1), and finite, got {given!r}"
            )
        if loss_weight < 0:
            warnings.warn(
                f"loss_weight={loss_weight!r} of {name} is negative, so training maximises the"
                " loss; to leave it out set 0, and where this is meant ignore the warning",
                stacklevel=2,
            )
        self.loss_weight = loss_weight
        self.loss_name = name
        self._head = HeadSettings(name)

    def set_progress(self, progress: float | None) -> None:
        """Set the weight to what its schedule says; a constant weight stays.

        Args:
            progress: Fraction of the training that is done, in [0, 1]; None outside of a training,
                which gives the loss its whole weight back.

        Raises:
            ValueError: For another number.

        Example:
            >>> from seglosses.losses import DiceLoss
            >>> loss = DiceLoss(loss_weight=dict(value=0.5, start=0.5, warmup=0.5))
            >>> loss.set_progress(0.75)
            >>> loss.loss_weight
            0.25
        """
        if progress is not None and not 0.0 <= progress <= 1.0:
            raise ValueError(
                f"expected progress in [0, 1], a fraction of the training; got {progress}."
                " Divide iterations by max_iters."
            )
        if (schedule := self.weight_schedule) is not None:
            self.loss_weight = schedule.value if progress is None else schedule.weight(progress)
        self._in_training = progress is not None

    def set_whole_weight(self, value: float) -> None:
        """Set the weight that the schedule ends with, as a balance does.

        Args:
            value: The new weight; what the schedule has reached of it applies at once.

        Example:
            >>> from seglosses.losses import DiceLoss
            >>> loss = DiceLoss(loss_weight=dict(share=0.1))
            >>> loss.set_whole_weight(0.25)
            >>> loss.loss_weight
            0.25
        """
        schedule = self.weight_schedule
        if schedule is None:
            self.loss_weight = value
            return
        part = self.loss_weight / schedule.value if schedule.value else 1.0
        self.weight_schedule = replace(schedule, value=value)
        self.loss_weight = value * part

    def extra_repr(self) -> str:
        """All options, as they can be given to the constructor."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options().items())

    def options(self) -> dict[str, object]:
        """Every option with its present value, in plain numbers and words.

        Example:
            >>> import torch
            >>> from seglosses.losses import DiceLoss
            >>> options = DiceLoss(class_weight=torch.ones(2)).options()
            >>> options["class_weight"], DiceLoss(**options).options() == options
            ([1.0, 1.0], True)
        """
        taken = [n for n, p in self.__signature__.parameters.items() if p.kind is not p.VAR_KEYWORD]
        held = getattr(self, self.record) if self.record else None
        found = {n: getattr(self, n, getattr(held, n, _MISSING)) for n in taken}
        if self.weight_schedule is not None:
            schedule = asdict(self.weight_schedule)
            found["loss_weight"] = {n: v for n, v in schedule.items() if n != "share" or v}
        return {name: _plain(value) for name, value in found.items() if value is not _MISSING}

    def _look_for_logits(self, pred: Tensor) -> None:
        """Warn once where what should be logits of a sigmoid looks like its probabilities."""
        if self._looked or pred.numel() == 0 or not may_look(pred):
            return
        self._looked = True
        low, high = pred.detach().aminmax()
        # all equal is a network that has not learned anything yet
        if 0 <= low < high <= 1:
            warnings.warn(
                f"{self.loss_name} applies a sigmoid to raw outputs, and all of these lie in"
                " [0, 1]: if they are probabilities already (Decoupled SOLO, QueryInst, TOOD), wrap"
                " the loss in seglosses.ForProbabilities, or give torch.logit(prob)",
                stacklevel=4,
            )

    def _attention(self) -> AbstractContextManager[None]:
        """Count the call; its checks wait for a device, or do not, as its number says."""
        if torch.compiler.is_compiling():
            return nullcontext()
        self._past_calls += 1
        return attention(self._past_calls - 1)

    def _finish(self, loss: Tensor, pred: Tensor) -> Tensor:
        schedule = self.weight_schedule if self.training else None
        if schedule is not None and not self._in_training and not schedule.constant:
            raise ValueError(
                f"{self.loss_name} has a schedule as loss_weight that nothing applies; add"
                " dict(type='seglosses.LossWeightSchedule') to custom_hooks, or call"
                " set_progress(fraction of the training) before each iteration"
            )
        if schedule is not None and schedule.share and not self.balanced:
            raise ValueError(
                f"{self.loss_name} has a target share as loss_weight that nothing measures; add"
                " dict(type='seglosses.LossBalanceHook') to custom_hooks, or call the losses"
                " through seglosses.losses.balance.LossBalance"
            )
        if self.loss_weight != 1:
            loss = loss * self.loss_weight
        require_finite(loss, pred, type(self).__name__)
        return loss


_MISSING = object()


def _plain(value: object) -> object:
    """Tensors and arrays as lists, numbers of NumPy as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return type(value)(map(_plain, value)) if isinstance(value, list | tuple) else value


def default_name(class_name: str) -> str:
    """``loss_`` and the class name without ``Loss`` in snake case.

    Example:
        >>> default_name("SoftClDiceLoss"), default_name("GIoULoss")
        ('loss_soft_cldice', 'loss_giou')
    """
    stem = class_name.removesuffix("Loss").replace("ClDice", "Cldice").replace("IoU", "iou")
    words = re.findall(r"[A-Z]+(?![a-z])[a-z0-9]*|[A-Z][a-z0-9]*|[a-z0-9]+", stem)
    return "loss_" + "_".join(word.lower() for word in words)
