"""OpenMMLab registries of this package, with scope ``seglosses``.

A config that says ``type='seglosses.X'`` makes mmengine import this file by itself and then, on the
first look-up, the module named in ``locations``: no ``custom_imports`` is needed. An ImportError
raised here would be swallowed by mmengine and reported as "not in the registry", so this file
imports nothing optional; errors in ``seglosses.hosts.openmmlab`` do reach the user.

Nothing is registered into the registries of mmseg, mmdet or mmengine itself: a bare name such as
``DiceLoss`` keeps meaning the class of whoever owns the config's scope.
"""

from __future__ import annotations

from mmengine.registry import DATASETS as _DATASETS
from mmengine.registry import HOOKS as _HOOKS
from mmengine.registry import METRICS as _METRICS
from mmengine.registry import MODELS as _MODELS
from mmengine.registry import TASK_UTILS as _TASK_UTILS
from mmengine.registry import TRANSFORMS as _TRANSFORMS
from mmengine.registry import Registry

_SCOPE = "seglosses"
_LOCATIONS = ["seglosses.hosts.openmmlab"]

MODELS = Registry("model", parent=_MODELS, scope=_SCOPE, locations=_LOCATIONS)
METRICS = Registry("metric", parent=_METRICS, scope=_SCOPE, locations=_LOCATIONS)
HOOKS = Registry("hook", parent=_HOOKS, scope=_SCOPE, locations=_LOCATIONS)
DATASETS = Registry("dataset", parent=_DATASETS, scope=_SCOPE, locations=_LOCATIONS)
TRANSFORMS = Registry("transform", parent=_TRANSFORMS, scope=_SCOPE, locations=_LOCATIONS)
TASK_UTILS = Registry("task util", parent=_TASK_UTILS, scope=_SCOPE, locations=_LOCATIONS)
