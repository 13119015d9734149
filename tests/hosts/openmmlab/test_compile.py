"""mmengine's ``compile=True``: a head trains with our losses, with no graph break of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner import Runner
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import counters

from tests.hosts.openmmlab.test_extra_inputs import batch, network, plain

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
]

OURS = (
    "seglosses.CrossEntropyLoss",
    "seglosses.DiceLoss",
    "seglosses.SoftClDiceLoss",
    "seglosses.BettiMatchingLoss",
)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def breaks(*losses: str) -> tuple[int, int]:
    """Graphs and graph breaks of a segmentor's loss."""
    torch._dynamo.reset()
    counters.clear()
    model = plain(losses=losses)
    counter = CompileCounter()
    found = torch.compile(model.loss, backend=counter)(*batch())
    sum(value for key, value in found.items() if "loss" in key).backward()
    return counter.frame_count, sum(counters["graph_break"].values())


def test_our_losses_break_no_graph_of_the_host() -> None:
    assert breaks(*OURS) == breaks("CrossEntropyLoss")


class Batches(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> dict[str, Any]:
        images, samples = batch()
        return {"inputs": images[index % 2], "data_samples": samples[index % 2]}


def test_a_compiled_runner_trains(tmp_path: Path) -> None:
    runner = Runner(
        model=plain(losses=OURS),
        work_dir=str(tmp_path),
        train_dataloader={
            "batch_size": 2,
            "num_workers": 0,
            "dataset": Batches(),
            "sampler": {"type": "DefaultSampler", "shuffle": False},
            "collate_fn": {"type": "pseudo_collate"},
        },
        train_cfg={"by_epoch": False, "max_iters": 2},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        default_scope="mmseg",
        log_level="ERROR",
        cfg={
            "compile": {"backend": "aot_eager"},
            "model": network(losses=OURS),
            "work_dir": str(tmp_path),
        },
    )
    before = [each.detach().clone() for each in runner.model.parameters()]
    runner.train()
    after = list(runner.model.parameters())
    assert all(each.isfinite().all() for each in after)
    assert any(not torch.equal(a, b) for a, b in zip(after, before, strict=True))
