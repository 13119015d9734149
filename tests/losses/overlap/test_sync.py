"""Counts summed over two processes are those of the whole batch."""

from __future__ import annotations

import socket
import warnings

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from seglosses.losses import JaccardMetricLoss
from tests.reference.seg_inputs import LABELS, LOGITS


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def one_rank(rank: int, port: int, queue: mp.SimpleQueue) -> None:
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    warnings.simplefilter("error")
    leaf = LOGITS[rank : rank + 1].clone().requires_grad_()
    value = JaccardMetricLoss(smooth=0, sync=True)(leaf, LABELS[rank : rank + 1])
    value.backward()
    queue.put((rank, value.item(), leaf.grad.tolist()))
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_see_one_batch() -> None:
    context = mp.get_context("spawn")
    queue = context.SimpleQueue()
    workers = [
        context.Process(target=one_rank, args=(rank, port, queue))
        for port in [free_port()]
        for rank in range(2)
    ]
    for worker in workers:
        worker.start()
    results = dict((rank, (value, grad)) for rank, value, grad in (queue.get() for _ in workers))
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
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
