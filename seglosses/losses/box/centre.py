"""Losses of box regression that add a distance: of centres, of centres and aspects, of corners."""

from __future__ import annotations

from functools import partial

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.box.family import FamilyOptions, IoUFamilyLoss, family_loss, written
from seglosses.losses.box.modifiers import ModifierOptions, Modifiers
from seglosses.losses.box.terms import aspect_term, centre_term
from seglosses.primitives.box_formulas import Formula
from seglosses.primitives.boxes import Comparison, square_norm

__all__ = [
    "CIoULoss",
    "DIoULoss",
    "MPDIoULoss",
    "ciou_loss",
    "diou_loss",
    "mpdiou_loss",
]


def diou_loss(
    pred: Tensor,
    target: Tensor,
    *,
    freeze_diagonal: bool = False,
    **modifiers: Unpack[ModifierOptions],
) -> Tensor:
    r"""Distance IoU loss: the distance of the centres counts as well.

        loss = 1 - IoU + rho^2 / c^2

    with rho the distance of the centres and c the diagonal of the hull.

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        freeze_diagonal: c carries no gradient. The gradient of c makes boxes grow while they are
            apart; without it they arrive sooner (see ``seglosses converge``).
        modifiers: See :class:`~seglosses.losses.box.modifiers.Modifiers`.

    Returns:
        (n,) in [0, 2].

    References:
        Zheng et al., AAAI 2020, arXiv:1911.08287.

    Example:
        >>> import torch
        >>> diou_loss(torch.tensor([[0.0, 0, 3, 1]]), torch.tensor([[0.0, 3, 3, 4]]))  # 1 + 9 / 25
        tensor([1.3600])
    """
    terms = partial(_diou_terms, freeze=freeze_diagonal)
    formula = Formula(centre=True, frozen=freeze_diagonal)
    return family_loss(pred, target, terms, Modifiers(**modifiers), formula)


def ciou_loss(
    pred: Tensor,
    target: Tensor,
    *,
    gate_alpha: bool = True,
    freeze_diagonal: bool = False,
    **modifiers: Unpack[ModifierOptions],
) -> Tensor:
    r"""Complete IoU loss: distance of the centres and difference of the aspect ratios.

        loss = 1 - IoU + rho^2 / c^2 + a v
        v = (2 / pi)^2 (atan(w' / h') - atan(w / h))^2,   a = v / (1 - IoU + v)

    The weight a (alpha in the paper) carries no gradient.

    Args:
        pred: Boxes (n, 4).
        target: Boxes (n, 4).
        gate_alpha: Shapes count only where IoU > 0.5, as in the CIoU paper and MMDetection.
        freeze_diagonal: See :func:`diou_loss`.
        modifiers: See :class:`~seglosses.losses.box.modifiers.Modifiers`.

    Returns:
        (n,), in [0, 2] when gated.

    Raises:
        ValueError: for segments and 3-D boxes, which have no one aspect ratio.

    References:
        Zheng et al., AAAI 2020, arXiv:1911.08287; gate: IEEE T. Cybernetics 2022,
        arXiv:2005.03572.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[1.0, 1, 3, 3]])
        >>> ciou_loss(pred, target)  # same centre, same aspect: 1 - 4 / 16
        tensor([0.7500])
    """
    terms = partial(_ciou_terms, gate=gate_alpha, freeze=freeze_diagonal)
    formula = Formula(centre=True, frozen=freeze_diagonal, aspect=True, gated=gate_alpha)
    return family_loss(pred, target, terms, Modifiers(**modifiers), formula)


def mpdiou_loss(
    pred: Tensor,
    target: Tensor,
    *,
    image_size: tuple[int, ...] = (640, 640),
    **modifiers: Unpack[ModifierOptions],
) -> Tensor:
    r"""MPDIoU loss: distances of the two corners, measured in images.

        loss = 1 - IoU + (d_1^2 + d_2^2) / (H^2 + W^2)

    Ports that divide by the hull instead of the image compute something else.

    Args:
        pred: Boxes (n, 2d) in pixels.
        target: Boxes (n, 2d) in pixels.
        image_size: Size of the network's input in pixels, such as (height, width).
        modifiers: See :class:`~seglosses.losses.box.modifiers.Modifiers`.

    Returns:
        (n,).

    Raises:
        ValueError: unless ``image_size`` is positive, with d numbers.

    References:
        Ma and Xu 2023, arXiv:2307.07662.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[2.0, 0, 4, 2]])
        >>> mpdiou_loss(pred, target, image_size=(4, 2))  # 1 + (4 + 4) / 20
        tensor([1.4000])
    """
    terms = partial(_corner_terms, image_size=image_size)
    return family_loss(pred, target, terms, Modifiers(**modifiers))


