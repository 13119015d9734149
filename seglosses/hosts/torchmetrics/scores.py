"""The accumulator of scores as a metric of torchmetrics, for Lightning and for collections."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, signature
from typing import Any, ClassVar, TypedDict, cast

from torchmetrics import Metric
from typing_extensions import Unpack

from seglosses.evaluate.accumulator import Scores as Accumulator
from seglosses.evaluate.in_memory import ScoresOptions
from seglosses.evaluate.kept import Kept
from seglosses.evaluate.kept_scores import KeptScores
from seglosses.evaluate.results import Results
from seglosses.evaluate.tensors import Batch


class MetricOptions(TypedDict, total=False):
    """Options of every metric of torchmetrics."""

    compute_on_cpu: bool
    compute_with_cache: bool
    dist_sync_on_step: bool
    distributed_available_fn: Callable[[], bool]
    process_group: Any
    sync_on_compute: bool


class AllOptions(ScoresOptions, MetricOptions, total=False):
    """Options of the accumulator, and of every metric."""


class Sealed:
    """Carries results through torchmetrics, which rebuilds dictionaries as it passes them on."""

    def __init__(self, results: Results) -> None:
        self.results = results


class Scores(Accumulator, Metric):
    """:class:`seglosses.evaluate.accumulator.Scores`, and a ``torchmetrics.Metric``.

    ``update``, ``compute``, ``reset`` and ``forward`` behave as of any metric there, alone or in a
    ``MetricCollection``; ``forward`` scores a batch once. Numbers lie on the CPU in float64,
    wherever the metric is moved. In a distributed run torchmetrics' synchronisation is ours:
    unequal numbers of batches, and repeated samples known by their ids.

    Args:
        columns: See :class:`seglosses.evaluate.accumulator.Scores`, as all others.
        classes: Names or number of the classes.
        group: The same as torchmetrics' ``process_group``.
        gather: The same as torchmetrics' ``sync_on_compute``.
        options: All other keywords of the accumulator, and those of every torchmetrics metric.

    Raises:
        ValueError: As the accumulator; and for ``dist_sync_on_step=True``, under which processes
            with unequal numbers of batches wait for each other forever.

    Example:
        >>> import torch
        >>> from torchmetrics import MetricCollection
        >>> both = MetricCollection({"val": Scores("cldice", 2)})
        >>> both.update(torch.tensor([[[1, 1, 0]]]), torch.tensor([[[1, 1, 1]]]))
        >>> both.compute()
        {'cldice': 0.8}
    """

    _update_count: int
    full_state_update: ClassVar[bool] = False
    is_differentiable: ClassVar[bool] = False

    def __init__(
        self,
        columns: str | Sequence[str] | None = None,
        classes: int | Sequence[str] = 2,
        *,
        group: Any = None,
        gather: bool = True,
        **options: Unpack[AllOptions],
    ) -> None:
        given: dict[str, Any] = {**options}
        metric = {name: given.pop(name) for name in MetricOptions.__annotations__ if name in given}
        if metric.get("dist_sync_on_step"):
            raise ValueError(
                "Scores has no dist_sync_on_step=True: ranks with unequal numbers of batches would"
                " wait for each other forever; leave it out, compute() gathers from all ranks"
            )
        # A rank without new images would answer from its cache, and leave the others waiting.
        metric.setdefault("compute_with_cache", False)
        metric.setdefault("process_group", group)
        metric.setdefault("sync_on_compute", gather)
        Metric.__init__(self, **metric)
        Accumulator.__init__(
            self,
            columns,
            classes,
            group=metric["process_group"],
            gather=metric["sync_on_compute"],
            **cast(ScoresOptions, given),
        )
        self._kept_in_checkpoints = False
        self._own: Kept | None = None

    def forward(
        self,
        pred: Batch,
        target: Batch,
        probabilities: Batch | None = None,
        ids: Iterable[Any] | None = None,
        spacing: Any = None,
    ) -> Results:
        """Count a batch, and give its scores.

        Args:
            pred: As for ``update``.
            target: As for ``update``.
            probabilities: As for ``update``.
            ids: As for ``update``; images that came before are not in the scores.
            spacing: As for ``update``.

        Returns:
            Scores of the batch.
        """
        before = len(self.table)
        self.update(pred, target, probabilities=probabilities, ids=ids, spacing=spacing)
        batch = self._like()
        for place in range(before, len(self.table)):
            batch.kept.table.append(self.table.images[place], self.table.values_of(place))
        found = batch.local()
        self._forward_cache: Results | None = found
        return found

    def merge(self, other: KeptScores) -> None:
        """Count the images of another accumulator too, see the base."""
        super().merge(other)
        self._update_count += 1
        self._computed = None

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """As :meth:`merge`, by torchmetrics' name.

        Args:
            incoming_state: Another accumulator, or what ``state`` returned.
        """
        if isinstance(incoming_state, Accumulator):
            self.merge(incoming_state)
            return
        other = self._like()
        other.restore(incoming_state)
        self.merge(other)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint, see the base."""
        super().restore(state)
        self._update_count = max(self._update_count, int(len(self.table) > 0))
        self._computed = None

    def reset(self) -> None:
        """Forget all images."""
        Metric.reset(self)
        Accumulator.reset(self)
        self._own = None

    def sync(
        self,
        dist_sync_fn: Callable[..., Any] | None = None,
        process_group: Any = None,
        should_sync: bool = True,
        distributed_available: Callable[..., bool] | None = None,
    ) -> None:
        """Take in the images of the other processes until :meth:`unsync`."""
        available = distributed_available or self.distributed_available_fn
        if not should_sync or not available():
            return
        own = self._like()
        own.kept, own.gather = self.kept, True
        own.group = process_group or self.process_group
        self._own, self.kept = self.kept, own._gathered().kept
        self._is_synced = True

    def unsync(self, should_unsync: bool = True) -> None:
        """Go back to the images of this process."""
        if should_unsync and self._own is not None:
            self.kept, self._own = self._own, None
            self._is_synced = False

    def _gathered(self) -> Accumulator:
        return self  # synchronised by torchmetrics around compute

    def _wrap_compute(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        sealed = super()._wrap_compute(lambda: Sealed(compute()))

        @functools.wraps(compute)
        def opened() -> Any:
            return sealed().results

        return opened

    def persistent(self, mode: bool = False) -> None:
        """Whether checkpoints of the module that holds this metric hold its images.

        Args:
            mode: Yes or no, which is the default.
        """
        self._kept_in_checkpoints = mode

    def state_dict(
        self,
        destination: dict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> dict[str, Any]:
        """Of the module, with the images where :meth:`persistent` says so."""
        found: dict[str, Any] = super().state_dict(
            destination=destination, prefix=prefix, keep_vars=keep_vars
        )
        if self._kept_in_checkpoints:
            found[f"{prefix}scores"] = self.state()
        return found

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        state = state_dict.pop(f"{prefix}scores", None)
        super()._load_from_state_dict(state_dict, prefix, *rest)
        if state is not None:
            self.restore(state)


# what help() shows: every keyword of the accumulator with its default
Scores.__signature__ = signature(Accumulator).replace(
    parameters=[
        *signature(Accumulator).parameters.values(),
        Parameter("metric", Parameter.VAR_KEYWORD, annotation=Unpack[MetricOptions]),
    ]
)
