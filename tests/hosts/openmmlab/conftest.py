"""What tests with mmengine share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def mmengine_globals() -> Iterator[None]:
    """Whatever a test leaves behind in mmengine's global managers is taken back."""
    pytest.importorskip("mmengine")
    from mmengine.logging import MessageHub, MMLogger
    from mmengine.registry import DefaultScope
    from mmengine.visualization import Visualizer

    managers = (DefaultScope, MessageHub, MMLogger, Visualizer)
    before = [manager._instance_dict.copy() for manager in managers]
    yield
    for name, logger in MMLogger._instance_dict.items():
        if name not in before[2]:
            for handler in list(logger.handlers):
                handler.close()
                logger.removeHandler(handler)
    for manager, instances in zip(managers, before, strict=True):
        manager._instance_dict.clear()
        manager._instance_dict.update(instances)
