"""The accumulator of scores as a metric of MONAI."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from monai.data import MetaTensor
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from seglosses.evaluate.accumulator import Scores
from seglosses.evaluate.batches import Form
from seglosses.evaluate.naming import Regions
from seglosses.evaluate.options import Options
from seglosses.evaluate.results import Results
from seglosses.metrics import EmptyPolicy


class _Accumulator(Scores):
    names = ("y_pred", "y")


class ScoresMetric(CumulativeIterationMetric):
    """Everything that ``seglosses evaluate`` scores, as a ``CumulativeIterationMetric``.

    ``aggregate()`` gives the number that ``key`` names, as engines and checkpoints need one, and
    :attr:`results` all others. Predictions and labels are taken as MONAI's transforms leave them:
    lists of channel-first tensors or batches, labels (1, *S) or one-hot, logits before or after
    ``AsDiscreted``. The file that a MetaTensor came from is the id of its image, by which samples
    that a distributed sampler repeated count once.

    Args:
        columns: Groups or names of columns, see ``seglosses evaluate --help``.
        classes: Names of all classes, background among them, or how many there are.
        key: Which number ``aggregate()`` gives, such as ``'dice'`` or ``'cldice.vessel'``; None
            for the first one that is a mean of all classes.
        scored: Indices of the classes to score; None for class 1 of two, all of more.
        ignore_index: Label that does not count.
        form: What predictions are; None for labels where they are whole numbers, else logits.
        spacing: Edge lengths of a pixel, None for 1, or ``'pixdim'`` for those of each label's
            MetaTensor, as ``seglosses evaluate`` takes those of NIfTI files.
        connectivity: Of the foreground.
        empty: What an empty mask means, see :data:`seglosses.metrics.empty.POLICIES`.
        options: Parameters of metrics, such as ``{"tolerance": 1.0}``.
        use_ids: Whether the files of MetaTensors tell images apart.
        ndim: 2 for images, 3 for volumes; None for what the first batch shows. A process that has
            no batch needs to be told.
        regions: Names of classes that overlap, a channel each, in place of ``classes``, such as
            what ``ConvertToMultiChannelBasedOnBratsClassesd`` makes of labels; see
            :class:`seglosses.evaluate.accumulator.Scores`.

    Raises:
        ValueError: For options as of :class:`seglosses.evaluate.accumulator.Scores`, and a key that
            there is not.

    Example:
        >>> metric = ScoresMetric(["dice", "betti0_error"], classes=2)
        >>> _ = metric([torch.tensor([[[1.0, 0, 1]]])], [torch.tensor([[[1.0, 1, 1]]])])
        >>> metric.aggregate(), metric.results["betti0_error"]  # 2 x 2 / (2 + 3)
        (tensor(0.8000), 1.0)
    """

    def __init__(
        self,
        columns: str | Sequence[str] = "overlap",
        classes: int | Sequence[str] = 2,
        key: str | None = None,
        scored: Sequence[int] | None = None,
        ignore_index: int | None = None,
        form: Form | None = None,
        spacing: Sequence[float] | float | Literal["pixdim"] | None = "pixdim",
        connectivity: int | None = None,
        empty: EmptyPolicy = "skip",
        options: Options | Mapping[str, Any] | None = None,
        use_ids: bool = True,
        ndim: int | None = None,
        regions: Regions | None = None,
    ) -> None:
        self._columns, self._classes, self._form = columns, classes, form
        self.spacing, self.use_ids, self._ndim = spacing, use_ids, ndim
        self._options: dict[str, Any] = {
            "scored": scored,
            "ignore_index": ignore_index,
            "connectivity": connectivity,
            "empty": empty,
            "options": options,
            "regions": regions,
        }
        self.scores: Scores | None = None
        self.results: Results | None = None
        # the axes of images are known with the first batch; names and options must fit one kind
        try:
            first = self._new(ndim or 2)
        except ValueError:
            first = self._new(ndim or 3)
        self._better = first.better()
        whole = [name for name in self._better if "." not in name]
        self.key = whole[0] if key is None else key
        if self.key not in self._better:
            raise ValueError(
                f"no number {self.key!r}: expected key to be one of {', '.join(self._better)}"
            )
        super().__init__()

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Whether more or less of the key number is better."""
        return "higher" if self._better[self.key] == "higher" else "lower"

    def is_better(self, current: float, best: float) -> bool:
        """Whether a validation is better than the best one, for ``metric_cmp_fn`` of evaluators.

        Args:
            current: The number of now.
            best: The best one before.

        Returns:
            As the direction of the number has it; an undefined one is never better.
        """
        if math.isnan(current) or math.isnan(best):
            return math.isnan(best) and not math.isnan(current)
        return current > best if self.better == "higher" else current < best

    def __call__(self, y_pred: Any, y: Any = None) -> Tensor:
        """Score a batch.

        Args:
            y_pred: A list of tensors (C, *S), or a batch (B, C, *S).
            y: The same of the labels.

        Returns:
            The key number of each image and class, (B, classes).

        Raises:
            ValueError: For other layouts, labels that are no class, and unequal numbers of images.
        """
        preds, labels = _items(y_pred, "y_pred"), _items(y, "y")
        if len(preds) != len(labels):
            raise ValueError(
                f"y_pred holds {len(preds)} images and y {len(labels)}: give both lists of the same"
                " decollated batch, as from_engine(['pred', 'label']) does"
            )
        if self.scores is None:
            self.scores = self._new(self._ndim or _axes(preds[0]))
        preds = [self._readable(one) for one in preds]
        rows = self.scores.measure(preds, labels, spacing=self._spacing(labels))
        self.scores.add(rows, self._ids(preds, labels))
        name = self.key.split(".")[0]
        column = name if name in self.scores.table.columns else self.scores.table.columns[0]
        numbers = torch.tensor([[row[column] for row in image] for image in rows])
        self.extend(numbers)
        return numbers

    def aggregate(self) -> Tensor:
        """The key number of all images of all processes; :attr:`results` holds the others.

        Returns:
            A scalar.

        Raises:
            ValueError: When there are no images, or processes score different things.
        """
        scores = self.scores if self.scores is not None else self._new(self._ndim or 2)
        self.results = scores.compute()
        return torch.tensor(self.results[self.key])

    def reset(self) -> None:
        """Forget all images."""
        super().reset()
        self.scores = None

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None) -> Tensor:
        return self(y_pred, y)

    def _new(self, ndim: int) -> Scores:
        spacing = None if self.spacing == "pixdim" else self.spacing
        return _Accumulator(
            self._columns, self._classes, form=self._form, ndim=ndim, spacing=spacing,
            **self._options,
        )  # fmt: skip

    def _readable(self, pred: Tensor) -> Tensor:
        """Labels stored as floats, as ``AsDiscreted`` leaves them, are whole numbers."""
        overlap = self._options["regions"] is not None
        if self._form is not None or not pred.is_floating_point():
            return pred
        if len(pred) > 1 and not overlap:
            return pred
        plain = pred.as_subclass(Tensor)
        if bool((plain == plain.round()).all()):
            return pred.round().to(torch.int64)
        channels = f"{len(pred)} channels of regions" if overlap else "one channel"
        raise ValueError(
            f"y_pred has {channels} of numbers that are not whole, which are logits or"
            " probabilities: add AsDiscreted(keys='pred', threshold=0.5) after"
            " Activationsd(keys='pred', sigmoid=True) to the postprocessing, or set form"
        )

    def _spacing(self, labels: list[Tensor]) -> Any:
        if self.spacing != "pixdim" or not all(isinstance(one, MetaTensor) for one in labels):
            return None
        return [one.pixdim[: one.dim() - 1].tolist() for one in labels]  # type: ignore[attr-defined]

    def _ids(self, preds: list[Tensor], labels: list[Tensor]) -> list[str] | None:
        if not self.use_ids:
            return None
        found = [_file(one) or _file(other) for one, other in zip(labels, preds, strict=True)]
        known = [name for name in found if name is not None]
        return known if len(known) == len(found) else None


