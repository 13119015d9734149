"""Measurements of all label maps of a folder, class by class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.listing import printable, shorten
from seglosses.metrics.shapes import Shape


@dataclass
class ClassProfile:
    """One class over all images.

    Attributes:
        index: Of the class.
        name: Of the class.
        shapes: One per measured image, in their order; some hold nothing.
    """

    index: int
    name: str
    shapes: list[Shape] = field(default_factory=list)

    @property
    def shown(self) -> list[Shape]:
        """Images that show the class."""
        return [shape for shape in self.shapes if shape.pixels]

    @property
    def presence(self) -> float:
        """Share of images that show it."""
        return len(self.shown) / max(len(self.shapes), 1)

    def median(self, name: str) -> float:
        """Median of a number over the images that show the class, NaN without one.

        Args:
            name: Of an attribute of :class:`Shape`.
        """
        values = [float(getattr(shape, name)) for shape in self.shown]
        return float(np.median(values)) if values else float("nan")

    def total(self, name: str) -> float:
        """Sum over all images.

        Args:
            name: Of an attribute of :class:`Shape`.
        """
        return float(sum(getattr(shape, name) for shape in self.shapes))

    @property
    def share(self) -> float:
        """Share of all pixels that count."""
        return self.total("pixels") / max(self.total("valid"), 1.0)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Pixels of components, a sample of each image."""
        return np.concatenate([np.zeros(0), *(shape.sizes for shape in self.shown)])

    @property
    def widths(self) -> NDArray[np.float64]:
        """Width along centre lines, twice the inscribed radius less one."""
        return 2 * np.concatenate([np.zeros(0), *(s.radii for s in self.shown)]) - 1

    def width(self, percent: float = 50.0) -> float:
        """Percentile of the width, NaN without any.

        Args:
            percent: In [0, 100].
        """
        widths = self.widths
        return float(np.percentile(widths, percent)) if widths.size else float("nan")

    def size(self, percent: float = 50.0) -> float:
        """Percentile of the size of components, NaN without any.

        Args:
            percent: In [0, 100].
        """
        sizes = self.sizes
        return float(np.percentile(sizes, percent)) if sizes.size else float("nan")

    @property
    def elongation(self) -> float:
        """Centre line of a component in multiples of its width, median over images.

        A disc has about 0, a square about 1, a vessel tens.
        """
        values = [
            shape.length / shape.components / float(np.median(2 * shape.radii - 1))
            for shape in self.shown
            if shape.radii.size
        ]
        return float(np.median(values)) if values else float("nan")

    @property
    def widths_a_loop(self) -> float:
        """Centre line for each loop, in multiples of the width; infinite without a loop.

        Lines below 3 px count as 3 px wide: centre lines are drawn of any width. Pinholes are no
        loops.
        """
        loops = self.total("loops") - self.total("pinholes")
        return self.total("length") / max(self.width(), 3.0) / loops if loops > 0 else math.inf

    @property
    def edge(self) -> float:
        """Share of the class's pixels that lie at its boundary."""
        return self.total("surface") / max(self.total("pixels"), 1.0)

    def part(self, name: str) -> float:
        """Share of components, over all images, that a count of them makes.

        Args:
            name: ``'specks'``, ``'neighbours'`` or ``'at_border'``.
        """
        return self.total(name) / max(self.total("components"), 1.0)

    @property
    def betti(self) -> list[tuple[int, int, int]]:
        """Betti numbers of each image that shows the class."""
        return [(shape.components, shape.loops, shape.cavities) for shape in self.shown]

    def numbers(self) -> dict[str, float]:
        """Everything in plain numbers, for files and tables."""
        return {
            "share": self.share,
            "presence": self.presence,
            "components": self.median("components"),
            "loops": self.median("loops"),
            "cavities": self.median("cavities"),
            "length": self.median("length"),
            "width_5": self.width(5),
            "width_50": self.width(50),
            "width_95": self.width(95),
            "size_5": self.size(5),
            "size_50": self.size(50),
            "size_95": self.size(95),
            "elongation": self.elongation,
            "widths_a_loop": self.widths_a_loop,
            "boundary_share": self.edge,
            "at_border": self.part("at_border"),
            "neighbours": self.part("neighbours"),
            "specks": self.part("specks"),
            "pinholes_an_image": self.total("pinholes") / max(len(self.shown), 1),
        }


