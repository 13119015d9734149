"""The data that a config names, and whether they are there before anything is built of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import Config, ConfigDict

from seglosses.datasets.topomortar import find_root

LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")


def innermost_datasets(cfg: Config, loaders: Sequence[str] = LOADERS) -> Iterator[ConfigDict]:
    """Every dataset of the loaders, taken out of its wrappers.

    Args:
        cfg: A composed config.
        loaders: Keys of it.

    Yields:
        Configs of datasets, to be read or changed.
    """
    for name in loaders:
        waiting = [cfg[name].dataset] if cfg.get(name) else []
        while waiting:
            dataset = waiting.pop()
            inner = dataset.get("dataset", dataset.get("datasets"))
            if inner is None:
                yield dataset
            else:
                waiting.extend(inner if isinstance(inner, list) else [inner])


def require_data(cfg: Config, loaders: Sequence[str]) -> None:
    """Look for the folder and the COCO file of every dataset of the loaders.

    What lies behind a ``backend_args`` or an address is left to mmengine.

    Args:
        cfg: A composed config.
        loaders: Keys of it, such as ``train_dataloader``.

    Raises:
        ValueError: A folder or a file is missing.
    """
    for loader in loaders:
        for dataset in innermost_datasets(cfg, (loader,)):
            root = str(dataset.get("data_root") or "")
            if dataset.get("backend_args") is None and "://" not in root:
                _require(dataset, root, loader)


def _require(dataset: ConfigDict, root: str, loader: str) -> None:
    if str(dataset["type"]).endswith("TopoMortarDataset"):
        find_root(root)
        return
    prefixes = dict(dataset.get("data_prefix") or {}).values()
    named = [str(each or "") for each in (dataset.get("ann_file"), *prefixes)]
    # what is named from the top of the file system is not looked for in the folder
    within = not any(Path(each).is_absolute() for each in named)
    if root and within and not Path(root).is_dir():
        raise ValueError(
            f"the {loader} reads from {root}, which is no folder here; name yours by --data"
        )
    file = Path(root, named[0])
    if file.suffix == ".json" and "://" not in named[0] and not file.is_file():
        raise ValueError(
            f"the {loader} reads its boxes from {file}, and there is no such file; name another"
            " folder by --data, or make the files of a folder with train/, val/ and test/ by"
            f" `seglosses to-coco {root or 'ROOT'}`"
        )
