"""What is examined, and how a broken law is reported."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor


class LawBrokenError(AssertionError):
    """A law does not hold; the message says what was expected and what came."""


class Finding(NamedTuple):
    """The outcome of one law.

    Attributes:
        law: Its name.
        holds: Whether the loss keeps it.
        words: What broke it, with the smallest input found; empty where it holds.
    """

    law: str
    holds: bool
    words: str


@dataclass(frozen=True)
class Subject:
    """A loss under examination.

    Args:
        name: For reports.
        kind: 'segmentation' for ``call(logits (N, C, *S), labels (N, *S))``, 'box' for
            ``call(pred (n, 4), target (n, 4))``, 'rotated' for the same of boxes (n, 5).
        call: The loss; returns a scalar.
        channels: Number of classes of segmentation input; 1 means a foreground logit with labels
            {0, 1}.
        ignore_index: Label that must not count, or ``None`` if the loss has no such notion.
        soft: It also takes dense float targets (N, C, *S).
        dims: Spatial dimensions that it takes.
        side: Largest side of the images that the laws use.
        overlap: It claims to measure overlap class by class, so that further laws hold.
        weighted: It also takes ``weight``, one number per pixel (N, *S) or per box (n,).
        independent: Its channels are foregrounds of their own, as under a sigmoid.
        classwise: Its value does not depend on classes that neither label nor prediction has.
    """

    name: str
    kind: Literal["segmentation", "box", "rotated"]
    call: Callable[..., Tensor]
    channels: int = 3
    ignore_index: int | None = 255
    soft: bool = False
    dims: tuple[int, ...] = (2,)
    side: int = 272
    overlap: bool = False
    weighted: bool = False
    independent: bool = False
    classwise: bool = False

    def gradient(self, pred: Tensor, target: Tensor, **more: Tensor) -> tuple[Tensor, Tensor]:
        """Value and gradient at a detached copy of ``pred``.

        Args:
            pred: The prediction.
            target: Its target.
            more: Further inputs of the call.

        Raises:
            LawBrokenError: if the value is no scalar or has no graph.
        """
        leaf = pred.detach().clone().requires_grad_()
        value = self.call(leaf, target, **more)
        if not isinstance(value, Tensor) or value.dim() != 0:
            shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise LawBrokenError(f"expected a scalar, got {shape} for {shown(pred, target)}")
        if not value.requires_grad:
            raise LawBrokenError(f"the value carries no graph for {shown(pred, target)}")
        value.backward()  # type: ignore[no-untyped-call]
        grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        return value.detach(), grad


Law = Callable[[Subject], None]


def require(condition: bool, words: str) -> None:
    """Raise :class:`LawBrokenError` unless ``condition``.

    Example:
        >>> require(True, "never seen")
    """
    if not condition:
        raise LawBrokenError(words)


def raised(error: Exception) -> str:
    """An exception in a line; one without words by the line of code that raised it.

    Example:
        >>> raised(ValueError("no such label"))
        'raised ValueError: no such label'
    """
    words = str(error).strip()
    if not words:
        frames = traceback.extract_tb(error.__traceback__)
        words = (frames[-1].line or "") if frames else ""
    return f"raised {type(error).__name__}: {words}".splitlines()[0]


def shown(pred: Tensor, target: Tensor) -> str:
    """An input in words: shapes, and the numbers where they are few.

    Example:
        >>> shown(torch.zeros(1, 2, 1), torch.tensor([[1]]))
        'pred float32 (1, 2, 1) = [0.0, 0.0], target int64 (1, 1) = [1]'
    """

    def tensor(name: str, value: Tensor) -> str:
        dtype = str(value.dtype).removeprefix("torch.")
        words = f"{name} {dtype} {tuple(value.shape)}"
        if 0 < value.numel() <= 16:
            numbers = value.detach().flatten().tolist()
            if value.is_floating_point():
                numbers = [float(f"{number:.6g}") for number in numbers]
            words += f" = {numbers}"
        return words

    return f"{tensor('pred', pred)}, {tensor('target', target)}"


def close(a: Tensor, b: Tensor, tolerance: float) -> bool:
    """Equal up to ``tolerance``, relative above 1.

    Example:
        >>> close(torch.tensor(100.0), torch.tensor(100.01), 1e-3)
        True
    """
    a, b = a.double(), b.double()
    return bool(((a - b).abs() <= tolerance * b.abs().clamp(min=1)).all())


def close_for_type(value: Tensor, exact: Tensor) -> bool:
    """Equal up to 1e-3, or up to the spacing of numbers in the value's own type.

    A loss that hands out bfloat16 cannot say 0.7433 more exactly than 0.7422: the result of float32
    rounded to the type is right.

    Example:
        >>> exact = torch.tensor(0.7433)
        >>> close_for_type(torch.tensor(0.7422, dtype=torch.bfloat16), exact)
        True
        >>> close_for_type(torch.tensor(0.7422), exact)
        False
    """
    return close(value, exact, max(1e-3, torch.finfo(value.dtype).eps))
