"""Warnings in the first batches, and errors that replace a traceback."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from seglosses.primitives.attention import may_look, may_wait
from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.unpacking import how_to_unpack

#: Images without any foreground, but with ignored regions inside, after which to speak.
_IMAGES = 2
#: Batch at which a device is asked, once.
_BATCH = 20


def require_tensors(pred: object, target: object, weight: object = None) -> None:
    """Raise ``ValueError`` for anything but tensors, and say what to do with it.

    Args:
        pred: What was given as raw outputs.
        target: What was given as target.
        weight: What was given as weights, ``None`` where there are none.

    Raises:
        ValueError: for lists and mappings of outputs (deep supervision, auxiliary heads), and for
            arrays.

    Example:
        >>> require_tensors(torch.zeros(1), torch.zeros(1))
        >>> require_tensors({"out": torch.zeros(1)}, torch.zeros(1))
        Traceback (most recent call last):
        ValueError: pred is a dict of 'out', as models of torchvision give: take pred['out'], and
        for a loss of 'aux' call it once more and add the two up
    """
    for name, given in (("pred", pred), ("target", target)):
        if isinstance(given, Tensor):
            continue
        if remedy := how_to_unpack(given, name):
            raise ValueError(remedy)
        kind = type(given).__name__
        if isinstance(given, Mapping):
            keys = ", ".join(repr(key) for key in given)
            first = next(iter(given), "out")
            call = f"loss(outputs[{first!r}], target)"
            if name == "target":
                call = f"loss(pred, labels[{first!r}])"
            raise ValueError(
                f"{name} is a {kind} of {keys}: call the loss for each output that is trained, for"
                f" example {call}"
            )
        if isinstance(given, Sequence) and not isinstance(given, str):
            raise ValueError(
                f"{name} is a {kind} of {len(given)}, as of deep supervision: call the loss for"
                " each output with the label of its size and add them up, sum(w * loss(p, y) for"
                " w, p, y in zip(weights, outputs, labels)); resize labels with mode='nearest';"
                " monai.losses.DeepSupervisionLoss(loss) and nnU-Net's DeepSupervisionWrapper do"
                " this for you"
            )
        taken = "torch.from_numpy(array)" if hasattr(given, "__array__") else "a tensor"
        raise ValueError(f"{name} must be a tensor, got {kind}; pass {taken}")
    if weight is not None and not isinstance(weight, Tensor):
        raise ValueError(
            f"weight must be a tensor of weights of pixels or rows, got {type(weight).__name__};"
            " pass torch.as_tensor(weight), or scale the whole loss by the option loss_weight"
        )


class UnscaledMasks:
    """Listens for masks of {0, 255} whose foreground is ignored, and warns once.

    Batches of background alone, and of ignored regions beside foreground, are silent; so are whole
    rows and columns that are ignored, and the ends of signals and flattened masks (N, P), as
    padding is. On a CPU every batch is looked at until foreground was seen; elsewhere, where to
    look is a synchronisation, one decides.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> masks = torch.tensor([[[0, 0, 0], [0, 255, 0]]]).expand(2, -1, -1)
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     UnscaledMasks().listen(align(torch.zeros(2, 1, 2, 3), masks), 255)
        >>> str(caught[0].message)[:43]
        'all labels so far are 0 or the ignored 255,'
    """

    def __init__(self) -> None:
        self.done = False
        self._batches = 0
        self._images: int | Tensor = 0
        self._foreground: Tensor | None = None

    def listen(self, batch: Aligned, ignore_index: int | None) -> None:
        """Look at a batch, or not any more."""
        labels = batch.labels
        if self.done or labels is None or labels.dim() < 2 or batch.channels > 2:
            return
        if ignore_index is None or ignore_index <= 1 or is_transformed():
            return
        if torch.compiler.is_compiling() or not (may_look(labels) or may_wait()):
            return
        self._batches += 1
        if at_hand(labels):
            if bool(labels.any()):
                self.done = True
            elif batch.valid is not None:
                self._images += int(_marked(batch.valid).sum())
                self._speak(ignore_index)
            return
        found = labels.any()
        self._foreground = found if self._foreground is None else self._foreground | found
        if batch.valid is not None:
            self._images = self._images + _marked(batch.valid).sum()
        if self._batches == _BATCH:
            self.done = bool(self._foreground)
            self._speak(ignore_index)
            self.done = True

    def _speak(self, ignore_index: int) -> None:
        if self.done or int(self._images) < _IMAGES:
            return
        self.done = True
        warnings.warn(
            f"all labels so far are 0 or the ignored {ignore_index}, and no pixel is foreground: if"
            f" they are masks of {{0, {ignore_index}}}, their foreground is ignored and nothing is"
            f" learned. Scale them to {{0, 1}} where they are loaded (mask // {ignore_index}, or"
            f" label_map={{{ignore_index}: 1}}); or, where {ignore_index} is not meant to be"
            " ignored, set another ignore_index in the loss and in its head",
            stacklevel=2,
        )


def _marked(valid: Tensor) -> Tensor:
    """Which images have ignored pixels beside others, not in whole rows or columns, (N,)."""
    ignored = ~valid
    if ignored.dim() == 2:
        ends = ignored.cumprod(1) + ignored.flip(1).cumprod(1).flip(1)
        return (ignored & (ends == 0)).any(1)
    axes = range(1, ignored.dim())
    slabs = torch.zeros_like(ignored)
    for axis in axes:
        whole = ignored
        for other in axes:
            if other != axis:
                whole = whole.all(other, keepdim=True)
        slabs = slabs | whole
    return (ignored & ~slabs).flatten(1).any(1)
