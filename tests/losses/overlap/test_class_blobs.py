"""Objects of several classes: kernels beside the maps that they do without."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from seglosses.losses import BlobLoss
from seglosses.losses.overlap.class_blobs import blob_counts_of_classes
from seglosses.primitives.encoding import align


def batch(channels: int, *, ignored: bool) -> tuple[Tensor, Tensor]:
    """Two images wider than a block, with long runs of the last class."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, channels, 3, 700, generator=generator)
    labels = torch.randint(0, channels, (2, 3, 700), generator=generator)
    labels[0, 1] = channels - 1
    labels[1][labels[1] == 1] = 0  # which the second image has none of
    if ignored:
        labels[:, 2, 100:300], logits[:, :, 2, 100:200] = 255, torch.nan
    return logits, labels


@pytest.mark.at_hand
@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"classes": "all"},
        {"classes": [2, 0]},
        {"classes": "foreground", "class_weight": [1, 2, 3, 4, 5]},
        {"region": {"type": "TverskyLoss", "alpha": 0.2}},
        {"channels": 11},
    ],
    ids=str,
)
def test_kernels_say_what_maps_say(options: dict[str, Any], ignored: bool) -> None:
    options = dict(options)
    logits, labels = batch(options.pop("channels", 5), ignored=ignored)
    found = []
    for dtype in (torch.float32, torch.float64):  # kernels take the first
        leaf = logits.to(dtype).requires_grad_()
        assert (blob_counts_of_classes(align(leaf, labels), [1]) is None) == (
            dtype is torch.float64
        )
        value = BlobLoss(**options)(leaf, labels)
        (slope,) = torch.autograd.grad(value, leaf, retain_graph=True)
        (graph,) = torch.autograd.grad(value, leaf, create_graph=True)
        (second,) = torch.autograd.grad(graph.nan_to_num().square().sum(), leaf)
        found.append(
            [each.detach().double().nan_to_num() for each in (value, slope, graph, second)]
        )
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(found[0][1], found[0][2], rtol=1e-4, atol=1e-7)


@pytest.mark.at_hand
def test_an_object_sees_the_rest_and_no_other_object() -> None:
    logits = torch.tensor([0.5, 0.3, 0.2]).log().view(1, 3, 1, 1).expand(1, 3, 1, 5)
    given = blob_counts_of_classes(align(logits, torch.tensor([[[2, 2, 0, 1, 2]]])), [2, 1])
    assert given is not None
    counts, real = given
    torch.testing.assert_close(counts.tp, torch.tensor([[[0.4, 0.2], [0.3, 0.0]]]))
    # with the rest: two pixels of class 2's, four of class 1's
    torch.testing.assert_close(counts.prob, torch.tensor([[[0.8, 0.6], [1.5, 1.2]]]))
    assert counts.target.tolist() == [[[2, 1], [1, 0]]]
    assert real.tolist() == [[[True, True], [True, False]]]


def test_other_batches_go_another_way() -> None:
    logits, labels = batch(3, ignored=False)
    share = torch.rand(labels.shape)
    for given in (
        align(logits, labels, share),
        align(logits, logits.softmax(1)),
        align(logits, labels * 0, use_sigmoid=True),
    ):
        assert blob_counts_of_classes(given, [1]) is None
