"""What measuring the balance of losses costs: CPU time of a step with and without.

python tools/balance_cost.py [--side 256] [--rounds 5]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from torch import nn

from seglosses.datasets.bricks import brick_sample
from seglosses.losses import BettiMatchingLoss, CrossEntropyLoss, DiceLoss, SoftClDiceLoss
from seglosses.losses.balance import LossBalance


def main() -> None:
    """Time steps of a small network in turn, measured and plain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 16), (16, 16), (16, 16)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(16, 2, 1))
    mask = brick_sample(args.side, 0).mask
    labels = torch.from_numpy(np.stack([mask, mask])).long()
    images = torch.randn(2, 3, args.side, args.side)
    late = BettiMatchingLoss(loss_weight=0.02)
    lines = SoftClDiceLoss(iterations=5, loss_weight=0.5)
    losses = [CrossEntropyLoss(), DiceLoss(), lines, late]
    measured, plain = LossBalance(losses, every=1), LossBalance(losses, every=10**9)
    plain.calls = 1
    times: dict[str, list[float]] = {"plain": [], "measured": []}
    for round_ in range(args.rounds + 1):
        for name, balance in (("plain", plain), ("measured", measured)):
            start = time.process_time()
            balance(network(images), labels).backward()
            if round_:  # the first compiles
                times[name].append(time.process_time() - start)
    low = {name: float(np.median(values)) for name, values in times.items()}
    print(f"step, {args.side} px, two images, four losses: {1000 * low['plain']:.0f} ms plain,")
    more = low["measured"] - low["plain"]
    print(f"{1000 * low['measured']:.0f} ms measured: {more / low['plain']:.0%} more,")
    print(f"{more / low['plain'] / 50:.2%} of the training with every=50")


if __name__ == "__main__":
    main()
