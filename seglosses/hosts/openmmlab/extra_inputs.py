"""A segmentor that passes losses more than logits and labels, set up in the config.

    model = dict(
        type='seglosses.ExtraInputsSegmentor',
        teacher=dict(config='teacher.py', checkpoint='teacher.pth'),
        ...  # the rest as for EncoderDecoder
    )

Importing this file loads neither mmseg nor mmcv; building the segmentor does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Literal

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import load_checkpoint
from mmengine.structures import PixelData
from torch import Tensor

from seglosses.extra_inputs import KNOWN, extra_inputs
from seglosses.hosts.openmmlab.checkpoints import explained, weights_only
from seglosses.losses.label_maps import collated, known_label_maps
from seglosses.primitives.distance import Spacing, signed_label_distances
from seglosses.registry import MODELS, TRANSFORMS


class ExtraInputs:
    """Mixed into a segmentor: states extra inputs around the losses of its heads.

    The image always; the logits of ``teacher``; the features of one stage, of the teacher too;
    what the logits are attributed to; the logits of a second branch; and every ``extra_<name>``
    that the data samples carry. The teacher is no submodule:
    checkpoints have the keys of the plain segmentor and fit it, no optimizer sees the teacher,
    and it stays in evaluation mode.
    """

    def __init__(
        self,
        *parts: object,
        teacher: Mapping[str, Any] | None = None,
        feature_index: int | None = None,
        attribute_to: Literal["image"] | int | None = None,
        second_branch: bool = False,
        **segmentor: object,
    ) -> None:
        super().__init__(*parts, **segmentor)
        # in a list, so that torch does not register it
        self._teacher = [] if teacher is None else [_frozen(teacher)]
        self._feature_index = feature_index
        self._attribute_to = attribute_to
        self._second_branch = second_branch
        self._open: ExitStack | None = None
        if isinstance(attribute_to, str) and attribute_to != "image":
            raise ValueError(
                f"attribute_to must be 'image' or the number of a stage, got {attribute_to!r}"
            )
        if second_branch and not getattr(self, "with_auxiliary_head", False):
            raise ValueError(
                "second_branch=True takes the logits of the auxiliary head, and this model has"
                " none: add auxiliary_head=dict(...)"
            )
        self._taught: list[Tensor] = []
        for frozen in self._teacher:
            _same_normalization(self, frozen)
            if feature_index is not None:
                self._watch(frozen, feature_index)

    def _watch(self, teacher: Any, stage: int) -> None:
        """Keep the features of a stage when the teacher is asked for its logits."""
        extract = teacher.extract_feat

        def watched(inputs: Tensor) -> Any:
            found = extract(inputs)
            self._taught.append(found[stage])
            return found

        teacher.extract_feat = watched

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """Losses of all heads, with extra inputs."""
        if self._attribute_to == "image":
            inputs = inputs.detach().requires_grad_()
        with ExitStack() as stack:
            stack.enter_context(extra_inputs(**self.stated(inputs, data_samples)))
            known = [sample.get("label_maps", {}) for sample in data_samples]
            stack.enter_context(known_label_maps(collated(known)))
            self._open = stack
            try:
                losses: dict[str, Tensor] = super().loss(inputs, data_samples)  # type: ignore[misc]
            finally:
                self._open = None
        return losses

    def stated(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """What is stated before the network runs; override it to state more."""
        extras = {"image": inputs}
        if self._attribute_to == "image":
            extras["attribute_to"] = inputs
        for name in KNOWN:
            key = f"extra_{name}"
            if data_samples and key in data_samples[0]:
                maps = [sample.get(key).data for sample in data_samples]
                extras[name] = torch.stack(maps).to(inputs.device)
        for teacher in self._teacher:
            teacher.to(inputs.device)
            metas = [sample.metainfo for sample in data_samples]
            with torch.no_grad():
                extras["teacher"] = teacher.encode_decode(inputs, metas)
            if self._taught:
                extras["teacher_features"] = self._taught.pop()
                self._taught.clear()
        return extras

    def extract_feat(self, inputs: Tensor) -> Any:
        """Features of the network, which losses may see too."""
        features = super().extract_feat(inputs)  # type: ignore[misc]
        if self._open is not None:
            more = {}
            if self._feature_index is not None:
                more["features"] = features[self._feature_index]
            if isinstance(self._attribute_to, int):
                more["attribute_to"] = features[self._attribute_to]
            if self._second_branch:
                more["second_logits"] = self.auxiliary_head(features)  # type: ignore[attr-defined]
            self._open.enter_context(extra_inputs(**more))
        return features


def _segmentors() -> Registry:
    """The registry of mmseg's models (under the name of either distribution)."""
    from mmseg.registry import MODELS as SEGMENTORS

    return SEGMENTORS


