"""Which losses a trainer adds up, from words."""

from __future__ import annotations

import pytest

from seglosses.hosts.nnunet.spec import Task, build_losses, read_entries, read_losses

LABELS = Task(heads=3, dims=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DiceLoss", [{"type": "DiceLoss"}]),
        (" nnUNet,2 * FocalLoss", [{"type": "nnUNet"}, {"type": "FocalLoss", "loss_weight": 2.0}]),
        ("1e-2*TopoLoss", [{"type": "TopoLoss", "loss_weight": 0.01}]),
        ('["nnUNet", {"type": "seglosses.DiceLoss", "smooth": 0}]',
         [{"type": "nnUNet"}, {"type": "DiceLoss", "smooth": 0}]),
    ],
)  # fmt: skip
def test_words_are_read(text, expected):
    assert read_losses(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("DiceLoss, ", r"cannot read '' in SEGLOSSES_LOSSES"),
        ("DiceLoss(smooth=0)", r"cannot read 'DiceLoss\(smooth=0\)'.*or a JSON list"),
        ("half*DiceLoss", r"cannot read 'half\*DiceLoss'"),
        ('[{"type": ', "no JSON"),
        ("[3]", r"expected losses as names or as dict.* got 3"),
    ],
)
def test_what_cannot_be_read_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        read_losses(text)


def test_a_trainer_without_losses_is_refused():
    with pytest.raises(ValueError, match="a trainer needs a loss"):
        read_entries(())


@pytest.mark.parametrize(
    ("entry", "task", "words"),
    [
        ({"type": "SoftClDice"}, LABELS, "there is no loss SoftClDice .* SoftClDiceLoss"),
        ({"type": "CIoULoss"}, LABELS, "there is no loss CIoULoss of segmentation"),
        ({"type": "nnUNet", "loss_weight": 2}, LABELS, "nnUNet takes no options"),
        ({"type": "TopographLoss"}, Task(2, 3, configuration="3d_fullres"),
         "compares 2D maps, and 3d_fullres has 3D patches"),
        ({"type": "KLDistillationLoss"}, LABELS, "needs teacher.* beside logits and labels"),
        ({"type": "DiceLoss", "use_sigmoid": True}, LABELS, "dataset.json makes it False"),
        ({"type": "DiceLoss", "ignore_index": 9}, Task(3, 2, ignore_label=3),
         "ignore_index=9, where dataset.json makes it 3"),
        ({"type": "DiceLoss", "smoothing": 1}, LABELS, "DiceLoss.*smooth"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_named(entry, task, words):
    with pytest.raises((ValueError, TypeError), match=words):
        build_losses([entry], task)


def test_the_task_sets_the_losses_up():
    entries = [{"type": "nnUNet"}, {"type": "DiceLoss"}, {"type": "SoftClDiceLoss"}]
    dice, cldice = build_losses(entries, Task(3, 2, ignore_label=3))
    assert (dice.ignore_index, cldice.ignore_index, dice.use_sigmoid) == (3, 3, False)
    dice, cldice = build_losses(entries, Task(2, 2, regions=True, ignore_label=4))
    assert (dice.ignore_index, cldice.ignore_index) == (None, None)
    assert dice.use_sigmoid
    assert cldice.use_sigmoid


def test_batch_dice_pools_counts_over_the_batch_and_the_processes():
    (dice,) = build_losses([{"type": "DiceLoss"}], Task(2, 2, batch_dice=True, ddp=True))
    assert (dice.average, dice.sync) == ("dataset", True)
    (said,) = build_losses([{"type": "DiceLoss", "average": "image"}], Task(2, 2, batch_dice=True))
    assert (said.average, said.sync) == ("image", False)