def _diou_terms(pair: Comparison, *, freeze: bool) -> tuple[Tensor, ...]:
    return (centre_term(pair, freeze=freeze),)


def _ciou_terms(pair: Comparison, *, gate: bool, freeze: bool) -> tuple[Tensor, ...]:
    return centre_term(pair, freeze=freeze), aspect_term(pair, gate=gate)


def _corner_terms(pair: Comparison, *, image_size: tuple[int, ...]) -> tuple[Tensor, ...]:
    if min(image_size) <= 0 or len(image_size) != pair.dim:
        raise ValueError(
            f"image_size must be {pair.dim} positive numbers of pixels, such as (height, width),"
            f" got {tuple(image_size)}"
        )
    square = float(sum(s * s for s in image_size))
    # both corners move with the centre, and half of the change of the side apart
    change = pair.target_side - pair.side
    return ((2 * square_norm(pair.offset) + 0.5 * square_norm(change)) / square,)


class DIoULoss(IoUFamilyLoss):
    """Overlap, and the distance of the centres.

    Args:
        freeze_diagonal: c carries no gradient.
        options: See :class:`~seglosses.losses.box.family.IoUFamilyLoss`.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 3, 1]]), torch.tensor([[0.0, 3, 3, 4]])
        >>> DIoULoss()(pred, target)  # centres 3 apart in a hull of diagonal 5: 1 + 9 / 25
        tensor(1.3600)
    """

    formula = "1 - IoU + rho^2 / c^2"
    paper = "Zheng et al. 2020, arXiv:1911.08287"
    use_when = "boxes may start far from their targets; fast with freeze_diagonal=True"
    tags = ("detection",)

    def __init__(self, freeze_diagonal: bool = False, **options: Unpack[FamilyOptions]) -> None:
        super().__init__(**options)
        self.freeze_diagonal = freeze_diagonal

    @written(lambda loss: Formula(centre=True, frozen=loss.freeze_diagonal))
    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`diou_loss`."""
        return _diou_terms(pair, freeze=self.freeze_diagonal)


class CIoULoss(IoUFamilyLoss):
    """Overlap, distance of the centres and difference of the aspect ratios.

    Args:
        gate_alpha: Shapes count only where IoU > 0.5.
        freeze_diagonal: c carries no gradient.
        options: See :class:`~seglosses.losses.box.family.IoUFamilyLoss`.

    Raises:
        ValueError: for boxes that are not (n, 4).

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[1.0, 1, 3, 3]])
        >>> CIoULoss()(pred, target)  # same centre, same aspect: 1 - 4 / 16
        tensor(0.7500)
    """

    formula = "1 - IoU + rho^2 / c^2 + a v"
    paper = "Zheng et al. 2020, arXiv:1911.08287"
    use_when = "2-D boxes whose aspect ratio matters; otherwise as DIoULoss"
    tags = ("detection",)

    def __init__(
        self,
        gate_alpha: bool = True,
        freeze_diagonal: bool = False,
        **options: Unpack[FamilyOptions],
    ) -> None:
        super().__init__(**options)
        self.gate_alpha = gate_alpha
        self.freeze_diagonal = freeze_diagonal

    @written(
        lambda loss: Formula(
            centre=True, frozen=loss.freeze_diagonal, aspect=True, gated=loss.gate_alpha
        )
    )
    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`ciou_loss`."""
        return _ciou_terms(pair, gate=self.gate_alpha, freeze=self.freeze_diagonal)


class MPDIoULoss(IoUFamilyLoss):
    """Overlap, and distances of the corners in parts of the image.

    Args:
        image_size: Size of the network's input in pixels.
        options: See :class:`~seglosses.losses.box.family.IoUFamilyLoss`.

    Raises:
        ValueError: for an ``image_size`` that is not positive or does not fit the boxes.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[2.0, 0, 4, 2]])
        >>> MPDIoULoss(image_size=(4, 2))(pred, target)  # both corners 2 apart: 1 + (4 + 4) / 20
        tensor(1.4000)
    """

    formula = "1 - IoU + (d_1^2 + d_2^2) / (H^2 + W^2)"
    paper = "Ma and Xu 2023, arXiv:2307.07662"
    use_when = "all images are resized to one known size"
    tags = ("detection",)

    def __init__(
        self, image_size: tuple[int, ...] = (640, 640), **options: Unpack[FamilyOptions]
    ) -> None:
        super().__init__(**options)
        self.image_size = tuple(image_size)

    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`mpdiou_loss`."""
        return _corner_terms(pair, image_size=self.image_size)
