"""Options in sight: signatures, docstrings, ``repr`` and errors say all that a loss takes."""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
from typing import Any

import pytest
import torch

from seglosses import losses
from seglosses.catalogue import loss_classes
from seglosses.losses.base import BoxLoss, Loss, PixelLoss, SegmentationLoss
from seglosses.losses.declared import UnknownOptionError
from seglosses.losses.foreign import MEANING
from seglosses.losses.rows import RowLoss
from tests.reference.odd_options import odd_options
from tests.reference.pairs import PAIRS

NAMES = sorted(loss_classes())
#: They refuse weights of classes.
UNWEIGHED = (
    "GeneralizedDiceLoss",
    "ActiveBoundaryLoss",
    "CentreContrastLoss",
    "FeatureAffinityDistillationLoss",
    "NormDirectionDistillationLoss",
    "MixtureContrastLoss",
    "PixelContrastLoss",
    "CrossImageDistillationLoss",
    "DISTLoss",
    "PixelAffinityDistillationLoss",
)
EVERY = {"reduction", "loss_weight", "loss_name"}
SEGMENTATION = EVERY | {"use_sigmoid", "ignore_index", "class_weight"}
OPTIONS = [(name, option) for name in NAMES for option in loss_classes()[name]().options()]


def odd(name: str) -> dict[str, Any]:
    """Other values than the defaults of as many options as there are."""
    cls = loss_classes()[name]
    options = odd_options(name) if name in PAIRS else {}
    options |= {"reduction": "sum", "loss_name": "loss_other"}
    options |= {"loss_weight": {"value": 0.5, "start": 0.25, "warmup": 0.5, "initial": 0.125}}
    if issubclass(cls, SegmentationLoss):
        options |= {"ignore_index": 7, "use_sigmoid": True}
        if name not in UNWEIGHED:
            options["class_weight"] = torch.tensor([0.1, 0.7, 3.0])
    if issubclass(cls, PixelLoss):
        options["avg_non_ignore"] = False
    if issubclass(cls, losses.QualityFocalLoss.__base__):
        options["activated"] = True
    if "average" in inspect.signature(cls).parameters:
        options["average"] = "dataset" if cls().average == "image" else "image"
    if "classes" in inspect.signature(cls).parameters and name != "UnifiedFocalLoss":
        options["classes"] = [2, 1]
    return options


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("choose", [lambda name: {}, odd], ids=["defaults", "odd"])
def test_repr_gives_an_equal_loss(name: str, choose: Any) -> None:
    given = choose(name)
    loss = loss_classes()[name](**given)
    again = eval(repr(loss), {name: loss_classes()[name]})
    assert type(again) is type(loss)
    assert repr(again) == repr(loss)
    assert again.options() == loss.options()
    state, other = vars(loss), vars(again)
    assert {k: v for k, v in state.items() if k[0] != "_"} == {
        k: v for k, v in other.items() if k[0] != "_"
    }
    for before, after in zip(loss.buffers(), again.buffers(), strict=True):
        torch.testing.assert_close(after, before)
    missing = [option for option in given if f"{option}=" not in repr(loss)]
    assert not missing


@pytest.mark.parametrize("name", NAMES)
def test_repr_shows_what_was_given(name: str) -> None:
    given = odd(name)
    shown = loss_classes()[name](**given).options()
    for option, value in given.items():
        # held as class weights are, in float32
        value = torch.tensor(value) if option == "prior" else value
        wanted = value.tolist() if isinstance(value, torch.Tensor) else value
        seen = shown[option]
        assert seen == wanted or list(seen) == list(wanted), option


@pytest.mark.parametrize("name", NAMES)
def test_signature_has_shared_options_and_true_defaults(name: str) -> None:
    cls = loss_classes()[name]
    parameters = inspect.signature(cls).parameters
    assert not any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    expected = SEGMENTATION if issubclass(cls, SegmentationLoss) else EVERY
    assert expected <= set(parameters)
    assert {n: each.default for n, each in parameters.items()} == cls().options()


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_every_option_with_its_default_and_meaning(name: str) -> None:
    cls = loss_classes()[name]
    shown = pydoc.render_doc(cls, renderer=pydoc.plaintext)
    for option, parameter in inspect.signature(cls).parameters.items():
        entry = f"{option} (default {parameter.default!r}): "
        assert entry in cls.__doc__
        assert entry in shown
        text = cls.__doc__.partition(entry)[2].split("\n")[0]
        assert len(text) > 5, f"{name}.{option} is not explained"
        assert not text.startswith(("See ", "As in")), f"{name}.{option} is explained elsewhere"
    assert "options: See" not in cls.__doc__
    assert cls.__doc__.count("Args:") == 1


