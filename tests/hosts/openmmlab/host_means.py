"""Our losses beside the host's with the same options: what is a mean of what.

``rows()`` is the table of ``docs/means.md``.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses import losses

CLASSES = (1, 2, 19, 150)


class Batch(NamedTuple):
    """Logits and labels of two images, in which every class occurs."""

    logits: Tensor
    labels: Tensor
    hot: Tensor


class Pair(NamedTuple):
    """A loss of ours and the host's, and how far apart they are allowed to be."""

    ours: str
    theirs: str
    reason: str
    call: Callable[[Batch], tuple[Tensor, Tensor]]
    classes: tuple[int, ...] = CLASSES


def batch(classes: int) -> Batch:
    """Two images of 20 x 20 pixels."""
    generator = torch.Generator().manual_seed(classes)
    pixels = 2 * torch.arange(400) // 400 if classes == 1 else torch.arange(400) % classes
    order = torch.stack([torch.randperm(400, generator=generator) for _ in range(2)])
    labels = pixels[order].view(2, 20, 20)
    logits = torch.randn(2, classes, 20, 20, generator=generator)
    hot = F.one_hot(labels, max(classes, 2)).movedim(-1, 1).float()
    return Batch(logits, labels, hot[:, -classes:])


def _rows(given: Batch) -> Batch:
    """The pixels as rows of a detector, of which a tenth is background, label C."""
    logits = given.logits.movedim(1, -1).flatten(0, 2)
    labels = given.labels.flatten().clone()
    channels = logits.shape[1]
    if channels == 1:
        labels = 1 - labels
    labels[::10] = channels
    return Batch(logits, labels, F.one_hot(labels, channels + 1)[:, :channels].float())


def _host(library: str, name: str, **options: Any) -> torch.nn.Module:
    import importlib

    module = importlib.import_module(f"{library}.models.losses")
    with contextlib.redirect_stdout(io.StringIO()):
        return getattr(module, name)(**options)


def _named(name: str, options: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in options.items())})"


def _pair(
    ours: tuple[str, dict[str, Any]],
    theirs: tuple[str, dict[str, Any]],
    reason: str = "",
    *,
    library: str = "mmseg",
    make: Callable[[Batch], Batch] = lambda given: given,
    dense: bool = False,
    call: dict[str, Any] | None = None,
    note: str = "",
    classes: tuple[int, ...] = CLASSES,
) -> Pair:
    def both(given: Batch) -> tuple[Tensor, Tensor]:
        seen = make(given)
        target = seen.hot if dense else seen.labels
        more = {} if call is None else call
        mine = getattr(losses, ours[0])(**ours[1])(seen.logits, seen.labels, **more)
        other = _host(library, theirs[0], **theirs[1])(seen.logits, target, **more)
        return mine, other

    return Pair(_named(*ours) + note, f"{library} {_named(*theirs)}" + note, reason, both, classes)


def _some_ignored(given: Batch) -> Batch:
    labels = given.labels.clone()
    labels[:, :5] = 255
    return given._replace(labels=labels)


def _without_last(given: Batch) -> Batch:
    labels = given.labels.clone()
    last = given.logits.shape[1] - 1
    labels[labels == last] = 0
    return given._replace(labels=labels)


SIGMOID = {"use_sigmoid": True}
SEVERAL = (2, 19, 150)


