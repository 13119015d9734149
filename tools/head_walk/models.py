"""Models from the libraries' own configs, made small, with features in place of a backbone."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn
from torch.utils import _pytree

from seglosses.losses.base import BoxLoss, Loss

#: largest value of a key outside of backbones: what costs time and changes no call of a loss
SMALL = {
    "num_layers": 2,
    "num_queries": 60,
    "num_proposals": 60,
    "num_matching_queries": 60,
    "dense_topk": 60,
    "nms_pre": 200,
    "max_per_img": 100,
    "num_points": 1024,
    "num": 64,
    "fc_out_channels": 64,
    "stacked_convs": 2,
}
#: parts in whose place features stand
REPLACED = ("backbone", "image_encoder", "text_encoder")
#: where a number of layers is not that of a stack
FIXED = (
    "ResNet",
    "CondInstMaskHead",
    "BoxInstMaskHead",
    "CondInstBboxHead",
    "BoxInstBboxHead",
    "SCNetBBoxHead",
    "SideAdapterCLIPHead",
)


class Features(nn.Module):
    """In place of a backbone: maps of its shapes, drawn once.

    Args:
        outputs: Tensors in any nesting, on any device; their shapes count.
    """

    def __init__(self, outputs: Any) -> None:
        super().__init__()
        leaves, self.form = _pytree.tree_flatten(outputs)
        generator = torch.Generator().manual_seed(0)
        self.leaves = nn.ParameterList(
            nn.Parameter(torch.randn(leaf.shape, generator=generator)) for leaf in leaves
        )

    def forward(self, *given: Tensor) -> Any:
        """Copies, for heads work in place."""
        return _pytree.tree_unflatten([leaf.clone() for leaf in self.leaves], self.form)


def load(package: str, path: str, registry: Any) -> Any:
    """The model of a config of an installed library, small and without weights to download."""
    root = Path(str(importlib.import_module(package).__file__)).parent / ".mim" / "configs"
    model = Config.fromfile(str(root / path)).model
    shrink(model)
    fill_losses(model, registry)
    return model


def fill_losses(node: Any, registry: Any) -> None:
    """Write the losses that heads have by default into their config, in place."""
    if isinstance(node, dict):
        kind = registry.get(node["type"]) if isinstance(node.get("type"), str) else None
        own = kind.__init__ if isinstance(kind, type) else None
        for name, option in inspect.signature(own).parameters.items() if own else ():
            if name.startswith("loss") and isinstance(option.default, dict):
                node.setdefault(name, ConfigDict(option.default))
        for key, value in list(node.items()):
            if not str(key).startswith("loss") and key not in REPLACED:
                fill_losses(value, registry)
    elif isinstance(node, (list, tuple)):
        for value in node:
            fill_losses(value, registry)


def shrink(node: Any, small: bool = True) -> None:
    """Drop pretrained weights and what costs time, in place."""
    if isinstance(node, dict):
        small = small and node.get("type") not in FIXED
        for key, value in list(node.items()):
            if key in ("pretrained", "teacher_ckpt") or (
                key == "init_cfg" and isinstance(value, dict) and value.get("type") == "Pretrained"
            ):
                node[key] = None
            elif key == "use_torchvision":
                node[key] = False
            elif key == "type" and value in ("SyncBN", "MMSyncBN"):
                node[key] = "BN"
            elif small and key in SMALL and type(value) is int:
                node[key] = min(value, SMALL[key])
            else:
                shrink(value, small and key not in REPLACED)
    elif isinstance(node, (list, tuple)):
        for value in node:
            shrink(value, small)


def without_backbone(model: Any, registry: Any, images: Tensor) -> None:
    """Put :class:`Features` into the place of a config's backbone or encoders."""
    inputs = dict(backbone=(images,), image_encoder=(images[..., ::2, ::2],), text_encoder=())
    for part, given in inputs.items():
        if part not in model:
            continue
        try:
            with torch.device("meta"):
                outputs = run(registry.build(model[part]), [each.to("meta") for each in given])
        except Exception:  # some read numbers
            outputs = run(registry.build(model[part]), given)
        model[part] = dict(type=Features, outputs=outputs)


def run(part: nn.Module, given: Iterable[Tensor]) -> Any:
    """Outputs in training, without gradients."""
    part.train()
    with torch.no_grad():
        return part(*given)


class Result(NamedTuple):
    """What one step of training gave."""

    losses: dict[str, float]  #: by name
    unused: list[str]  #: losses of ours that the head never called
    corners: bool  #: every target of a box loss had its corners in order


def train_once(build: Callable[[], nn.Module], run: Callable[[nn.Module], Any]) -> Result:
    """One loss and one backward of a model that is built from scratch.

    Args:
        build: Makes the model; its parameters depend on the seed alone.
        run: From the model to its losses.

    Returns:
        A :class:`Result`.

    Raises:
        ArithmeticError: if a loss or a gradient is not finite.
    """
    torch.manual_seed(0)
    model = build()
    model.train()
    called: set[nn.Module] = set()
    corners: list[bool] = []

    def watch(module: nn.Module, args: Any) -> None:
        called.add(module)
        if isinstance(module, BoxLoss):
            low, high = args[1].detach().chunk(2, -1)
            corners.append(bool((low <= high).all()))

    ours = [module for module in model.modules() if isinstance(module, Loss)]
    for loss in ours:
        loss.register_forward_pre_hook(watch)
    torch.manual_seed(1)
    losses = {k: as_one(v) for k, v in run(model).items() if "loss" in k}
    whole = torch.stack(list(losses.values())).sum()
    whole.backward()
    slopes = [p.grad for p in model.parameters() if p.grad is not None]
    if not whole.isfinite() or not all(slope.isfinite().all() for slope in slopes):
        raise ArithmeticError("not finite")
    unused = [loss.loss_name for loss in ours if loss not in called]
    return Result({k: v.item() for k, v in losses.items()}, unused, all(corners))


def as_one(value: Any) -> Tensor:
    """A loss, or a list of them, as one number."""
    return value.sum() if isinstance(value, Tensor) else torch.stack([v.sum() for v in value]).sum()
