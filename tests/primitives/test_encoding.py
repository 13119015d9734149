"""Layouts: what is accepted, what it becomes, and what is said of the rest."""

from __future__ import annotations

import math

import pytest
import torch

from seglosses.primitives.encoding import align, one_hot


def test_labels_and_dense_targets() -> None:
    logits = torch.randn(2, 3, 4, 5)
    labels = torch.randint(0, 3, (2, 4, 5))
    labels[0, 0, 0] = 255
    hard = align(logits, labels)
    assert hard.dense is None
    assert not hard.sigmoid
    assert hard.valid is not None
    assert hard.valid.sum() == 39
    assert hard.target()[0, :, 0, 0].tolist() == [0, 0, 0]
    assert hard.prob()[0, :, 0, 0].tolist() == [0, 0, 0]
    dense = align(logits, hard.target())
    assert dense.labels is None
    assert dense.valid is not None
    assert torch.equal(dense.valid, hard.valid)
    assert torch.equal(dense.target(), hard.target())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_any_integer_labels(dtype: torch.dtype) -> None:
    labels = torch.tensor([[0, 1, 2]], dtype=dtype)
    batch = align(torch.zeros(1, 3, 3), labels)
    assert batch.labels is not None
    assert batch.labels.tolist() == [[0, 1, 2]]


TYPES = [
    torch.bool, torch.uint8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32
]  # fmt: skip


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("shape", [(4,), (4, 5), (3, 4, 5)])
def test_labels_of_one_map_are_taken_in_any_type(
    dtype: torch.dtype, channels: int, shape: tuple[int, ...]
) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (2, *shape), generator=generator)
    logits = torch.randn(2, channels, *shape, generator=generator)
    wanted = align(logits, labels).target()
    for given in (labels, labels.unsqueeze(1)):
        batch = align(logits, given.to(dtype))
        assert torch.equal(batch.target(), wanted)
        assert (batch.labels is not None) == (channels > 1 or not dtype.is_floating_point)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.float32])
def test_ignored_labels_of_one_map_are_ignored_in_any_type(dtype: torch.dtype) -> None:
    labels = torch.tensor([[[0, 1, 255]]], dtype=dtype)
    for channels in (1, 2, 3):
        valid = align(torch.zeros(1, channels, 3), labels).valid
        assert valid is not None
        assert valid.tolist() == [[True, True, False]]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("use_sigmoid", [False, True])
def test_one_hot_targets_are_taken_in_any_type(dtype: torch.dtype, use_sigmoid: bool) -> None:
    labels = torch.randint(0, 3, (2, 4, 5), generator=torch.Generator().manual_seed(0))
    hot = one_hot(labels, 3)
    batch = align(torch.zeros(2, 3, 4, 5), hot.to(dtype), use_sigmoid=use_sigmoid)
    assert batch.labels is None
    assert torch.equal(batch.target(), hot)


@pytest.mark.parametrize("high", [254.0, 255.0])
@pytest.mark.parametrize("shape", [(1, 1, 4), (1, 4)])
def test_float_masks_that_are_not_scaled_are_refused(high: float, shape: tuple[int, ...]) -> None:
    masks = torch.tensor([0.0, high, high, 0.0]).view(shape)
    for mask in (masks, torch.full_like(masks, high)):
        with pytest.raises(ValueError, match=r"scale masks of \{0, 255\} first"):
            align(torch.zeros(1, 1, 4), mask)


def test_bool_masks_are_labels() -> None:
    batch = align(torch.zeros(1, 1, 2, 2), torch.tensor([[[True, False], [False, True]]]))
    assert batch.target().flatten().tolist() == [1, 0, 0, 1]


def test_one_channel_is_a_foreground_logit() -> None:
    # the one-hot of {0, 1} must not keep the background column
    batch = align(torch.full((1, 1, 2), 9.0), torch.tensor([[1, 0]]))
    assert batch.sigmoid
    assert batch.target().tolist() == [[[1, 0]]]


