"""What all runs of `benchmark` or `demo` share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seglosses.benchmark.profiles import PROFILES


@dataclass(frozen=True)
class Campaign:
    """What all runs share.

    Attributes:
        out: Top of the layout, see :mod:`seglosses.benchmark.results`.
        data: Folder in the TopoMortar layout.
        labels: Labels to train on.
        train_size: ``'large'`` or ``'small'``.
        profile: Name in :data:`PROFILES`.
        iters: Length of a training, at least 1; None for that of the profile.
        leaf: Config in place of the profile's, below ``configs``.
        all_groups: Test on every group of images, not only on those of the leaf.
        balance: Measure the gradient of each loss during the training, for the report.
        engine: Name in :data:`seglosses.benchmark.engines.ENGINES`.
    """

    out: Path
    data: Path
    labels: str
    train_size: str
    profile: str
    iters: int | None = None
    leaf: str = ""
    all_groups: bool = True
    balance: bool = False
    engine: str = "mmseg"

    def __post_init__(self) -> None:
        """Refuse a length that is none."""
        if self.iters is not None and self.iters < 1:
            raise ValueError(f"expected --iters of at least 1, got {self.iters}")

    @property
    def length(self) -> int | None:
        """Iterations of a training; None for the length that its config says."""
        return PROFILES[self.profile].iters if self.iters is None else self.iters

    @property
    def config(self) -> str:
        """The leaf that is trained, below ``configs``."""
        return self.leaf or PROFILES[self.profile].leaf
