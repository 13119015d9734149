"""Two gloo ranks give the numbers of one process and of files, without losing or counting twice."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluate.test_accumulator import images, of_files, same

WORKER = """
import os, pickle, sys, warnings
import torch
from torch import distributed
from torch.utils.data import DataLoader, DistributedSampler
from tests.evaluate.test_accumulator import images

folder, rank, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if kind == "torchmetrics":
    from seglosses.hosts.torchmetrics import Scores
else:
    from seglosses.evaluate.accumulator import Scores
distributed.init_process_group(
    "gloo", init_method=f"file://{folder}/rendezvous-{kind}", rank=rank, world_size=2
)
made = images(7)
OPTIONS = dict(ignore_index=255)
found = {}

def scored(indices, ids=True, batch=2):
    scores = Scores(["overlap", "hd95", "cldice"], 3, **OPTIONS)
    for start in range(0, len(indices), batch):
        part = [made[i] for i in indices[start : start + batch]]
        scores.update([p[1] for p in part], [p[2] for p in part],
                      ids=[p[0] for p in part] if ids else None)
    return scores

# seven images for two: the sampler repeats the first one
dealt = list(DistributedSampler(made, num_replicas=2, rank=rank, shuffle=False))
assert len(dealt) == 4
scores = scored(dealt)
found["sampler"] = scores.compute()
assert scores.images == [made[i][0] for i in dict.fromkeys(dealt)]
scores.update(made[1][1][None], made[1][2][None], ids=["001"]) if rank else None
found["again"] = scores.compute()
# uneven shards, unequal numbers of batches, another order
found["uneven"] = scored([6, 2, 4, 0, 5] if rank else [3, 1], batch=1 + rank).compute()
found["one has none"] = scored(list(range(7)) if rank else []).compute()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found["nameless"] = scored(list(range(rank, 7, 2)), ids=False).compute()
    found["warning"] = [str(one.message) for one in caught if "ids=" in str(one.message)]
errors = []
for wrong in (
    lambda: Scores(["dice", "iou"][rank], 3, **OPTIONS),
    lambda: scored([rank], ids=bool(rank)),
):
    try:
        wrong().compute()
    except ValueError as error:
        errors.append(str(error))
try:
    one = Scores("dice", 3, **OPTIONS)
    one.update(made[rank][1][None], made[rank][2][None], ids=["same"])
    one.compute()
except ValueError as error:
    errors.append(str(error))
found["errors"] = errors
alone = Scores("dice", 3, gather=False, **OPTIONS)
alone.update(made[rank][1][None], made[rank][2][None], ids=[rank])
found["alone"] = alone.compute().evaluation.table.images
pickle.dump(found, open(f"{folder}/{kind}-{rank}.pkl", "wb"))
distributed.destroy_process_group()
"""


@pytest.mark.parametrize("kind", ["plain", "torchmetrics"])
def test_two_ranks_equal_files(tmp_path: Path, kind: str) -> None:
    if kind == "torchmetrics":
        pytest.importorskip("torchmetrics")
    made = images(7)
    expected = of_files(
        tmp_path / "files",
        [(name, logits.argmax(0), target) for name, logits, target in made],
        num_classes=3,
        ignore_index=255,
        metrics=["overlap", "hd95", "cldice"],
    )
    root = Path(__file__).parents[2]
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORKER, str(tmp_path), str(rank), kind],
            cwd=root,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    said = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    for rank in (0, 1):
        found = pickle.loads((tmp_path / f"{kind}-{rank}.pkl").read_bytes())
        for case in ("sampler", "again", "uneven", "one has none"):
            same(found[case], expected)
        nameless = found["nameless"]
        assert dict(nameless) == {
            row.metric if row.cls == "mean of classes" else f"{row.metric}.{row.cls}": row.mean
            for row in expected.summary
        }
        assert "give ids=" in found["warning"][0]
        columns, mixed, truth = found["errors"]
        assert "rank 1 scores other columns or classes" in columns
        assert "rank 1 gave ids to update() and rank 0 gave none" in mixed
        assert "different ground truth have the id 'same'" in truth
        assert found["alone"] == [str(rank)]