def test_mask_layouts() -> None:
    masks = torch.rand(3, 4, 5).round()
    batch = align(torch.randn(3, 4, 5), masks, use_sigmoid=True)
    assert batch.logits.shape == (3, 1, 4, 5)
    points = align(torch.randn(3, 20), torch.rand(3, 20).round(), use_sigmoid=True)
    assert points.logits.shape == (3, 1, 20)
    integer = align(torch.randn(3, 4, 5), masks.long(), use_sigmoid=True)
    assert torch.equal(integer.target(), masks.unsqueeze(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_points_of_all_masks_in_one_row(dtype: torch.dtype) -> None:
    masks = torch.tensor([1, 0, 1, 255 if dtype == torch.int64 else 0]).to(dtype)
    points = align(torch.zeros(4), masks, torch.ones(4), use_sigmoid=True)
    assert points.logits.shape == (4, 1)
    assert points.target()[:, 0].tolist() == [1, 0, 1, 0]
    assert points.row_weight is not None
    if dtype == torch.int64:
        assert points.valid is not None
        assert points.valid.tolist() == [True, True, True, False]


def test_mask_heads_give_the_class_in_place_of_weights() -> None:
    logits = torch.randn(3, 7, 4, 4)
    classes = torch.tensor([6, 0, 2])
    batch = align(logits, torch.ones(3, 4, 4), classes, use_sigmoid=True)
    assert torch.equal(batch.logits[:, 0], logits[torch.arange(3), classes])
    assert batch.pixel_weight is None
    assert batch.row_weight is None
    volumes = align(
        torch.randn(2, 7, 3, 4, 4), torch.ones(2, 3, 4, 4), classes[:2], use_sigmoid=True
    )
    assert volumes.logits.shape == (2, 1, 3, 4, 4)


def test_detection_rows_know_the_background_label() -> None:
    batch = align(torch.zeros(3, 4), torch.tensor([0, 3, 4]), use_sigmoid=True)
    assert batch.target()[2].tolist() == [0, 0, 0, 0]
    # with one class, 0 is the object and 1 the background
    one = align(torch.zeros(2, 1), torch.tensor([0, 1]), use_sigmoid=True)
    assert one.target().tolist() == [[1], [0]]
    with pytest.raises(ValueError, match=r"labels must lie in \[0, 3\]"):
        align(torch.zeros(3, 4), torch.tensor([0, 3, 4]))


def test_precision() -> None:
    labels = torch.tensor([[0, 1]])
    assert align(torch.zeros(1, 2, 2).half(), labels).logits.dtype == torch.float32
    assert align(torch.zeros(1, 2, 2).bfloat16(), labels).logits.dtype == torch.float32
    assert align(torch.zeros(1, 2, 2).double(), labels).logits.dtype == torch.float64


def test_weights() -> None:
    logits, labels = torch.zeros(2, 2, 3, 3), torch.zeros(2, 3, 3, dtype=torch.long)
    labels[0, 0] = 255
    pixel = align(logits, labels, torch.full((2, 3, 3), 0.5))
    mask = pixel.mask()
    assert mask is not None
    assert mask[0, 0, 0].tolist() == [0, 0, 0]
    assert mask[1].mean() == 0.5
    assert align(logits, labels, torch.ones(2)).row_weight is not None
    assert align(logits, labels, torch.ones(2, 1, 3, 3)).pixel_weight is not None
    assert align(logits, labels, torch.ones(2, 3, 3, dtype=torch.bool)).pixel_weight is not None


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32])
def test_weights_in_other_forms(dtype: torch.dtype) -> None:
    logits, labels = torch.zeros(2, 2, 3, 4), torch.zeros(2, 3, 4, dtype=torch.long)
    weight = (torch.arange(24).view(2, 3, 4) % 3).to(dtype)
    row = torch.tensor([0, 1]).to(dtype)
    wanted = align(logits, labels, weight.float()).pixel_weight
    assert wanted is not None
    for form in (weight, weight.unsqueeze(1), weight.flatten()):
        assert torch.equal(align(logits, labels, form).pixel_weight, wanted)
    for form in (weight[:1], weight[:1].unsqueeze(1)):
        given = align(logits, labels, form).pixel_weight
        assert torch.equal(given, wanted[:1].expand(2, 3, 4))
    assert torch.equal(align(logits, labels, row).row_weight, row.float())
    # rows of a detection head or of queries, whose weights are often integers
    rows = align(torch.zeros(2, 5), torch.tensor([0, 4]), row)
    assert torch.equal(rows.row_weight, row.float())
    masks = torch.zeros(2, 3, 4)
    given = align(masks, masks, weight[..., :1], use_sigmoid=True).pixel_weight
    assert torch.equal(given, weight[..., :1].float().expand(2, 3, 4))


