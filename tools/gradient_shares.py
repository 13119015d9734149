"""How large the gradients of losses are beside those of CE + Dice, on training crops of a run.

python tools/gradient_shares.py RUN --data DATA [--crops 12]

RUN is the folder of a finished run of `seglosses benchmark run`, whose network is taken as it is at
the end. Only training images are read: weights may be chosen by this.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS

from seglosses import losses
from seglosses.losses.balance import gradient_at

TERMS = {
    "SoftClDiceLoss": (0.5, 1.0),
    "BettiMatchingLoss": (0.02, 0.5),
    "SkeletonRecallLoss": (0.5, 1.0),
    "CenterlineBoundaryDiceLoss": (0.5,),
    "TopologicalPriorLoss": (0.01,),
    "TopographLoss": (0.005, 0.1),
    "JaccardMetricLoss": (1.0,),
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--crops", type=int, default=12)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    norms: dict[str, float] = defaultdict(float)
    cosines: dict[str, float] = defaultdict(float)
    active: dict[str, float] = defaultdict(float)
    terms = {name: getattr(losses, name)() for name in TERMS}
    base = (losses.CrossEntropyLoss(), losses.DiceLoss())
    count = 0
    for logits, labels in crops(args.run, args.data, args.crops):
        plain = gradient_at(base[0](logits, labels) + base[1](logits, labels), logits)
        assert plain is not None
        norms["CE + Dice"] += float(plain.norm())
        active["CE + Dice"] += touched(plain)
        for name, loss in terms.items():
            gradient = gradient_at(loss(logits, labels), logits)
            assert gradient is not None
            size = float(gradient.norm())
            norms[name] += size
            active[name] += touched(gradient)
            cosines[name] += float((gradient * plain).sum()) / max(
                size * float(plain.norm()), 1e-30
            )
        count += 1
    whole = norms["CE + Dice"]
    print("| loss | weight | share of the norm | cosine with CE + Dice | pixels with 90 % of it |")
    print("|---|---:|---:|---:|---:|")
    print(f"| CE + Dice | 1 | | | {active['CE + Dice'] / count:.2%} |")
    for name, weights in TERMS.items():
        for weight in weights:
            share = weight * norms[name] / (weight * norms[name] + whole)
            print(
                f"| {name} | {weight:g} | {share:.1%} | {cosines[name] / count:.2f} |"
                f" {active[name] / count:.2%} |"
            )


def crops(run: Path, data: str, count: int):  # type: ignore[no-untyped-def]
    """Logits and labels of batches of training crops."""
    cfg = Config.fromfile(str(run / "config.py"))
    init_default_scope("mmseg")
    model = MODELS.build(cfg.model)
    last = run / f"iter_{cfg.train_cfg.max_iters}.pth"
    # Our own checkpoint, which holds more than weights.
    model.load_state_dict(torch.load(last, map_location="cpu", weights_only=False)["state_dict"])
    model.eval()
    cfg.train_dataloader.dataset.data_root = data
    seen = 0
    for batch in Runner.build_dataloader(cfg.train_dataloader, seed=0):
        if seen >= count:
            return
        found = model.data_preprocessor(batch, True)
        labels = torch.stack([one.gt_sem_seg.data[0] for one in found["data_samples"]])
        with torch.no_grad():
            logits = model.decode_head(model.extract_feat(found["inputs"]))
        seen += len(labels)
        yield logits.requires_grad_(), labels


def touched(gradient: torch.Tensor) -> float:
    """Share of the pixels that hold 90 % of the squared norm, the strongest first."""
    squares = gradient.pow(2).sum(1).flatten().sort(descending=True).values.cumsum(0)
    return float((squares < 0.9 * squares[-1]).sum() + 1) / len(squares)


if __name__ == "__main__":
    main()
