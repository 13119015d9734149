"""Turn the text of a TYPE into a loss that the laws can call."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seglosses.audit.adapters import ADAPTERS, Adapter
from seglosses.laws import LawBrokenError, Subject
from seglosses.laws.inputs import indicators
from seglosses.laws.kinds import box_kind, means_classes
from seglosses.laws.stand_ins import UNDEFINED, StandIn
from seglosses.laws.subject import shown

OVERLAP = re.compile(r"dice|jaccard|tversky|lovasz|iou", re.IGNORECASE)
_SHAPE = re.compile(r"ha?us|boundary|topo|betti|skelet|cldice|surface", re.IGNORECASE)
_IGNORED = {"ignore_index", "ignore", "ignore_label"}


class Spec(NamedTuple):
    """A TYPE, read."""

    path: str
    arguments: dict[str, object]


def read(text: str) -> Spec:
    """A TYPE to its dotted path and literal arguments.

    Raises:
        ValueError: for anything but a path, or a call of one with literal keyword arguments.

    Example:
        >>> read("monai.TverskyLoss(alpha=0.9)")
        Spec(path='monai.TverskyLoss', arguments={'alpha': 0.9})
    """
    try:
        node: ast.expr = ast.parse(text, mode="eval").body
        arguments: dict[str, object] = {}
        if isinstance(node, ast.Call):
            if node.args or any(keyword.arg is None for keyword in node.keywords):
                raise SyntaxError
            arguments = {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
            node = node.func
        path = ast.unparse(node)
    except (SyntaxError, ValueError):
        path = ""
    if not re.fullmatch(r"\w+(\.\w+)*", path):
        raise ValueError(
            f"expected a name or dotted path, with literal keyword arguments if any, such as"
            f" mmseg.DiceLoss(use_sigmoid=False), got {text!r}"
        )
    return Spec(path, arguments)


def import_alone(name: str) -> ModuleType:
    """Import a module; a direct part of a package also where the package lacks a dependency.

    segmentation-models-pytorch imports its encoders, and with them timm, before its losses, which
    need torch only.

    Raises:
        ImportError: the reason why the package cannot be imported, when the part cannot either.

    Example:
        >>> import_alone("seglosses.losses").__name__
        'seglosses.losses'
    """
    package, _, part = name.partition(".")
    try:
        return _import_whole(name, package)
    except ImportError as error:
        spec = importlib.util.find_spec(package)
        if not part or "." in part or spec is None or not spec.submodule_search_locations:
            raise
        shell = ModuleType(package)
        shell.__path__ = list(spec.submodule_search_locations)
        sys.modules[package] = shell
        try:
            return importlib.import_module(name)
        except ImportError:
            raise error from None
        finally:
            del sys.modules[package]  # so that the package itself still says what it lacks


def _import_whole(name: str, package: str) -> ModuleType:
    """Import a module, and forget parts of a package that failed: they would pass as whole."""
    known = set(sys.modules)
    try:
        return importlib.import_module(name)
    except ImportError:
        if package not in sys.modules:
            for new in set(sys.modules) - known:
                if new.startswith(f"{package}."):
                    del sys.modules[new]
        raise


def _look_here_too() -> None:
    """Find modules of the working folder, after all others: an installed command would not."""
    if not {"", os.getcwd()} & set(sys.path):
        sys.path.append(os.getcwd())


def find(path: str) -> tuple[Any, Adapter]:
    """The class or function at a path, also of the working folder, and how it wants its input.

    Raises:
        ValueError: when nothing is there.

    Example:
        >>> found, adapter = find("DiceLoss")
        >>> found.__name__, adapter.package
        ('DiceLoss', 'seglosses.losses')
    """
    first, _, rest = path.partition(".")
    adapter = ADAPTERS.get(path) or ADAPTERS.get(first if rest else "seglosses", Adapter())
    names = [path]
    if adapter.package:
        names.insert(0, f"{adapter.package}.{rest or first}")
    else:
        _look_here_too()
    problems = []
    for name in names:
        module, _, member = name.rpartition(".")
        try:
            return getattr(import_alone(module), member), adapter
        except (ImportError, AttributeError, RuntimeError, SyntaxError, ValueError) as error:
            problems.append(f"{name} ({str(error).splitlines()[0]})")
    raise ValueError(f"cannot import {' or '.join(problems)}")


def subjects(text: str) -> Iterator[tuple[str, Subject]]:
    """The settings in which a TYPE is examined: boxes, or several classes and one channel.

    What a loss of ours needs beyond logits and labels is made from the labels.

    Example:
        >>> [setting for setting, _ in subjects("DiceLoss")]
        ['3 classes', '1 channel']
        >>> [setting for setting, _ in subjects("CIoULoss")]
        ['boxes']
    """
    spec = read(text)
    found, adapter = find(spec.path)
    name = spec.path.rpartition(".")[2]
    ours = adapter.package == ADAPTERS["seglosses"].package
    boxes = box_kind(found)
    if boxes or re.search(r"IoULoss$|box_iou|BoxLoss", name):
        call, _ = _built(found, spec, {}, {})
        yield "boxes", Subject(text, boxes or "box", call, weighted=ours)
        return
    whole = Subject(text, "segmentation", lambda pred, target: pred.sum())
    whole = replace(
        whole,
        dims=getattr(found, "spatial_dims", adapter.dims) if ours else adapter.dims,
        side=48 if _SHAPE.search(name) else 272,
        overlap=bool(OVERLAP.search(name)),
        classwise=means_classes(found),
        soft=adapter.soft,
        weighted=ours,
    )
    prepare = find(adapter.prepare)[0] if adapter.prepare else None
    for channels, make in ((3, adapter.make), (1, adapter.make_one)):
        setting = "3 classes" if channels > 1 else "1 channel"
        if make is None or (ours and setting in UNDEFINED.get(name, ())):
            continue
        call, ignores = _built(found, spec, make, adapter.call)
        subject = replace(whole, channels=channels, ignore_index=255 if ignores else None)
        stand_in = StandIn(call.func)
        if ours and stand_in.is_needed:
            call = functools.partial(stand_in, **call.keywords)
            subject = stand_in.limited(subject)
        call = functools.partial(_adapted, call, adapter, channels, prepare=prepare)
        yield setting, replace(subject, call=call)


def written(text: str, setting: str) -> str:
    """The call that is examined, as its package's users write it.

    Example:
        >>> written("DiceLoss", "1 channel"), written("CIoULoss", "boxes")
        ('DiceLoss(use_sigmoid=True)(pred, target)', 'CIoULoss()(pred, target)')
    """
    spec = read(text)
    found, adapter = find(spec.path)
    make = (
        {} if setting == "boxes" else adapter.make_one if setting == "1 channel" else adapter.make
    )
    arguments = {k: v for k, v in (make or {}).items() if takes(found, k)} | spec.arguments
    words = [f"{name}={value!r}" for name, value in arguments.items()]
    one = setting == "1 channel"
    pred = ("pred.sigmoid()" if one else "pred.softmax(1)") if adapter.activated else "pred"
    target = "one_hot(target)" if adapter.one_hot else "target"
    if adapter.prepare:
        target = f"{adapter.prepare.rpartition('.')[2]}(one_hot(target))"
    if adapter.channel_axis[one] and setting != "boxes":
        target = f"{target}[:, None]"
    if adapter.rows:
        pred, target = "rows of pred", "rows of target"
    if adapter.volumes:
        pred, target = f"{pred}[:, :, None]", f"{target}[:, None]"
    if not inspect.isclass(found):
        return f"{found.__name__}({', '.join([pred, target, *words])})"
    given = {k: v for k, v in adapter.call.items() if takes(getattr(found, "forward", found), k)}
    more = [f"{name}={value!r}" for name, value in given.items()]
    return f"{found.__name__}({', '.join(words)})({', '.join([pred, target, *more])})"


def _adapted(
    call: Callable[..., Any],
    adapter: Adapter,
    channels: int,
    pred: Tensor,
    target: Tensor,
    prepare: Callable[..., Any] | None = None,
    **more: Tensor,
) -> Tensor:
    """The first of what the loss returns for its input in the layout that it wants."""
    if adapter.activated:
        pred = pred.sigmoid() if channels == 1 else pred.softmax(1)
    if adapter.one_hot and not target.is_floating_point():
        target = indicators(target, pred.shape[1]).to(pred.dtype)
    if prepare is not None:
        hot = indicators(target, pred.shape[1]).to(target.dtype)
        maps = [torch.as_tensor(prepare(image.numpy())) for image in hot]
        target = torch.stack(maps).float() if maps else hot.float()
    if adapter.volumes:
        pred, target = pred.unsqueeze(2), target.unsqueeze(-3)
    if adapter.rows:
        pred, target = pred.flatten(2).transpose(1, 2).flatten(0, 1), target.flatten()
    if adapter.channel_axis[channels == 1] and not target.is_floating_point():
        target = target.unsqueeze(1)
    value = call(pred, target, **more)
    if value is None and adapter.skipped:
        return pred.sum() * 0
    first: Tensor = value[0] if isinstance(value, tuple) else value
    if not isinstance(first, Tensor):
        raise LawBrokenError(f"expected a scalar, got {first!r:.40} for {shown(pred, target)}")
    return first


def bare_loss(subject: Subject) -> Any:
    """The loss itself within a segmentation subject: a module, or a function.

    Example:
        >>> bare_loss(next(subjects("DiceLoss"))[1]).loss_name
        'loss_dice'
    """
    adapted: Any = subject.call
    loss = adapted.args[0].func
    return loss.loss if isinstance(loss, StandIn) else loss


def _built(
    found: Any, spec: Spec, make: Mapping[str, object], call: Mapping[str, object]
) -> tuple[functools.partial[Tensor], bool]:
    """Something to call with prediction and target, and whether it was told what to ignore."""
    arguments = {k: v for k, v in make.items() if takes(found, k)} | spec.arguments
    builder: Callable[..., Any] = found
    if not inspect.isclass(found):
        return functools.partial(builder, **arguments), bool(_IGNORED & set(arguments))
    loss = builder(**arguments)
    if isinstance(loss, nn.Module):
        loss.eval()  # a running mean would make every call another loss
    forward = getattr(loss, "forward", loss)
    given = {k: v for k, v in call.items() if takes(forward, k)}
    told = _IGNORED & (set(arguments) | set(given))
    ignores = bool(told) or getattr(loss, "ignore_index", None) == 255
    return functools.partial(loss, **given), ignores


def takes(function: Any, name: str) -> bool:
    """Whether a class or function has an argument of that name.

    Functions that swallow any keyword do; of classes only what is named counts.

    Example:
        >>> takes(read, "text"), takes(read, "alpha"), takes(lambda **extra: 0, "alpha")
        (True, False, True)
    """
    parameters = inspect.signature(function).parameters
    loose = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return name in parameters or (loose and not inspect.isclass(function))
