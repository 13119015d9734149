"""Feature vectors of classes over a training: a queue of them, and their running means."""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.primitives.running import Remembered, of_all_ranks


class ClassMemory(Remembered):
    """A queue of vectors for each class, the newest first; those of all ranks, and in checkpoints.

    Every rank must call :meth:`add` as often as the others, with vectors of one shape.

    Args:
        length: Most vectors of a class.

    Example:
        >>> memory = ClassMemory(2)
        >>> for number in (1.0, 2.0, 3.0):
        ...     memory.add(torch.full((1, 1, 1), number), torch.ones(1, 1, dtype=torch.bool))
        >>> memory.vectors.flatten()
        tensor([3., 2.])
    """

    vectors: Tensor  #: (K, length, D)
    held: Tensor  #: (K,), how many of them are there

    def __init__(self, length: int) -> None:
        super().__init__("vectors", "held")
        self.length = length

    def read(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (K, length, D) and which of them are there (K, length).

        Args:
            like: Vectors (K, E, D) that are to be compared with them.

        Raises:
            ValueError: for another number of classes or features than were put in.
        """
        classes, _, size = like.shape
        if not self.vectors.numel():
            empty = like.new_zeros(classes, self.length, size)
            return empty, torch.zeros(empty.shape[:2], dtype=torch.bool, device=like.device)
        if (len(self.vectors), self.vectors.shape[2]) != (classes, size):
            raise ValueError(
                f"the memory holds {len(self.vectors)} classes of {self.vectors.shape[2]} features"
                f" from earlier batches or a checkpoint, and this batch has {classes} of {size}:"
                " give every head a loss of its own"
            )
        place = torch.arange(self.length, device=like.device)
        return self.vectors.to(like.dtype), place < self.held.unsqueeze(1)

    @torch.no_grad()
    def add(self, vectors: Tensor, real: Tensor) -> None:
        """Put vectors (K, E, D) in, where they are real (K, E); the oldest ones go."""
        old, there = self.read(vectors)
        vectors, real = _gathered(vectors.detach()), _gathered(real)
        every, kept = torch.cat([vectors, old], 1), torch.cat([real, there], 1)
        # the real ones in front, in their order
        front = (~kept).to(torch.uint8).argsort(dim=1, stable=True)[:, : self.length]
        self.vectors = every.gather(1, front.unsqueeze(2).expand(-1, -1, every.shape[2]))
        self.held = kept.sum(1).clamp(max=self.length)


def _gathered(each: Tensor) -> Tensor:
    """What all ranks have, along the second axis."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return each
    parts = [torch.empty_like(each) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, each.contiguous())
    return torch.cat(parts, 1)


class ClassCentres(Remembered):
    """Running means of the vectors of each class, those of all ranks, and in checkpoints.

    Every rank must call :meth:`move` as often as the others.

    Args:
        momentum: Share of the old mean that a batch leaves.

    Example:
        >>> centres = ClassCentres(0.75)
        >>> for number in (4.0, 8.0):
        ...     one = torch.full((1, 1), number)
        ...     centres.move(*centres.sums(one, torch.tensor([0]), 1))
        >>> centres.means
        tensor([[5.]])
    """

    means: Tensor  #: (K, D)
    known: Tensor  #: (K,), 1 for classes that had a vector

    def __init__(self, momentum: float) -> None:
        super().__init__("means", "known")
        self.momentum = momentum

    @staticmethod
    def sums(vectors: Tensor, target: Tensor, classes: int) -> tuple[Tensor, Tensor]:
        """Sums (K, D) and numbers (K,) of vectors (n, D) by class (n,); -1 is none."""
        own = (target.unsqueeze(0) == torch.arange(classes, device=target.device).unsqueeze(1)).to(
            vectors.dtype
        )
        return own @ vectors.detach(), own.sum(1)

    def moved(self, sums: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """Means (K, D) after a batch, and which are known (K,).

        Raises:
            ValueError: for another number of classes or features than before.
        """
        mean = sums / count.clamp(min=1).unsqueeze(1)
        here = (count > 0).to(sums.dtype)
        if not self.means.numel():
            return mean, here
        if self.means.shape != sums.shape:
            raise ValueError(
                f"centres of {tuple(self.means.shape)} classes and features were kept from earlier"
                f" batches or a checkpoint, and this batch has {tuple(sums.shape)}: give every head"
                " a loss of its own"
            )
        old, known = self.means.to(sums.dtype), self.known.to(sums.dtype)
        # the first mean is taken as it is
        share = (here * torch.where(known > 0, 1 - self.momentum, 1.0)).unsqueeze(1)
        return old + share * (mean - old), torch.maximum(known, here)

    def filled(self, sums: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """The means as they are, and those of a batch for classes that have none yet."""
        means, known = self.moved(sums, count)
        if not self.means.numel():
            return means, known
        return torch.where(self.known.unsqueeze(1) > 0, self.means.to(means.dtype), means), known

    @torch.no_grad()
    def move(self, sums: Tensor, count: Tensor) -> None:
        """Take the sums and numbers of a batch in, of all ranks together."""
        together = of_all_ranks(torch.cat([sums.detach(), count.unsqueeze(1)], 1))
        self.means, self.known = self.moved(together[:, :-1], together[:, -1])
