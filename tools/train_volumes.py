"""Train a small 3D network on generated vessels with and without Betti matching, and compare.

    python tools/train_volumes.py --seeds 3 --iterations 120 --out work_dirs/vessels

Prints a Markdown table (mean and standard deviation over seeds) and writes a picture of the same
unseen volume under every loss. It needs about two minutes of CPU time.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seglosses.datasets.vessels import VesselSample, vessel_sample
from seglosses.losses import BettiMatchingLoss, CrossEntropyLoss, DiceLoss
from seglosses.report.topology import topology_picture
from seglosses.topology import betti_numbers, matching_error

PATCH, BATCH, SIDE = 24, 2, 48
COLUMNS = ("Dice", "Betti-0", "Betti-1", "matching 0", "matching 1")
Loss = Callable[[Tensor, Tensor, float], Tensor]


class Network(nn.Module):
    """A U-Net of two levels and ten thousand weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self._block(1, 8)
        self.second = self._block(8, 16)
        self.last = self._block(24, 8)
        self.head = nn.Conv3d(8, 2, 1)

    @staticmethod
    def _block(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv3d(inputs, outputs, 3, padding=1), nn.InstanceNorm3d(outputs), nn.ReLU(),
            nn.Conv3d(outputs, outputs, 3, padding=1), nn.InstanceNorm3d(outputs), nn.ReLU(),
        )  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, 2, D, H, W) of images (N, 1, D, H, W) with even sides."""
        fine = self.first(image)
        coarse = self.second(nn.functional.max_pool3d(fine, 2))
        up = nn.functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
        return self.head(self.last(torch.cat([fine, up], 1)))


def losses() -> dict[str, Loss]:
    """CE + Dice, and the same with Betti matching of vessels in the second half."""
    ce, dice = CrossEntropyLoss(), DiceLoss()
    betti = BettiMatchingLoss(classes=[1], threads=1)

    def with_betti(logits: Tensor, label: Tensor, progress: float) -> Tensor:
        loss = ce(logits, label) + dice(logits, label)
        share = 0.02 * min(max((progress - 0.5) / 0.1, 0.0), 1.0)
        return loss + share * betti(logits, label) if share else loss

    return {
        "CE + Dice": lambda logits, label, _: ce(logits, label) + dice(logits, label),
        "CE + Dice + 0.02 Betti matching, late": with_betti,
    }


def train(loss: Loss, seed: int, iterations: int) -> Network:
    """Train on random patches of eight volumes."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    samples = [vessel_sample(SIDE, seed=100 + k) for k in range(8)]
    network = Network()
    descent = torch.optim.Adam(network.parameters(), 4e-3)
    for step in range(iterations):
        patches = [_patch(samples[rng.integers(len(samples))], rng) for _ in range(BATCH)]
        image, label = (torch.from_numpy(np.stack(part)) for part in zip(*patches, strict=True))
        descent.zero_grad()
        value = loss(network(image[:, None]), label.long(), step / iterations)
        value.backward()
        descent.step()
    return network.eval()


def _patch(sample: VesselSample, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    corner = rng.integers(0, SIDE - PATCH + 1, 3)
    box = tuple(slice(c, c + PATCH) for c in corner)
    flips = tuple(slice(None, None, int(s)) for s in rng.choice([-1, 1], 3))
    return np.ascontiguousarray(sample.image[box][flips]), np.ascontiguousarray(
        sample.mask[box][flips]
    )


@torch.no_grad()
def predict(network: Network, sample: VesselSample) -> np.ndarray:
    """Probabilities of vessels."""
    logits = network(torch.from_numpy(sample.image)[None, None])
    return logits.softmax(1)[0, 1].numpy()


def score(network: Network, samples: list[VesselSample]) -> list[float]:
    """Mean scores over samples, in the order of ``COLUMNS``."""
    rows = []
    for sample in samples:
        mask = predict(network, sample) > 0.5
        numbers = betti_numbers(mask)
        error = matching_error(mask, sample.mask)
        rows.append(
            [
                2 * (mask & sample.mask).sum() / max(mask.sum() + sample.mask.sum(), 1),
                abs(numbers[0] - sample.betti[0]),
                abs(numbers[1] - sample.betti[1]),
                *error.by_dimension[:2],
            ]
        )
    return np.mean(rows, axis=0).tolist()


def main(argv: list[str] | None = None) -> None:
    """Train every loss with every seed, print the table, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=120)
    parser.add_argument("--out", type=Path, default=Path("work_dirs/vessels"))
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    unseen = [vessel_sample(SIDE, seed=900 + k) for k in range(6)]
    print(f"| loss | {' | '.join(COLUMNS)} |\n|---|{'---|' * len(COLUMNS)}")
    for index, (name, loss) in enumerate(losses().items()):
        rows = []
        for seed in range(options.seeds):
            network = train(loss, seed, options.iterations)
            rows.append(score(network, unseen))
            if seed == 0:
                picture = topology_picture(predict(network, unseen[0]) > 0.5, unseen[0].mask)
                picture.save(options.out / f"vessels_{index}.png")
        cells = [
            f"{statistics.mean(column):.3g} ± {statistics.pstdev(column):.2g}"
            for column in zip(*rows, strict=True)
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