def test_bases_of_others_losses_document_them_too() -> None:
    class OurLoss(losses.DiceLoss):
        """Ours.

        Args:
            sharpness: How sharp.
            options: See :class:`DiceLoss`; this one is ours.
        """

        def __init__(self, sharpness: float = 2.0, **options: Any) -> None:
            super().__init__(**options)
            self.sharpness = sharpness

    assert "sharpness (default 2.0): How sharp." in OurLoss.__doc__
    assert "smooth (default 1.0): Added above" in OurLoss.__doc__
    assert "Shared options: this one is ours." in OurLoss.__doc__
    assert repr(OurLoss(smooth=0.5)).startswith("OurLoss(sharpness=2.0, smooth=0.5, ")
    assert OurLoss(smooth=0.5).loss_name == "loss_our"


def test_a_class_that_says_nothing_of_its_options_gets_them_all() -> None:
    class LooseLoss(losses.DiceLoss):
        def __init__(self, **anything: Any) -> None:
            self.extra = anything.pop("extra", 1)
            super().__init__(**anything)

    assert LooseLoss(extra=3, smooth=2.0).smooth == 2.0
    with pytest.raises(TypeError):
        LooseLoss(extras=3)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_names_class_neighbour_and_remedy(name: str) -> None:
    with pytest.raises(UnknownOptionError) as caught:
        loss_classes()[name](los_weight=1.0)
    message = str(caught.value)
    assert message.startswith(f"{name} does not take 'los_weight' (did you mean 'loss_weight'?)")
    assert "_delete_=True" in message
    for option, parameter in inspect.signature(loss_classes()[name]).parameters.items():
        assert f"{option}={parameter.default!r}" in message


def test_an_unknown_option_is_both_kinds_of_error() -> None:
    for kind in (TypeError, ValueError):
        with pytest.raises(kind, match="did you mean 'smooth'"):
            losses.DiceLoss(smoth=1)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("naive_dice", "MMSegmentation, MMDetection: .*intersection='norm2'"),
        ("to_onehot_y", "MONAI: .*leave it out"),
        ("include_background", "MONAI: .*classes='foreground'"),
        ("mode", "segmentation-models-pytorch: .*use_sigmoid=True"),
        ("weight", "torch, MONAI: write class_weight"),
        ("label_smoothing", "torch: use LabelSmoothingLoss"),
        ("num_classes", "counted from the logits"),
    ],
)
def test_options_of_other_libraries_are_translated(option: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        losses.DiceLoss(**{option: 1})


def test_translations_name_what_exists() -> None:
    known = {option for _, option in OPTIONS}
    for meaning in MEANING.values():
        for word in ("class_weight", "use_sigmoid", "average", "intersection", "smooth", "sync"):
            assert word not in meaning or word in known
        for loss in ("NormalizedFocalLoss", "LabelSmoothingLoss", "JaccardLoss", "DiceLoss"):
            assert loss not in meaning or loss in loss_classes()


def test_an_option_that_is_refused_with_a_reason_keeps_it() -> None:
    with pytest.raises(ValueError, match="compares pixels with their neighbours"):
        losses.ActiveBoundaryLoss(classes="all")


@pytest.mark.parametrize("name", ["DiceLoss", "BettiMatchingLoss", "GIoULoss", "WiseIoULoss"])
def test_losses_travel(name: str) -> None:
    loss = loss_classes()[name](loss_weight=0.25)
    for again in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert repr(again) == repr(loss)


def test_repr_follows_what_hooks_change() -> None:
    loss = losses.CIoULoss(loss_weight=2.0)
    loss.loss_weight = 0.5
    assert "loss_weight=0.5" in repr(loss)


def test_every_base_takes_what_its_losses_take() -> None:
    for name in NAMES:
        cls = loss_classes()[name]
        base = next(b for b in (RowLoss, SegmentationLoss, Loss) if issubclass(cls, b))
        shared = set(inspect.signature(base).parameters)
        assert shared <= set(inspect.signature(cls).parameters), name
    assert set(inspect.signature(BoxLoss).parameters) == EVERY
