"""Lets a torchvision be imported whose compiled operators do not load, for what needs none of them.

The torchvision of the package registry is compiled for CUDA; beside a CPU build of torch it does
not even import, and nnU-Net imports it for networks that nobody trains here. ``tools/test.sh``
copies this file into the environment of nnU-Net where that is so, with a line in a ``.pth`` file.
"""

import importlib.abc
import sys

KEPT = []
"""Declarations live as long as the object that made them."""


class Finder(importlib.abc.MetaPathFinder):
    """Declares the operators when torchvision is about to be imported, and finds nothing."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            KEPT.append(torch.library.Library("torchvision", "DEF"))
            for operator in ("nms", "qnms"):
                KEPT[0].define(f"{operator}(Tensor dets, Tensor scores, float iou) -> Tensor")


sys.meta_path.insert(0, Finder())