@pytest.mark.parametrize(
    ("pred", "target", "options", "words"),
    [
        (torch.zeros(1, 2, 3, dtype=torch.long), torch.zeros(1, 3), {}, "floating-point logits"),
        (torch.zeros(3), torch.zeros(3), {}, "floating-point logits"),
        (torch.zeros(3), torch.zeros(4), {"use_sigmoid": True}, "fit no layout"),
        (torch.zeros(1, 300, 2), torch.tensor([[7, 255]]), {}, "one of the 300 classes"),
        (torch.zeros(1, 2, 3, 3), torch.zeros(1, 4, 4).long(), {}, "fit no layout"),
        (torch.zeros(1, 2, 3, 3), torch.full((1, 2, 3, 3), 2), {}, r"must lie in \[0, 1\]"),
        (
            torch.zeros(1, 2, 3, 3),
            torch.full((1, 3, 3), 0.5),
            {},
            "labels of one map must be whole",
        ),
        (torch.zeros(1, 2, 3, 3), torch.full((1, 1, 3, 3), torch.nan), {}, "must be whole"),
        (torch.zeros(1, 4, 2, 3, 3), torch.zeros(1, 1, 3, 3), {}, "of deep supervision"),
        (torch.zeros(1, 4, 2, 3, 3), torch.zeros(1, 3, 3), {}, "of deep supervision"),
        (torch.zeros(1, 2, 3, 3), torch.full((1, 3, 3), 7), {}, r"labels must lie in \[0, 1\]"),
        (torch.zeros(1, 2, 3, 3), torch.full((1, 3, 3), -1), {}, r"labels must lie in \[0, 1\]"),
        (torch.zeros(1, 2, 3, 3), torch.full((1, 2, 3, 3), 7.0), {}, r"must lie in \[0, 1\]"),
        (
            torch.zeros(1, 2, 3, 3),
            torch.zeros(1, 3, 3).long(),
            {"weight": torch.zeros(1, 2)},
            r"weight must be \(1, 3, 3\) \(pixels; .* or \(1,\) \(images\)",
        ),
        (
            torch.zeros(2, 2, 3, 3),
            torch.zeros(2, 3, 3),
            {"weight": torch.tensor([1, 2]), "use_sigmoid": True},
            r"the class of each mask, in \[0, 1\]",
        ),
    ],
)
def test_border(pred: torch.Tensor, target: torch.Tensor, options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        align(pred, target, **options)


def test_one_hot_of_volumes() -> None:
    labels = torch.randint(0, 4, (2, 3, 4, 5))
    hot = one_hot(labels, 4)
    assert hot.shape == (2, 4, 3, 4, 5)
    assert torch.equal(hot.argmax(1), labels)


def test_ignored_logits_are_zeros() -> None:
    logits = torch.tensor([[[1.0, torch.nan], [2.0, torch.inf]]])
    batch = align(logits, torch.tensor([[0, 255]]))
    assert batch.masked_logits().tolist() == [[[1, 0], [2, 0]]]


def test_margins_of_a_class_that_is_certain() -> None:
    # 40 - log(e^0 + e^0), of which 1 - p has no digits left
    batch = align(torch.tensor([[[40.0], [0.0], [0.0]]]), torch.tensor([[0]]))
    assert batch.margins([0]).item() == pytest.approx(40 - math.log(2))


def test_half_of_the_class_to_ignore_counts() -> None:
    batch = align(torch.zeros(1, 2, 2), torch.tensor([[[0.5, 0.4], [0.5, 0.6]]]), ignore_index=1)
    assert batch.valid is not None
    assert batch.valid.tolist() == [[True, False]]
