"""What a person hears of: masks of {0, 255}, lists of outputs."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from seglosses.losses import BettiMatchingLoss, CrossEntropyLoss, DiceLoss, GIoULoss, SoftClDiceLoss
from seglosses.losses.base import SegmentationLoss
from seglosses.primitives import device

EVERY = [CrossEntropyLoss, DiceLoss, SoftClDiceLoss, BettiMatchingLoss]


def _heard(loss: SegmentationLoss, *batches: Tensor, channels: int = 1) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for labels in batches:
            logits = torch.zeros(len(labels), channels, *labels.shape[1:])
            loss(logits, labels)
    return [str(warning.message) for warning in caught]


def _mask(value: int, images: int = 2) -> Tensor:
    labels = torch.zeros(images, 12, 12, dtype=torch.long)
    labels[:, 3:6, 4:7] = value
    return labels


@pytest.mark.at_hand
@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("channels", [1, 2])
def test_masks_that_are_not_scaled_are_named_once(
    cls: type[SegmentationLoss], channels: int
) -> None:
    (message,) = _heard(cls(), *[_mask(255)] * 5, channels=channels)
    for words in ("ignored 255", "mask // 255", "another ignore_index"):
        assert words in message
    # of single images from the second one on, as of ignored labels by another number
    assert _heard(cls(), _mask(255, images=1), channels=channels) == []
    assert len(_heard(cls(), *[_mask(255, images=1)] * 3, channels=channels)) == 1
    assert len(_heard(cls(ignore_index=254), _mask(254), channels=channels)) == 1


@pytest.mark.at_hand
def test_volumes_are_looked_at_too() -> None:
    labels = torch.zeros(2, 4, 6, 6, dtype=torch.long)
    labels[:, 1:3, 2:4, 2:4] = 255
    assert len(_heard(CrossEntropyLoss(), labels)) == 1


@pytest.mark.at_hand
def test_flattened_masks_are_looked_at_too() -> None:
    flat = _mask(255).flatten(1)
    for loss, logits in (
        (DiceLoss(use_sigmoid=True), torch.zeros(2, 144)),  # masks of points (n, P)
        (CrossEntropyLoss(), torch.zeros(2, 2, 144)),
    ):
        with pytest.warns(UserWarning, match="ignored 255"):
            loss(logits, flat)
    padded = torch.full((2, 20), 255)
    padded[:, 3:15] = 0
    assert _heard(CrossEntropyLoss(), *[padded] * 5) == []


def test_right_batches_are_silent() -> None:
    padded, partly = _mask(0), _mask(1)
    padded[:, 8:], padded[:, :, 10:] = 255, 255
    partly[0, 0, 0:2] = 255
    for batches in (
        [_mask(0)] * 5,  # background alone
        [padded] * 5,  # and as far as it is padded
        [partly, _mask(255), _mask(255)],  # foreground was seen: 255 means what it says
        [torch.full((2, 12, 12), 255)] * 5,  # all ignored
    ):
        assert _heard(CrossEntropyLoss(), *batches) == []
    # several classes, no ignored label, and scoring
    assert _heard(CrossEntropyLoss(), *[_mask(255)] * 5, channels=3) == []
    assert _heard(CrossEntropyLoss(ignore_index=None), *[_mask(1)] * 5) == []
    assert _heard(CrossEntropyLoss().eval(), *[_mask(255)] * 5) == []


def test_a_device_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "HOSTS", frozenset())
    assert _heard(CrossEntropyLoss(), *[_mask(255)] * 19) == []
    assert len(_heard(CrossEntropyLoss(), *[_mask(255)] * 25)) == 1
    assert _heard(CrossEntropyLoss(), _mask(1), *[_mask(255)] * 25) == []


@pytest.mark.at_hand
def test_a_loss_that_listened_can_be_copied_and_pickled() -> None:
    loss = CrossEntropyLoss()
    assert len(_heard(loss, _mask(255))) == 1
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert _heard(other, _mask(255)) == []
    assert "unscaled" not in repr(loss)


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_lists_of_outputs_are_refused_with_what_to_do(cls: type[SegmentationLoss]) -> None:
    pred, labels = torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)
    for given in ([pred, pred[..., ::2, ::2]], (pred, pred)):
        with pytest.raises(
            ValueError, match=r"list of 2|tuple of 2.*deep supervision.*add them up"
        ):
            cls()(given, labels)
        with pytest.raises(ValueError, match=r"target is a .*deep supervision"):
            cls()(pred, given)
    with pytest.raises(
        ValueError, match=r"dict of 'out', 'aux', as models of torch.*pred\['out'\]"
    ):
        cls()({"out": pred, "aux": pred}, labels)
    with pytest.raises(ValueError, match=r"dict of 'main'.*loss\(outputs\['main'\], target\)"):
        cls()({"main": pred}, labels)
    with pytest.raises(ValueError, match=r"must be a tensor, got ndarray; pass torch.from_numpy"):
        cls()(pred, np.zeros((1, 4, 4)))
    with pytest.raises(ValueError, match="must be a tensor, got NoneType"):
        cls()(None, labels)


def test_dicts_of_labels_are_named_by_their_keys() -> None:
    pred, labels = torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)
    with pytest.raises(
        ValueError, match=r"target is a dict of 'mask'.*loss\(pred, labels\['mask'\]\)"
    ):
        DiceLoss()(pred, {"mask": labels})
    with pytest.raises(ValueError, match=r"loss\(outputs\['seg'\], target\)"):
        DiceLoss()({"seg": pred}, labels)


@pytest.mark.parametrize("weight", [2.0, [1, 2], np.ones((1, 4, 4))])
def test_weights_that_are_no_tensor_are_refused(weight: object) -> None:
    pred, labels = torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)
    for cls in EVERY:
        with pytest.raises(ValueError, match=r"weight must be a tensor.*loss_weight"):
            cls()(pred, labels, weight)
    boxes = torch.tensor([[0.0, 0, 2, 2]])
    with pytest.raises(ValueError, match="weight must be a tensor"):
        GIoULoss()(boxes, boxes, weight)


def test_complex_labels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"target complex64 \(1, 4, 4\) fit no layout"):
        DiceLoss()(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.complex64))


def test_lists_of_boxes_are_refused_too() -> None:
    boxes = torch.zeros(2, 4)
    with pytest.raises(ValueError, match="pred is a list of 2"):
        GIoULoss()([boxes, boxes], boxes)
