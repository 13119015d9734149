"""Random appearance: MONAI as the oracle of each change, and seeds as mmengine gives them."""

from __future__ import annotations

import random

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.dataset.utils import worker_init_fn

from seglosses.benchmark.checkout import ROOT
from seglosses.hosts.openmmlab.appearance import (
    RandomContrast,
    RandomHue,
    RandomLowResolution,
    RandomScale,
    RandomSmoothing,
)
from seglosses.registry import TRANSFORMS

ALL = (RandomSmoothing, RandomScale, RandomContrast, RandomLowResolution, RandomHue)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(20, 27, 3)).astype(np.float32)


@pytest.mark.parametrize("kind", ALL)
def test_chance_decides_and_the_given_image_stays(kind, image) -> None:
    before = image.copy()
    assert kind(prob=0)({"img": image})["img"] is image
    changed = kind(prob=1)({"img": image})["img"]
    np.testing.assert_array_equal(image, before)
    assert changed.shape == image.shape
    assert changed.dtype == np.float32
    assert not np.array_equal(changed, image)


@pytest.mark.parametrize("kind", ALL)
def test_probability_is_a_share(kind) -> None:
    random.seed(0)
    step, small = kind(prob=0.2), np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    changed = sum(step({"img": small})["img"] is not small for _ in range(500))
    assert 70 <= changed <= 130


@pytest.mark.parametrize("kind", ALL)
def test_seeds_of_workers_repeat_and_differ(kind, image) -> None:
    def made(worker: int) -> np.ndarray:
        worker_init_fn(worker, num_workers=4, rank=0, seed=3)
        return TRANSFORMS.build({"type": kind.__name__, "prob": 1})({"img": image})["img"]

    np.testing.assert_array_equal(made(0), made(0))
    assert not np.array_equal(made(0), made(1))


@pytest.mark.slow
def test_changes_equal_monai(image) -> None:
    theirs = pytest.importorskip("monai.transforms", reason="oracle of augmentation")
    torch = pytest.importorskip("torch")
    planes = torch.from_numpy(image.transpose(2, 0, 1).copy())

    def check(ours, expected, tolerance: float = 1e-5) -> None:
        got = ours({"img": image})["img"].transpose(2, 0, 1)
        np.testing.assert_allclose(got, np.asarray(expected), atol=tolerance)

    check(RandomScale(1, (0.2, 0.2)), theirs.ScaleIntensity(None, None, factor=0.2)(planes))
    fixed = theirs.ScaleIntensityFixedMean(factor=0.2, preserve_range=True, fixed_mean=True)
    check(RandomContrast(1, (0.2, 0.2)), fixed(planes))
    low = theirs.RandSimulateLowResolution(
        prob=1, downsample_mode="bilinear", upsample_mode="nearest", zoom_range=(0.6, 0.6),
        align_corners=None,
    )  # fmt: skip
    check(RandomLowResolution(1, (0.6, 0.6)), low(planes))
    # MONAI integrates the Gaussian over a pixel, SciPy samples it in the middle.
    smooth = theirs.GaussianSmooth(sigma=(0.9, 0.9), approx="sampled")(planes)
    check(RandomSmoothing(1, (0.9, 0.9)), smooth, 2e-3)


def test_hue_is_one_and_grey_gets_colour(image) -> None:
    from skimage.color import rgb2hsv

    changed = RandomHue(prob=1)({"img": image})["img"]
    assert changed.min() >= image.min() - 1e-5
    assert changed.max() <= image.max() + 1e-5
    hsv = rgb2hsv((changed - image.min()) / (image.max() - image.min()))
    coloured = hsv[..., 1] * hsv[..., 2] > 0.05
    assert np.ptp(hsv[..., 0][coloured]) < 1e-3
    grey = np.repeat(image[..., :1], 3, axis=2)
    assert np.ptp(RandomHue(prob=1)({"img": grey})["img"], axis=2).max() > 0
    constant = np.full((2, 2, 3), 4, np.float32)
    np.testing.assert_array_equal(RandomHue(prob=1)({"img": constant})["img"], constant)


def test_wrong_use_says_what_to_do(image) -> None:
    with pytest.raises(ValueError, match=r"after seglosses\.NormalizeEachImage"):
        RandomScale()({"img": np.zeros((2, 2, 3), np.uint8)})
    with pytest.raises(ValueError, match=r"prob in \[0, 1\], got 2"):
        RandomHue(prob=2)
    with pytest.raises(ValueError, match="three channels, got 1"):
        RandomHue(prob=1)({"img": image[..., :1]})


@pytest.mark.parametrize("name", ["unet_512", "unet_512_randhue"])
def test_the_published_pipeline_runs(name: str, image) -> None:
    pytest.importorskip("mmseg")
    from mmengine.registry import init_default_scope

    init_default_scope("mmseg")
    config = Config.fromfile(str(ROOT / "configs" / "topomortar" / f"{name}.py"))
    steps = config.train_dataloader.dataset.pipeline
    names = [step.type for step in steps]
    own = ["seglosses.RandomSmoothing", "seglosses.RandomScale", "seglosses.RandomContrast",
           "seglosses.RandomLowResolution"]  # fmt: skip
    place = names.index("BioMedicalGaussianNoise")
    assert names[place + 1 : place + 5] == own
    assert (names[-2] == "seglosses.RandomHue") == (name == "unet_512_randhue")
    pipeline = Compose(steps[2:])
    big = np.random.default_rng(0).integers(0, 256, (512, 512, 3)).astype(np.uint8)
    for seed in range(3):
        random.seed(seed)
        labels = (big[..., 0] > 128).astype(np.uint8)
        size = {"img_shape": (512, 512), "ori_shape": (512, 512), "reduce_zero_label": False}
        maps = {"img": big.copy(), "gt_seg_map": labels, "seg_fields": ["gt_seg_map"]}
        packed = pipeline(maps | size)
        assert tuple(packed["inputs"].shape) == (3, 512, 512)
        assert packed["inputs"].isfinite().all()
