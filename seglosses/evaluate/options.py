"""Numbers that metrics depend on, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from seglosses.metrics import TieBreaking
from seglosses.metrics.cells import Regions
from seglosses.metrics.lesions import LESION_MATCHING, LesionMatching


@dataclass(frozen=True)
class Options:
    """Parameters of metrics; their defaults are the conventions of a plain evaluation.

    Args:
        tolerance: Distance up to which boundaries and centrelines agree, in the unit of the
            spacing.
        boundary_width: Width in pixels of the band of the boundary IoU; None for 2 % of the image
            diagonal.
        window: Edge length of the windows for windowed Betti errors, in pixels.
        regions: Whether cells are components of the background or of the foreground.
        bins: Number of bins of the calibration error.
        tie_breaking: How Betti matching errors count: 'none' without a choice among ties, or
            'released' for the numbers of the released programs.
        control_step: Largest distance of points along the edges of graphs, in the unit of the
            spacing.
        reach: Length of the paths of TOPO, in the unit of the spacing.
        lesion_matching: Which predicted lesions belong to a true one, see
            :data:`seglosses.metrics.lesions.LESION_MATCHING`.
        smallest_lesion: Volume up to which true lesions do not count, in the unit of the spacing.
        lesion_dilation: Steps by which true lesions are dilated with 'brats'.
        band: Half width of the band of the boundary calibration error, in the unit of the spacing.
    """

    tolerance: float = 2.0
    boundary_width: int | None = None
    window: int = 128
    regions: Regions = "background"
    tie_breaking: TieBreaking = "none"
    bins: int = 15
    band: float = 3.0
    lesion_matching: LesionMatching = "panoptica"
    smallest_lesion: float = 0.0
    lesion_dilation: int = 3
    control_step: float = 50.0
    reach: float = 300.0

    def __post_init__(self) -> None:
        """Refuse numbers that no metric can use."""
        if not self.tolerance >= 0:
            raise ValueError(f"expected a tolerance of at least 0, got {self.tolerance}")
        for name in ("boundary_width", "window", "bins"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"expected {name} of at least 1, got {value}")
        if self.regions not in ("background", "foreground"):
            raise ValueError(f"expected regions background or foreground, got {self.regions!r}")
        if self.tie_breaking not in ("none", "released"):
            raise ValueError(f"expected tie_breaking none or released, got {self.tie_breaking!r}")
        if self.lesion_matching not in LESION_MATCHING:
            raise ValueError(
                f"expected lesion_matching to be one of {', '.join(LESION_MATCHING)}, "
                f"got {self.lesion_matching!r}"
            )
        for name in ("smallest_lesion", "lesion_dilation"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"expected {name} of at least 0, got {getattr(self, name)}")
        if not self.band > 0:
            raise ValueError(f"expected a band wider than 0, got {self.band}")
        for name in ("control_step", "reach"):
            if not getattr(self, name) > 0:
                raise ValueError(f"expected {name} above 0, got {getattr(self, name)}")
