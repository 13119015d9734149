from __future__ import annotations

import pytest
import torch

from seglosses.extra_inputs import KNOWN, extra_input, extra_inputs, require_extra_input


def test_blocks_nest_and_end() -> None:
    one, two = torch.ones(1), torch.zeros(1)
    with extra_inputs(image=one):
        with extra_inputs(teacher=two, image=None):
            assert extra_input("image") is None
            assert extra_input("teacher") is two
        assert extra_input("image") is one
        assert extra_input("teacher") is None
    assert all(extra_input(name) is None for name in KNOWN)


def test_state_ends_with_an_error() -> None:
    with pytest.raises(RuntimeError), extra_inputs(image=torch.ones(1)):
        raise RuntimeError
    assert extra_input("image") is None


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="teacher, image"), extra_inputs(techer=torch.ones(1)):
        pass


def test_missing_inputs_say_how_to_give_them() -> None:
    with pytest.raises(ValueError, match=r"MyLoss needs a teacher's logits .*teacher=\.\.\."):
        require_extra_input("teacher", "MyLoss")
