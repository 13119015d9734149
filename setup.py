"""Metadata, dependencies, extras and the entry point of seglosses.

``install_requires`` holds floors only and never an OpenMMLab package: the two families
(``mmengine`` and ``onedl-mmengine``, and so on) share import names, and pip overwrites one
with the other without a word. Each family and task is an extra of its own; no extra mixes them.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def version() -> str:
    """Read ``__version__`` without importing the package."""
    text = (ROOT / "seglosses" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise RuntimeError('seglosses/__init__.py has no line __version__ = "...".')
    return match.group(1)


def readme() -> str:
    """The README, or an empty text in a tree that has none yet."""
    path = ROOT / "README.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


setup(
    name="seglosses",
    version=version(),
    description="Losses and metrics for segmentation and detection models that must get the shape right",
    long_description=readme(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Scientific/Engineering :: Image Processing",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=find_packages(include=["seglosses", "seglosses.*"]),
    package_data={"seglosses": ["py.typed", "_shipped_kernels/*/*"]},
    zip_safe=False,
    entry_points={"console_scripts": ["seglosses=seglosses.cli:main"]},
    install_requires=[
        "numpy>=1.23",
        "scipy>=1.9",
        "edt>=2.3",
        "joblib>=1.3",
        "scikit-image>=0.20",
        "tifffile>=2022.8",
        "numba>=0.57",
        "pillow>=9.1",
        # torch.library.custom_op; losses that NumPy computes are operators of it
        "torch>=2.4",
        "tqdm>=4.60",
        "typing-extensions>=4.5",
    ],
    extras_require={
        "onedl-seg": [
            "onedl-mmengine>=0.10.12",
            "onedl-mmcv>=2.3.6",
            "onedl-mmsegmentation>=1.4.2",
        ],
        "onedl-det": [
            "onedl-mmengine>=0.10.12",
            "onedl-mmcv>=2.3.6",
            "onedl-mmdetection>=3.5.1",
        ],
        # Upstream asserts mmcv < 2.2 when imported, and imports pkg_resources, gone in setuptools 82.
        "openmmlab-seg": [
            "mmengine>=0.10.7",
            "mmcv>=2.1.0,<2.2.0",
            "mmsegmentation>=1.2.2",
            "ftfy",
            "regex",
            "setuptools<81",
        ],
        "openmmlab-det": [
            "mmengine>=0.10.7",
            "mmcv>=2.1.0,<2.2.0",
            "mmdet>=3.3.0",
            "setuptools<81",
        ],
        "test": [
            "codespell",
            "dask[distributed]>=2023.1",
            "faster-coco-eval>=1.6",
            "gudhi>=3.8",
            "hypothesis>=6.80",
            "imagecodecs>=2022.8",
            "medpy>=0.5",
            "monai>=1.3",
            "mypy>=1.10",
            "nibabel>=5.0",
            "opencv-python-headless>=4.5",
            "panoptica>=1.4",
            "pytest>=8.2",
            "pytest-xdist>=3.3",
            "ruff>=0.6",
            "scikit-learn>=1.2",
            "SimpleITK>=2.2",
            "surface-distance-based-measures>=0.1",
            "torchmetrics>=1.0",
        ],
        # Either is enough; where both are, the first computes average precision.
        "coco": ["faster-coco-eval>=1.6", "pycocotools>=2.0.6"],
        "eval": [
            "dask[distributed]>=2023.1",
            "imagecodecs>=2022.8",
            "nibabel>=5.0",
            "opencv-python-headless>=4.5",
            "SimpleITK>=2.2",
        ],
        "bench": [
            "cripser>=0.0.13",
            "gudhi>=3.8",
            "kornia>=0.7",
            "matplotlib>=3.7",
            "medpy>=0.5",
            "monai>=1.3",
            "netcal>=1.3",
            "panoptica>=1.4",
            "segmentation-models-pytorch>=0.3.3",
            "surface-distance-based-measures>=0.1",
            "torchmetrics>=1.0",
        ],
        "docs": ["matplotlib>=3.7"],
    },
)
