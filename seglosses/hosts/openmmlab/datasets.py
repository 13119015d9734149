"""Dataset class for folders in the TopoMortar layout, real or generated.

It derives from mmengine's dataset alone and fills in the keys that mmseg's transforms read, so
importing it loads neither mmseg nor mmcv.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypedDict

from mmengine.dataset import BaseDataset
from typing_extensions import Unpack

from seglosses.datasets.topomortar import list_samples
from seglosses.registry import DATASETS

_BRICK, _MORTAR = 0, 1


class DatasetOptions(TypedDict, total=False):
    """Options of every dataset of mmengine."""

    ann_file: str
    metainfo: Mapping[str, Any]
    data_prefix: dict[str, str]
    filter_cfg: dict[str, Any]
    indices: int | Sequence[int]
    serialize_data: bool
    pipeline: Sequence[dict[str, Any] | Callable[..., Any]]
    test_mode: bool
    lazy_init: bool
    max_refetch: int


@DATASETS.register_module()
class TopoMortarDataset(BaseDataset):
    """Brick walls and their mortar: TopoMortar, or generated bricks in the same layout.

    Label files hold 0 (brick) and 255 (mortar). They are mapped to the classes 0 and 1 while they
    are read, through the ``label_map`` that ``LoadAnnotations`` honours; a file's 255 therefore
    never meets a loss, where 255 means "ignore". Use no ``reduce_zero_label``.

    Args:
        data_root: Folder that holds ``train``, ``val`` and ``test``.
        split: ``'train'``, ``'val'`` or ``'test'``.
        labels: ``'accurate'``, ``'noisy'`` or ``'pseudo'``; the test set has accurate ones only.
        train_size: ``'large'`` (all training images) or ``'small'`` (``train_small.txt``).
        groups: Test groups to keep, such as ``('indistr',)``; ``None`` keeps all.
        options: What mmengine's ``BaseDataset`` takes: ``pipeline``, ``indices``, ``test_mode``…

    Raises:
        ValueError: The folder, split, kind of labels or group does not exist.

    References:
        Valverde et al., TopoMortar: A Dataset to Evaluate Image Segmentation Methods Focused on
        Topology Accuracy, arXiv:2503.03365.
    """

    METAINFO: ClassVar[dict[str, Any]] = {
        "classes": ("brick", "mortar"),
        "palette": [[150, 75, 60], [225, 220, 210]],
    }

    def __init__(
        self,
        data_root: str,
        split: str,
        labels: str = "accurate",
        train_size: str = "large",
        groups: Sequence[str] | None = None,
        **options: Unpack[DatasetOptions],
    ) -> None:
        self.split = split
        self.labels = labels
        self.train_size = train_size
        self.groups = groups
        super().__init__(data_root=data_root, **options)

    def load_data_list(self) -> list[dict[str, Any]]:
        """List the samples with the keys that mmseg's transforms read."""
        samples = list_samples(
            self.data_root,
            self.split,
            labels=self.labels,
            train_size=self.train_size,
            groups=self.groups,
        )
        return [
            {
                "img_path": str(sample.image),
                "seg_map_path": str(sample.label),
                "label_map": {0: _BRICK, 255: _MORTAR},
                "reduce_zero_label": False,
                "seg_fields": [],
                "group": sample.group,
            }
            for sample in samples
        ]
