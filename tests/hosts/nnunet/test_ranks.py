"""Two processes with unequal shares of a batch train as one does, whatever losses are off."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from seglosses.hosts.nnunet.loss import NnUNetLoss
from seglosses.hosts.nnunet.spec import Task, build_losses
from tests.ranks import in_two_processes

LATE = {"value": 0.02, "start": 0.5}
ENTRIES = [{"type": "DiceLoss"}, {"type": "BettiMatchingLoss", "loss_weight": LATE}]
SHARES = (slice(0, 2), slice(2, 3))  # as nnU-Net deals a batch of three


class Net(nn.Module):
    """Two resolutions, as with deep supervision."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fine, self.coarse = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(1, 3, 2, stride=2)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [self.fine(image), self.coarse(image)]


def batch():
    make = torch.Generator().manual_seed(0)
    labels = torch.zeros(3, 1, 8, 8, dtype=torch.int16)
    labels[:, :, 2:4, 1:7], labels[1:, :, 6:, :3] = 1, 2
    return torch.randn(3, 1, 8, 8, generator=make), [labels, labels[:, :, ::2, ::2]]


def gradients(net, share, *, ddp):
    task = Task(3, 2, batch_dice=True, ddp=ddp)
    loss = NnUNetLoss(build_losses(ENTRIES, task), task, weights=(0.75, 0.25))
    loss.set_progress(0.1)
    image, targets = batch()
    value = loss(net(image[share]), [target[share] for target in targets])
    value.backward()
    return value.item(), [parameter.grad.tolist() for parameter in net.parameters()]


def one_rank(rank):
    return gradients(DistributedDataParallel(Net()), SHARES[rank], ddp=True)


@pytest.mark.slow
def test_two_ranks_see_one_batch() -> None:
    results = in_two_processes(one_rank)
    value, whole = gradients(Net(), slice(None), ddp=False)
    for other, parts in results.values():
        assert other == pytest.approx(value, abs=1e-6)
        for part, full in zip(parts, whole, strict=True):
            torch.testing.assert_close(torch.tensor(part), torch.tensor(full))