def _frozen(teacher: Mapping[str, Any]) -> Any:
    if set(teacher) - {"config", "model", "checkpoint", "trust"} or "checkpoint" not in teacher:
        raise ValueError(
            "teacher must be dict(config=<config file> or model=dict(...), checkpoint=<file>), and"
            " trust=True where the file may hold more than weights; got"
            f" {dict(teacher)}"
        )
    config = teacher.get("model")
    if config is None:
        if "config" not in teacher:
            raise ValueError(f"teacher needs config=<config file> or model=dict(...): {teacher}")
        config = Config.fromfile(teacher["config"]).model
    network = _segmentors().build(config)
    path, trust = teacher["checkpoint"], bool(teacher.get("trust", False))
    remedy = "say teacher=dict(..., trust=True), or train with --trust-checkpoint"
    with weights_only(trust=trust), explained(path, remedy):
        load_checkpoint(network, path, map_location="cpu", strict=True)
    return network.eval().requires_grad_(False)


def _same_normalization(student: Any, teacher: Any) -> None:
    """The teacher sees what the student's preprocessor made: it must have been trained on that."""
    for name in ("mean", "std"):
        ours, theirs = (getattr(m.data_preprocessor, name, None) for m in (student, teacher))
        same = (ours is None) == (theirs is None)
        if same and ours is not None and theirs is not None:
            same = ours.shape == theirs.shape and bool(torch.isclose(ours, theirs).all())
        if not same:
            raise ValueError(
                f"teacher and student must normalise images alike, but their data_preprocessor's"
                f" {name} differs ({theirs} and {ours}): train the student with the teacher's"
            )


_classes: dict[type, type] = {}


@MODELS.register_module()
def ExtraInputsSegmentor(segmentor: str = "EncoderDecoder", **parts: object) -> Any:
    """Build a segmentor of mmseg that states extra inputs for its losses.

    Args:
        segmentor: Its class, as in a config's ``type``.
        parts: ``teacher=dict(config=..., checkpoint=...)`` (or ``model=dict(...)`` instead of a
            config file; ``trust=True`` where reading the checkpoint may run programs, see
            :mod:`seglosses.hosts.openmmlab.checkpoints`), ``feature_index`` (stage whose features
            are stated), ``attribute_to`` ('image', or a stage to which losses attribute the
            logits), ``second_branch`` (the auxiliary head's logits are stated), and the arguments
            of the segmentor.

    Raises:
        ValueError: The class is not known; ``attribute_to`` is another word; the teacher's
            description is incomplete; the networks normalise images differently.
    """
    # registers mmseg's models when nothing else has
    import mmseg.models  # noqa: F401

    base = _segmentors().get(segmentor)
    if base is None:
        raise ValueError(f"segmentor={segmentor!r} is not in mmseg's registry of models")
    if base not in _classes:
        _classes[base] = type(f"ExtraInputs{base.__name__}", (ExtraInputs, base), {})
    return _classes[base](**parts)


@TRANSFORMS.register_module()
class AddSignedDistance:
    """Compute signed distance maps of the label, in the data loader's workers.

    For :class:`~seglosses.losses.boundary.weighted.KervadecBoundaryLoss` under
    ``seglosses.ExtraInputsSegmentor``. Place it after ``PackSegInputs``, so after every crop and
    flip.

    Args:
        num_classes: Number of classes.
        spacing: Edge lengths of a pixel.
    """

    def __init__(self, num_classes: int, spacing: Spacing = None) -> None:
        self.num_classes = num_classes
        self.spacing = spacing

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``extra_signed_distance`` to the data sample."""
        sample = results["data_samples"]
        labels = np.asarray(sample.gt_sem_seg.data.squeeze(0))
        maps = signed_label_distances(labels, self.num_classes, self.spacing)
        sample.set_field(
            PixelData(data=torch.from_numpy(maps)), "extra_signed_distance", dtype=PixelData
        )
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_classes={self.num_classes}, spacing={self.spacing})"


@TRANSFORMS.register_module()
class AddLabelled:
    """State which classes the annotators of a data set labelled, in its pipeline.

    For the losses of partly labelled images under ``seglosses.ExtraInputsSegmentor``. Data sets
    that label different organs have a pipeline each, with this step after ``PackSegInputs``.

    Args:
        classes: Indices of the classes that were labelled; 0, the background, always is.
        num_classes: Number of classes of the network.
    """

    def __init__(self, classes: Sequence[int], num_classes: int) -> None:
        if not all(0 <= label < num_classes for label in classes):
            raise ValueError(f"classes must lie in [0, {num_classes}), got {list(classes)}")
        self.classes = list(classes)
        self.num_classes = num_classes

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``extra_labelled`` to the data sample."""
        labelled = torch.zeros(self.num_classes, 1, 1, device="cpu")
        labelled[[0, *self.classes]] = 1
        # of its own shape, where a field of the sample must have that of the label
        results["data_samples"].set_field(
            PixelData(data=labelled), "extra_labelled", dtype=PixelData
        )
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(classes={self.classes}, num_classes={self.num_classes})"


__all__ = ["AddLabelled", "AddSignedDistance", "ExtraInputs", "ExtraInputsSegmentor"]