@dataclass(frozen=True)
class Annotators:
    """Two people's labels of the same images.

    Attributes:
        images: How many both have labelled.
        dice: Median Dice of the two, of all foreground classes pooled.
        rim: Share of the pixels they disagree on that lie within two pixels of both boundaries.
        empty: How many more neither shows a class in.
        only_first: Names of images that the second has not labelled.
        only_second: Names of images that the first has not labelled.
    """

    images: int
    dice: float
    rim: float
    empty: int = 0
    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = ()

    @property
    def described(self) -> list[str]:
        """In sentences.

        Example:
            >>> Annotators(6, 0.8, 0.7, 2, ("a", "b")).described
            ['two annotators: median Dice 0.800 of 6 images, 70% of the pixels in which they \
differ lie at both boundaries', 'empty under both: 2 more images', \
'labelled by the first annotator only: 2 (a, b)']
        """
        images = f"{self.images} image{'s' * (self.images > 1)}"
        lines = [
            f"two annotators: median Dice {self.dice:.3f} of {images}, {self.rim:.0%} of the"
            " pixels in which they differ lie at both boundaries"
        ]
        if self.empty:
            more = f"{self.empty} more image{'s' * (self.empty > 1)}"
            lines.append(f"empty under both: {more}")
        for who, names in (("first", self.only_first), ("second", self.only_second)):
            if names:
                listed = printable(shorten(names))
                lines.append(f"labelled by the {who} annotator only: {len(names)} ({listed})")
        return lines


@dataclass(frozen=True)
class Files:
    """How label files hold what a loss is given.

    Attributes:
        values: Which value is which class, in words; empty where values are class indices.
        ignore_index: The value that is ignored where the others are class indices, None without.
        spacing: Edge lengths of a pixel in the order of the axes, where files state them.
        backwards: Whether axes are stored as X, Y, Z, as in NIfTI, not as slices, rows, columns.
    """

    values: str = ""
    ignore_index: int | None = None
    spacing: tuple[float, ...] | None = None
    backwards: bool = False


@dataclass(frozen=True)
class Profile:
    """What is known about a folder of label maps.

    Attributes:
        ndim: 2 or 3.
        images: Number of measured label maps.
        found: Number of label maps in the folder.
        shape: Of a typical label map.
        ignored: Share of pixels that no class has.
        classes: The foreground classes.
        num_classes: Classes in all, background among them.
        touching: Boundary pixels that two foreground classes share, by pair of names.
        annotators: Agreement of two annotators, None where there is one.
        errors: What predictions get wrong, by class index; empty without predictions.
        failures: Files that could not be read, with the reason.
        other_shapes: How many of the measured label maps have another shape.
        regions: Names of classes that overlap and are unions of labels, which are measured.
        files: How files hold labels.
        ground: Name of class 0 where it is taken for background and not called so, empty else.
    """

    ndim: int
    images: int
    found: int
    shape: tuple[int, ...]
    ignored: float
    classes: tuple[ClassProfile, ...]
    num_classes: int
    touching: dict[tuple[str, str], int] = field(default_factory=dict)
    annotators: Annotators | None = None
    errors: dict[int, list[dict[str, float]]] = field(default_factory=dict)
    failures: Sequence[tuple[str, str]] = ()
    other_shapes: int = 0
    regions: tuple[str, ...] = ()
    files: Files = Files()
    ground: str = ""

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Edge lengths of a voxel where files state them."""
        return self.files.spacing

    @property
    def described(self) -> str:
        """How many label maps of which size and how many classes, in words."""
        several = "label map" if self.found == 1 else "label maps"
        count = f"{self.images} of {self.found}" if self.images < self.found else f"{self.images}"
        size = " x ".join(map(str, self.shape))
        if self.other_shapes:
            size += f" and {self.other_shapes} of other sizes"
        return f"{count} {several}, {size}, {self.num_classes} classes"

    @property
    def anisotropy(self) -> float:
        """Longest edge of a voxel in multiples of the shortest; 1 where files state none."""
        return max(self.spacing) / min(self.spacing) if self.spacing else 1.0
