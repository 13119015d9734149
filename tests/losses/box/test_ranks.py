"""The running mean of WiseIoU over two processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing

from seglosses.losses import WiseIoULoss

pytestmark = pytest.mark.slow


def work(rank: int, folder: str) -> None:
    store = f"file://{folder}/store"
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=2)
    loss = WiseIoULoss(momentum=0.5)
    if rank == 0:  # the other rank matched nothing, and its head skips the loss
        loss(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 8]]))
    loss.sync()
    torch.save(loss.running_mean, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def test_mean_of_the_ranks(tmp_path: Path) -> None:
    multiprocessing.spawn(work, (str(tmp_path),), nprocs=2)
    means = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    # (1 + 0.75) / 2 on the first, 1 on the second
    assert means == [torch.tensor(0.9375)] * 2