def _file(tensor: Tensor) -> str | None:
    """The file that an image came from, and which patch of it."""
    meta = tensor.meta if isinstance(tensor, MetaTensor) else {}
    name = meta.get("filename_or_obj")
    if not isinstance(name, str) or not name:
        return None
    patch = meta.get("patch_index")
    return name if patch is None else f"{name}#{int(patch)}"


def _axes(pred: Tensor) -> int:
    if pred.dim() not in (3, 4):
        raise ValueError(
            f"expected channel-first images (C, H, W) or (C, D, H, W), got {tuple(pred.shape)}: add"
            " EnsureChannelFirstd to the transforms"
        )
    return pred.dim() - 1


def _items(batch: Any, name: str) -> list[Tensor]:
    """One channel-first tensor an image."""
    if batch is None:
        raise ValueError(
            f"{name} is missing: set output_transform=from_engine(['pred', 'label']) in the handler"
        )
    if isinstance(batch, Tensor):
        if batch.dim() not in (4, 5):
            raise ValueError(
                f"expected {name} (B, C, H, W) or (B, C, D, H, W), got {tuple(batch.shape)}: add"
                " EnsureChannelFirstd to the transforms"
            )
        return list(batch)
    if isinstance(batch, list | tuple) and batch and all(isinstance(o, Tensor) for o in batch):
        return list(batch)
    raise ValueError(
        f"expected {name} to be a tensor or a list of tensors, got {type(batch).__name__}: take it"
        " out of the engine's dictionaries by output_transform=from_engine(['pred', 'label'])"
    )
