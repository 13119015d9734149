"""Two processes train as one does: DDP and FSDP2 over gloo, one rank with nothing to learn from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, multiprocessing, nn
from torch.distributed import fsdp
from torch.distributed.device_mesh import init_device_mesh
from torch.nn.parallel import DistributedDataParallel

from seglosses.losses import (
    BettiMatchingLoss,
    CrossEntropyLoss,
    DiceLoss,
    SoftClDiceLoss,
    WiseIoULoss,
)
from seglosses.losses.loss import Loss

pytestmark = pytest.mark.slow

RANKS, STEPS, ACCUMULATED = 2, 3, 2
#: FSDP2 was made public together with the way that needs no GPU.
WRAPPERS = ("ddp", "fsdp") if hasattr(fsdp, "fully_shard") else ("ddp",)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1))


def batch(step: int, rank: int) -> tuple[Tensor, Tensor]:
    """Two images; those of the second rank are ignored in the first two steps."""
    generator = torch.Generator().manual_seed(10 * step + rank)
    images = torch.randn((2, 2, 8, 8), generator=generator)
    labels = torch.randint(0, 3, (2, 8, 8), generator=generator)
    return images, torch.full_like(labels, 255) if rank == 1 and step < 2 else labels


def own_losses() -> list[Loss]:
    """Of the images of a rank, whose mean is the loss."""
    return [
        CrossEntropyLoss(),
        DiceLoss(loss_weight=dict(value=0.5, start=0.2, warmup=0.5)),
        SoftClDiceLoss(iterations=2),
        BettiMatchingLoss(loss_weight=0.02),
    ]


def pooled_losses() -> list[Loss]:
    """Of the images of all ranks."""
    return [DiceLoss(average="dataset", sync=True)]


def total(losses: list[Loss], logits: Tensor, labels: Tensor, step: int) -> Tensor:
    values = []
    for loss in losses:
        loss.set_progress(step / (STEPS * ACCUMULATED))
        values.append(loss(logits, labels))
    return torch.stack(values).sum()


def alone(pooled: bool) -> dict[str, Tensor]:
    """The weights that one process arrives at."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = pooled_losses() if pooled else own_losses()
    for step in range(STEPS * ACCUMULATED):
        parts = [batch(step, rank) for rank in range(RANKS)]
        if pooled:
            images, labels = (torch.cat(part) for part in zip(*parts, strict=True))
            value = total(losses, model(images), labels, step)
        else:
            value = torch.stack([total(losses, model(x), y, step) for x, y in parts]).mean()
        value.backward()
        if step % ACCUMULATED == ACCUMULATED - 1:
            optimizer.step()
            optimizer.zero_grad()
    return {k: v.detach() for k, v in model.state_dict().items()}


def train(rank: int, wrapper: str, pooled: bool) -> dict[str, Any]:
    model = network()
    if wrapper == "fsdp":
        fsdp.fully_shard(model, mesh=init_device_mesh("cpu", (RANKS,)))
        wrapped: nn.Module = model
    else:
        wrapped = DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = pooled_losses() if pooled else own_losses()
    for step in range(STEPS * ACCUMULATED):
        images, labels = batch(step, rank)
        total(losses, wrapped(images), labels, step).backward()
        if step % ACCUMULATED == ACCUMULATED - 1:
            optimizer.step()
            optimizer.zero_grad()
    state = model.state_dict()
    return {k: v.full_tensor() if hasattr(v, "full_tensor") else v for k, v in state.items()}


def boxes() -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs of two ranks, the second of which has none at first."""
    for step in range(3):
        for rank in range(RANKS):
            n = 0 if rank == 1 and step == 0 else 4
            generator = torch.Generator().manual_seed(10 * step + rank)
            corners = torch.rand((n, 2), generator=generator) * 8
            target = torch.cat([corners, corners + 4], 1)
            yield target + torch.rand((n, 4), generator=generator), target


def train_boxes(rank: int) -> dict[str, Tensor]:
    loss = WiseIoULoss(momentum=0.5)
    values = []
    for number, (pred, target) in enumerate(boxes()):
        if number % RANKS == rank:
            values.append(loss(pred, target))
            loss.sync()
    return {"values": torch.stack(values), "mean": loss.running_mean}


def work(rank: int, folder: str) -> None:
    """All there is to find out of a rank: to start a process costs more than to train in it."""
    torch.set_num_threads(1)
    store = f"file://{folder}/store"
    distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=RANKS)
    found = {f"{w} {p}": train(rank, w, p) for w in WRAPPERS for p in (False, True)}
    torch.save({**found, "boxes": train_boxes(rank)}, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Tensor]]]:
    folder = tmp_path_factory.mktemp("ranks")
    multiprocessing.spawn(work, (str(folder),), nprocs=RANKS)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(RANKS)]


@pytest.mark.parametrize("pooled", [False, True], ids=["means of ranks", "sync=True"])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_ranks_train_as_one_process(
    wrapper: str, pooled: bool, ranks: list[dict[str, dict[str, Tensor]]]
) -> None:
    expected, before = alone(pooled), network().state_dict()
    assert any((expected[name] - before[name]).abs().max() > 1e-3 for name in expected)
    for found in ranks:
        for name, tensor in expected.items():
            torch.testing.assert_close(
                found[f"{wrapper} {pooled}"][name], tensor, rtol=1e-6, atol=1e-6
            )


def test_wise_iou_has_one_mean(ranks: list[dict[str, dict[str, Tensor]]]) -> None:
    replicas = [WiseIoULoss(momentum=0.5) for _ in range(RANKS)]
    pairs = list(boxes())
    for step in range(3):
        for rank, loss in enumerate(replicas):
            value = loss(*pairs[step * RANKS + rank])
            found = ranks[rank]["boxes"]["values"][step]
            torch.testing.assert_close(found, value, rtol=1e-6, atol=1e-6)
        mean = torch.stack([loss.running_mean for loss in replicas]).mean()
        for loss in replicas:
            loss.running_mean.copy_(mean)
    for found in ranks:
        torch.testing.assert_close(found["boxes"]["mean"], mean, rtol=1e-6, atol=1e-6)
