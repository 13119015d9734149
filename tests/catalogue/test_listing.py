from __future__ import annotations

import inspect
import json
import re

import pytest

from seglosses.catalogue import entries, loss_classes
from seglosses.catalogue.listing import described, hooks, metrics, mixins
from seglosses.cli import main
from seglosses.evaluate.measures import COLUMNS
from seglosses.losses.purposes import SYNONYMS, TAGS


def shown(capsys, *words):
    assert main(["list", *words]) == 0
    return capsys.readouterr().out


def found(capsys, *words):
    return {entry["name"] for entry in json.loads(shown(capsys, *words, "--format", "json"))}


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_loss_has_purposes_that_exist(entry):
    assert entry.tags
    assert set(entry.tags) <= set(TAGS)
    assert len(set(entry.tags)) == len(entry.tags)


def test_every_purpose_has_losses_and_words_mean_one_purpose():
    assert {tag for entry in entries() for tag in entry.tags} == set(TAGS)
    assert set(SYNONYMS.values()) <= set(TAGS)
    assert not set(SYNONYMS) & set(TAGS)


@pytest.mark.parametrize(
    ("word", "has", "lacks"),
    [
        ("vessel", {"SoftClDiceLoss", "SkeletonRecallLoss"}, {"ShapeIoULoss", "DiceLoss"}),
        (
            "thin",
            {"SoftClDiceLoss", "KervadecBoundaryLoss"},
            {"ShapeIoULoss", "LabelSmoothingLoss", "MarginSmoothingLoss"},
        ),
        ("general", {"CrossEntropyLoss", "DiceLoss"}, {"GeneralizedCrossEntropyLoss"}),
        ("contour", {"BoundaryDoULoss"}, {"DiceLoss"}),
        ("Roads", {"SoftClDiceLoss", "MalisLoss"}, {"FocalLoss"}),
        ("lesion", {"FocalTverskyLoss", "DiceLoss"}, {"SoftClDiceLoss"}),
        ("tumour", {"FocalTverskyLoss"}, {"SoftClDiceLoss"}),
        ("noisy", {"GeneralizedCrossEntropyLoss"}, {"DiceLoss"}),
        ("boxes", {"CIoULoss"}, {"BoxProjectionLoss", "DiceLoss"}),
        ("membranes", {"CavityLoss"}, {"DiceLoss"}),
    ],
)
def test_words_find_losses_by_purpose(capsys, word, has, lacks):
    names = found(capsys, word)
    assert has <= names
    assert not lacks & names


def test_two_words_narrow_the_choice(capsys):
    assert found(capsys, "vessel", "boundary") == found(capsys, "vessel") & found(
        capsys, "boundary"
    )


@pytest.mark.parametrize("name", sorted(loss_classes()))
def test_a_name_shows_signature_formula_example_and_mixins(name):
    text = described(name)
    cls = loss_classes()[name]
    head = " ".join(text.partition("\n\n")[0].split())
    for option, parameter in inspect.signature(cls).parameters.items():
        assert f"{option}={parameter.default!r}" in head
    assert cls.formula in text
    assert ">>> " in text
    if any(f'"seglosses.{name}"' in item.detail for item in mixins()):
        assert "Mix-ins: " in text
        assert f'type="seglosses.{name}"' in text.partition("Mix-ins: ")[2]


def test_a_name_is_found_whatever_its_form(capsys):
    texts = {shown(capsys, word) for word in ("DiceLoss", "diceloss", "seglosses.DiceLoss")}
    texts.add(shown(capsys, "dice_loss"))
    assert len(texts) == 1
    assert "Function: seglosses.losses.dice_loss(" in texts.pop()
    assert "seglosses.losses.boundary_loss(" in shown(capsys, "KervadecBoundaryLoss")


def test_metrics_are_those_of_evaluate(capsys):
    assert [item.name for item in metrics()] == [column.name for column in COLUMNS]
    assert "95th percentile" in shown(capsys, "--metrics", "hd95", "pooled")
    assert "--metrics hd95" in shown(capsys, "hd95")


def test_mixins_are_those_of_the_configs(capsys):
    names = {item.name for item in mixins()}
    assert {"ce_dice", "box_ciou", "extra/distill"} <= names
    assert all(item.meaning for item in mixins()), "a mix-in says what it is in its first line"
    assert 'dict(type="seglosses.DiceLoss")' in shown(capsys, "ce_dice")


def test_hooks_and_their_kin_are_those_of_the_registries(capsys):
    pytest.importorskip("mmengine")
    import seglosses.hosts.openmmlab  # noqa: F401  it fills the registries
    from seglosses import registry

    listed = {(item.kind, item.name.removeprefix("seglosses.")) for item in hooks()}
    for kind, name in (
        ("hook", "HOOKS"),
        ("metric", "METRICS"),
        ("transform", "TRANSFORMS"),
        ("dataset", "DATASETS"),
    ):
        known = set(getattr(registry, name).module_dict)
        assert {listed_name for listed_kind, listed_name in listed if listed_kind == kind} == known
    models = {name for kind, name in listed if kind == "model"}
    assert models | set(loss_classes()) == set(registry.MODELS.module_dict)
    assert "start: float=0.0" in shown(capsys, "LossWeightSchedule")
    assert "prob: float=0.15" in shown(capsys, "RandomContrast"), "of the base"


def test_a_word_may_name_losses_and_a_mixin(capsys):
    text = shown(capsys, "tversky")
    assert "FocalTverskyLoss (segmentation)" in text
    assert "configs/losses/tversky.py" in text


def test_purposes_are_listed_with_other_words(capsys):
    line = next(line for line in shown(capsys, "--tags").splitlines() if line.startswith("thin"))
    assert "vessel" in line


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_lists_come_in_every_format(capsys, form):
    text = shown(capsys, "--hooks", "--format", form)
    assert "LossWeightSchedule" in text
    if form == "json":
        assert {"name", "kind", "meaning", "detail"} == set(json.loads(text)[0])
    if form == "markdown":
        assert all(re.fullmatch(r"\|.*\|", line) for line in text.splitlines())


def test_what_does_not_exist_is_said_with_where_to_look(capsys):
    assert main(["list", "--mixins", "nosuchthing"]) == 2
    assert "none of the mixins mentions nosuchthing" in capsys.readouterr().err
    assert main(["list", "nosuchthing"]) == 2
    assert "--tags" in capsys.readouterr().err
