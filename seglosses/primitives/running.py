"""What a training has seen: buffers of as many classes as the first batch has."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Remembered(nn.Module):
    """Buffers whose shapes the first batch or a checkpoint decides.

    Args:
        names: Of the buffers, which begin empty.

    Example:
        >>> kept = Remembered("seen")
        >>> _ = kept.load_state_dict({"seen": torch.tensor([1.0, 2.0])})
        >>> kept.seen
        tensor([1., 2.])
    """

    def __init__(self, *names: str) -> None:
        super().__init__()
        for name in names:
            self.register_buffer(name, torch.zeros(0))

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name, held in self.named_buffers():
            given = state.get(prefix + name)
            if given is not None and given.shape != held.shape:
                setattr(self, name, held.new_zeros(given.shape))
        super()._load_from_state_dict(state, prefix, *rest)


class RunningSums(Remembered):
    """Named sums over classes, which survive checkpoints and are those of all ranks.

    Every rank must call :meth:`add` as often as the others.

    Example:
        >>> sums = RunningSums("seen")
        >>> sums.add(seen=torch.tensor([1.0, 2.0]))
        >>> sums.add(seen=torch.tensor([1.0, 0.0]))
        >>> sums.read("seen", 2)
        tensor([2., 2.])
    """

    def read(self, name: str, count: int, device: torch.device | None = None) -> Tensor:
        """The sums of that name, zeros before the first batch.

        Args:
            name: Of the sums.
            count: Of classes.
            device: Where zeros are made; later sums lie where those of the batches did.

        Raises:
            ValueError: for another number of classes than they were summed of.
        """
        held: Tensor = getattr(self, name)
        if not held.numel():
            return torch.zeros(count, dtype=held.dtype, device=device or held.device)
        if held.numel() != count:
            raise ValueError(
                f"sums over {held.numel()} classes were kept from earlier batches or a checkpoint,"
                f" and these logits have {count}: give every head a loss of its own"
            )
        return held

    @torch.no_grad()
    def add(self, **sums: Tensor) -> None:
        """Add what a batch has, of all ranks together."""
        together = of_all_ranks(torch.stack(list(sums.values())))
        for name, more in zip(sums, together.unbind(), strict=True):
            # another tensor, for the graph may still hold the old one
            setattr(self, name, self.read(name, more.numel(), more.device).to(more.dtype) + more)


def of_all_ranks(sums: Tensor) -> Tensor:
    """The sum over all ranks, in place.

    Example:
        >>> of_all_ranks(torch.tensor([1.0, 2.0]))  # of a single process
        tensor([1., 2.])
    """
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        dist.all_reduce(sums)
    return sums
