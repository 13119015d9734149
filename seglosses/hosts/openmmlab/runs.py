"""Compose a training or test run from a leaf config and a loss mix-in, and start its processes.

A leaf (``configs/bricks/unet_128.py``) says everything but the loss; a mix-in
(``configs/losses/ce_dice.py``) says the loss alone. Put together in memory, N leaves and M mix-ins
need N + M files.
"""

from __future__ import annotations

import argparse
import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict, DictAction
from mmengine.registry import DATASETS, init_default_scope

from seglosses.hosts.config_files import config_folder, find_config
from seglosses.hosts.openmmlab.data_files import innermost_datasets

# Where a mix-in's key goes: the first of these heads that the model has.
_HEADS = {
    "loss_decode": ("decode_head",),
    "loss_bbox": ("roi_head.bbox_head", "bbox_head"),
    "loss_cls": ("roi_head.bbox_head", "bbox_head"),
    "loss_mask": ("roi_head.mask_head", "mask_head"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every run takes: the config and its loss, data, folder, processes and changes."""
    parser.add_argument("config", help="leaf config, such as configs/bricks/unet_128.py")
    parser.add_argument("--loss", help="mix-in: a name in configs/losses, or a .py file")
    parser.add_argument("--data", help="folder of the data (data_root of every dataset)")
    parser.add_argument("--work-dir", help="folder for logs and checkpoints")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument(
        "--trust-checkpoint",
        action="store_true",
        help="read checkpoints (also of teachers) that hold more than weights: reading such a"
        " file may run any program that its author chose",
    )
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        help="changes to the config: key=value with dots, such as optim_wrapper.optimizer.lr=0.01",
    )


def compose(
    config: str | Path,
    *,
    loss: str | None = None,
    data: str | None = None,
    labels: str | None = None,
    iters: int | None = None,
    seed: int | None = None,
    work_dir: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Config:
    """Read a leaf config and put a loss, data, length and seed into it.

    Args:
        config: The leaf: a path, or that of one of ours below ``configs``, wherever it lies.
        loss: A mix-in: a path, or the name of a file in the ``losses`` folder of the leaf's tree
            or of our configs. It replaces the loss of the (last) decode, box or mask head, not of
            auxiliary heads. A box loss becomes ``loss_iou`` where the head has one beside
            ``loss_bbox``, as in the DETR family, and switches ``reg_decoded_bbox`` on in
            heads that encode boxes.
        data: ``data_root`` of every dataset, and the folder of annotation files that metrics read.
        labels: Kind of labels of the training set, where the dataset has kinds.
        iters: Length of the training; the decay of the learning rate follows it.
        seed: Seed of weights, order and augmentation.
        work_dir: Folder for logs and checkpoints.
        options: More changes, as ``{'model.decode_head.dropout_ratio': 0.1}``; applied last.

    Returns:
        A config for ``Runner.from_cfg``. ``work_dir`` is always set: by default
        ``work_dirs/<folder of the leaf>/<leaf>[/<mix-in>]``.

    Raises:
        ValueError: There is no such file, the mix-in does not fit the model, or the training set
            has no kinds of labels.

    Example:
        >>> cfg = compose("configs/detection/detr_bricks.py", loss="box_ciou", data="bricks")
        >>> cfg.model.bbox_head.loss_iou.type, cfg.model.bbox_head.loss_bbox.type
        ('seglosses.CIoULoss', 'L1Loss')
    """
    leaf = find_config(config)
    cfg = Config.fromfile(str(leaf))
    mixin = None if loss is None else find_mixin(leaf, loss)
    if mixin is not None:
        _put_loss(cfg, mixin)
    if data is not None:
        _put_data(cfg, data)
    if labels is not None:
        _put_labels(cfg, labels)
    if iters is not None:
        _set_length(cfg, iters)
    if seed is not None:
        cfg.randomness = {**cfg.get("randomness", {}), "seed": seed}
    if work_dir is None:
        parts = [leaf.parent.name, leaf.stem] + ([] if mixin is None else [mixin.stem])
        work_dir = str(Path("work_dirs").joinpath(*parts))
    cfg.work_dir = work_dir
    if options:
        cfg.merge_from_dict(dict(options))
    return cfg


def find_mixin(leaf: Path, loss: str) -> Path:
    """The mix-in's file: a path, or a name in the nearest ``losses`` folder above or in ours."""
    if loss.endswith(".py"):
        path = Path(loss)
        if path.is_file():
            return path
        raise ValueError(f"There is no loss mix-in {path}.")
    ours = config_folder() / "losses"
    near = (folder / "losses" for folder in leaf.resolve().parents)
    folders = [next((folder for folder in near if any(folder.glob("*.py"))), ours), ours]
    for folder in folders:
        if (path := folder / f"{loss}.py").is_file():
            return path
    names = sorted({path.stem for folder in folders for path in folder.glob("*.py")})
    places = " and ".join(dict.fromkeys(map(str, folders)))
    raise ValueError(f"There is no mix-in {loss} in {places}, which have {', '.join(names)}.")


def _put_loss(cfg: Config, mixin: Path) -> None:
    pieces = Config.fromfile(str(mixin))
    found = [key for key in _HEADS if key in pieces]
    if not found:
        raise ValueError(f"{mixin} defines none of {', '.join(_HEADS)}.")
    for key in found:
        head = _head(cfg.model, key)
        if head is None:
            raise ValueError(
                f"{mixin} defines {key}, and the model has none of the heads"
                f" {', '.join(_HEADS[key])}; use a mix-in for this kind of model."
            )
        if key == "loss_bbox" and _needs_corners(pieces[key]):
            if "loss_iou" in head:
                # its loss_bbox is an L1 of normalised centres and sizes
                head["loss_iou"] = pieces[key]
            else:
                head[key] = pieces[key]
                if "anchor_generator" in head or "roi_head" in cfg.model:
                    head["reg_decoded_bbox"] = True
        else:
            head[key] = pieces[key]
        cfg[key] = pieces[key]


def _needs_corners(loss: ConfigDict) -> bool:
    """Whether a box loss compares boxes, and not their encodings."""
    return loss["type"].startswith("seglosses.") or "IoU" in loss["type"]


def _head(model: ConfigDict, key: str) -> ConfigDict | None:
    for path in _HEADS[key]:
        place: Any = model
        for name in path.split("."):
            place = place.get(name) if isinstance(place, dict) else None
        if isinstance(place, list):
            place = place[-1]
        if place is not None:
            return place
    return None


def _put_data(cfg: Config, data: str) -> None:
    roots = set()
    for dataset in innermost_datasets(cfg):
        if root := dataset.get("data_root"):
            roots.add(Path(root))
        dataset["data_root"] = data
    for name in ("val_evaluator", "test_evaluator"):
        given = cfg.get(name) or []
        for metric in given if isinstance(given, list) else [given]:
            file = metric.get("ann_file")
            for root in roots if file else ():
                if Path(file).is_relative_to(root):
                    metric["ann_file"] = str(Path(data, Path(file).relative_to(root)))
                    break


def _put_labels(cfg: Config, labels: str) -> None:
    for dataset in innermost_datasets(cfg, ("train_dataloader",)):
        if not dataset["type"].endswith("TopoMortarDataset"):
            raise ValueError(
                f"labels={labels!r} needs a training set with kinds of labels"
                f" (seglosses.TopoMortarDataset), and the config has a {dataset['type']}; for COCO"
                " files of other labels run seglosses to-coco ROOT --labels KIND"
            )
        dataset["labels"] = labels


def _set_length(cfg: Config, iters: int) -> None:
    if cfg.train_cfg.get("max_iters") is None:
        raise ValueError("The config counts epochs, so its length cannot be given in iterations.")
    before = cfg.train_cfg.max_iters
    cfg.train_cfg.max_iters = iters
    cfg.train_cfg.val_interval = min(cfg.train_cfg.get("val_interval", before), iters)
    for scheduler in cfg.get("param_scheduler") or []:
        if scheduler.get("end") == before:
            scheduler.end = iters


def has_test_labels(cfg: Config) -> bool:
    """Whether the images of a test have labels; where not, the pipeline no longer asks for them.

    Args:
        cfg: Composed; a test set whose samples state no label loses ``LoadAnnotations``.

    Returns:
        True also for data that are not of segmentation.
    """
    init_default_scope(cfg.get("default_scope", "mmengine"))
    dataset = DATASETS.build(copy.deepcopy(cfg.test_dataloader.dataset))
    try:
        info = dataset.get_data_info(0)
    except (AttributeError, IndexError, NotImplementedError):
        return True
    if "reduce_zero_label" not in info:
        return True
    if "seg_map_path" in info:
        sample = dataset[0]["data_samples"]
        return "gt_sem_seg" in (sample[0] if isinstance(sample, list) else sample)
    for inner in innermost_datasets(cfg, ("test_dataloader",)):
        inner.pipeline = _without_labels(inner.get("pipeline") or [])
    if "tta_pipeline" in cfg:
        cfg.tta_pipeline = _without_labels(cfg.tta_pipeline)
    return False


def _without_labels(steps: Sequence[Any]) -> list[Any]:
    """The steps of a pipeline but for those that load labels, nested ones too."""
    kept = []
    for step in steps:
        if isinstance(step, list):
            kept.append(_without_labels(step))
        elif not str(step.get("type", "")).endswith("LoadAnnotations"):
            if "transforms" in step:
                step["transforms"] = _without_labels(step["transforms"])
            kept.append(step)
    return [step for step in kept if step != []]


def use_amp(cfg: Config) -> None:
    """Train in half precision, with a loss scale that adapts itself."""
    if not torch.cuda.is_available():
        raise ValueError("--amp needs a GPU: mmengine's AmpOptimWrapper refuses the CPU.")
    cfg.optim_wrapper.type = "AmpOptimWrapper"
    cfg.optim_wrapper.loss_scale = "dynamic"


def start_processes(cfg: Config, launcher: str) -> None:
    """Make a run of several processes work on CPUs too.

    mmengine's own start selects a GPU and wraps the model for one. Without a GPU the processes
    talk through gloo, and the model is wrapped without a device.
    """
    cfg.launcher = launcher
    if launcher == "none" or torch.cuda.is_available():
        return
    if launcher != "pytorch":
        raise ValueError(f"Without a GPU only --launcher pytorch (torchrun) works, got {launcher}.")
    if "LOCAL_RANK" not in os.environ:
        raise ValueError(
            "--launcher pytorch needs torchrun: torchrun --nproc_per_node=2 -m seglosses train ..."
        )
    torch.distributed.init_process_group(backend="gloo")
    cfg.env_cfg.dist_cfg = {"backend": "gloo"}
    cfg.model_wrapper_cfg = {
        "type": "MMDistributedDataParallel",
        "device_ids": None,
        "broadcast_buffers": False,
    }