def pairs() -> Iterator[Pair]:
    """All pairs of the table."""
    yield _pair(("CrossEntropyLoss", {}), ("CrossEntropyLoss", {}), classes=SEVERAL)
    yield _pair(
        ("CrossEntropyLoss", {}),
        ("CrossEntropyLoss", {}),
        "a quarter is ignored: the host divides by all pixels, `avg_non_ignore=False`",
        make=_some_ignored,
        call={"ignore_index": 255},
        note=", a quarter ignored",
        classes=SEVERAL,
    )
    for avg_non_ignore in (False, True):
        options = {"avg_non_ignore": avg_non_ignore}
        yield _pair(
            ("CrossEntropyLoss", options),
            ("CrossEntropyLoss", options),
            make=_some_ignored,
            call={"ignore_index": 255},
            note=", a quarter ignored",
            classes=SEVERAL,
        )
    yield _pair(("CrossEntropyLoss", SIGMOID), ("CrossEntropyLoss", SIGMOID))
    weights = {"class_weight": [0.5, 2.0]}
    yield _pair(
        ("CrossEntropyLoss", weights),
        ("CrossEntropyLoss", weights),
        "the host divides by the class weights of the pixels (mean 1.25 here)",
        classes=(2,),
    )
    yield _pair(
        ("CrossEntropyLoss", weights | {"renormalize": True}),
        ("CrossEntropyLoss", weights),
        classes=(2,),
    )
    focal = {"use_sigmoid": True, "gamma": 2.0, "alpha": 0.25}
    yield _pair(("FocalLoss", focal), ("FocalLoss", focal), dense=True)
    yield _pair(
        ("DiceLoss", SIGMOID),
        ("DiceLoss", SIGMOID),
        "ours is a mean over channels of 1 - Dice; the host flattens channels and pixels into one"
        " set and squares; with one channel its target is the background",
    )
    micro = {"use_sigmoid": True, "average": "micro", "smooth": 1e-3}
    yield _pair(
        ("DiceLoss", micro | {"intersection": "norm2"}),
        ("DiceLoss", SIGMOID),
        "with one channel the host's target is the background",
    )
    yield _pair(
        ("DiceLoss", micro | {"intersection": "product"}),
        ("DiceLoss", SIGMOID | {"naive_dice": True}),
        "with one channel the host's target is the background",
    )
    yield _pair(("TverskyLoss", {}), ("TverskyLoss", {}), classes=SEVERAL)
    yield _pair(
        ("TverskyLoss", {}),
        ("TverskyLoss", {}),
        "ours leaves out classes that the label lacks, `classes='all'` counts them",
        make=_without_last,
        note=", the last class absent",
        classes=SEVERAL,
    )
    yield _pair(
        ("TverskyLoss", {"classes": "all"}),
        ("TverskyLoss", {}),
        make=_without_last,
        note=", the last class absent",
        classes=SEVERAL,
    )
    yield _pair(("LovaszSoftmaxLoss", {}), ("LovaszLoss", {"reduction": "none"}), classes=SEVERAL)
    yield _pair(
        ("LovaszSoftmaxLoss", {"average": "image"}),
        ("LovaszLoss", {"per_image": True}),
        classes=SEVERAL,
    )
    yield _pair(
        ("LovaszHingeLoss", {}),
        ("LovaszLoss", {"loss_type": "binary", "per_image": True}),
        make=lambda given: given,
        classes=(1,),
    )
    detection: dict[str, Any] = {"library": "mmdet", "make": _rows}
    weights = {"use_sigmoid": True, "class_weight": [0.5, 2.0]}
    yield _pair(
        ("CrossEntropyLoss", weights | {"ignore_index": None}),
        ("CrossEntropyLoss", weights),
        "the host's `class_weight` of a sigmoid is torch's `pos_weight`",
        classes=(2,),
        note=" of rows",
        **detection,
    )
    yield _pair(
        ("CrossEntropyLoss", SIGMOID | {"pos_weight": [0.5, 2.0], "ignore_index": None}),
        ("CrossEntropyLoss", weights),
        classes=(2,),
        note=" of rows",
        **detection,
    )
    for call, note in ((None, ""), ({"avg_factor": 7.0}, ", avg_factor=7")):
        more: dict[str, Any] = {**detection, "call": call, "note": " of rows" + note}
        yield _pair(
            ("CrossEntropyLoss", SIGMOID | {"ignore_index": None}),
            ("CrossEntropyLoss", SIGMOID),
            **more,
        )
        yield _pair(("FocalLoss", focal | {"ignore_index": None}), ("FocalLoss", focal), **more)


def ratios(pair: Pair) -> list[str]:
    """Ours over theirs for each number of classes, three decimals, a dash where undefined."""
    found = []
    for classes in CLASSES:
        if classes not in pair.classes:
            found.append("-")
            continue
        mine, other = pair.call(batch(classes))
        assert mine.shape == other.shape == ()
        found.append(f"{mine.item() / other.item():.3f}")
    return found


def rows() -> Iterator[str]:
    """The table of ``docs/means.md``, line by line."""
    for pair in pairs():
        cells = [f"`{pair.ours}`", f"`{pair.theirs}`", *ratios(pair), pair.reason]
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(rows()))
