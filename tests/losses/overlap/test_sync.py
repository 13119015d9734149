"""Counts summed over two processes are those of the whole batch."""

from __future__ import annotations

import warnings

import pytest
import torch

from seglosses.losses import JaccardMetricLoss
from tests.ranks import in_two_processes
from tests.reference.seg_inputs import LABELS, LOGITS


def one_rank(rank: int) -> tuple[float, list[float]]:
    warnings.simplefilter("error")
    leaf = LOGITS[rank : rank + 1].clone().requires_grad_()
    value = JaccardMetricLoss(smooth=0, sync=True)(leaf, LABELS[rank : rank + 1])
    value.backward()
    return value.item(), leaf.grad.tolist()


@pytest.mark.slow
def test_two_ranks_see_one_batch() -> None:
    results = in_two_processes(one_rank)
    leaf = LOGITS.clone().requires_grad_()
    whole = JaccardMetricLoss(smooth=0)(leaf, LABELS)
    whole.backward()
    for rank, (value, grad) in results.items():
        # class 2 is absent from rank 0: without the sum the ranks would disagree
        assert value == pytest.approx(0.8547828, abs=1e-6)
        # the mean over ranks that DDP takes is the gradient of the whole batch
        torch.testing.assert_close(torch.tensor(grad)[0] / 2, leaf.grad[rank], atol=1e-7, rtol=1e-5)


def test_without_ranks_nothing_is_summed() -> None:
    alone = JaccardMetricLoss(smooth=0, sync=True)(LOGITS, LABELS)
    assert alone.item() == pytest.approx(0.8547828, abs=1e-6)
