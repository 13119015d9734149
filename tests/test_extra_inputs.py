from __future__ import annotations

from pathlib import Path

import pytest
import torch

from seglosses import losses
from seglosses.extra_inputs import (
    KNOWN,
    extra_input,
    extra_inputs,
    extra_map,
    require_extra_input,
)
from seglosses.losses.base import Loss


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
    with (
        pytest.raises(ValueError, match="teacher_features, image"),
        extra_inputs(techer=torch.ones(1)),
    ):
        pass


def test_missing_inputs_say_how_to_give_them() -> None:
    with pytest.raises(ValueError, match=r"MyLoss needs a teacher's logits .*teacher=\.\.\."):
        require_extra_input("teacher", "MyLoss")
    for name, remedy in {
        "image": "segmentor 'seglosses.ExtraInputsSegmentor', which states it",
        "features": "feature_index=",
        "attributions": "attribute_to='image'",
        "signed_distance": "seglosses.AddSignedDistance",
        "projection": "extra_projection",
        "second_logits": "second_branch=True",
        "labelled": "seglosses.AddLabelled",
        "teacher_features": "feature_index=<stage>",
        "source": "extra_source",
    }.items():
        with pytest.raises(ValueError, match=remedy):
            require_extra_input(name, "MyLoss")


def test_the_page_lists_who_takes_what() -> None:
    page = Path(__file__).parents[1] / "docs" / "extra_inputs.md"
    rows = {
        line.split("`")[1]: line for line in page.read_text().splitlines() if line.startswith("| `")
    }
    assert set(rows) == set(KNOWN)
    members = [getattr(losses, name) for name in losses.__all__]
    for cls in members:
        for name in cls.needs if isinstance(cls, type) and issubclass(cls, Loss) else ():
            assert f"`{cls.__name__}`" in rows[name]


def test_maps_are_resampled_to_the_logits() -> None:
    teacher = torch.tensor([[[[0.0, 1.0]]]]).half()
    with extra_inputs(teacher=teacher):
        found = extra_map("teacher", "MyLoss", 1, (1, 4), channels=1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([0.0, 0.25, 0.75, 1.0]))


@pytest.mark.parametrize("shape", [(2, 1, 4, 4), (1, 3, 4, 4), (1, 1, 4)])
def test_maps_of_another_batch_are_refused(shape: tuple[int, ...]) -> None:
    with (
        extra_inputs(teacher=torch.zeros(shape)),
        pytest.raises(ValueError, match="another resolution"),
    ):
        extra_map("teacher", "MyLoss", 1, (4, 4), channels=1)
