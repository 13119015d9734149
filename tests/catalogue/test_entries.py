from __future__ import annotations

import json
import re

import pytest

from seglosses import losses
from seglosses.catalogue import as_markdown, as_text, entries, loss_classes
from seglosses.cli import main
from seglosses.losses.base import Loss


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_loss_says_what_it_is_and_what_it_is_for(entry):
    assert entry.formula
    assert entry.use_when
    assert any(character.isdigit() for character in entry.paper), "a paper has a year"


def test_what_is_not_listed_is_a_family_of_listed_losses():
    listed = set(loss_classes().values())
    classes = [m for m in vars(losses).values() if isinstance(m, type) and issubclass(m, Loss)]
    for member in set(classes) - listed:
        assert any(issubclass(loss, member) for loss in listed), f"{member} states no formula"


def test_the_package_names_the_family_of_every_loss():
    named = set(re.findall(r"^\* ``(\w+)``", losses.__doc__, re.MULTILINE))
    assert {cls.__module__.split(".")[2] for cls in loss_classes().values()} == named
    assert losses.__all__ == losses.EXPORTS
    assert len(set(losses.EXPORTS)) == len(losses.EXPORTS)


def test_the_kind_of_a_loss_is_what_it_compares():
    kinds = {entry.name: entry.kind for entry in entries()}
    assert {*kinds.values()} == {"box", "detection head", "segmentation"}
    assert kinds["KFIoULoss"] == "box"
    assert kinds["QualityFocalLoss"] == kinds["DistributionFocalLoss"] == "detection head"
    assert kinds["SeesawLoss"] == "segmentation"


def test_text_and_table_have_every_loss():
    found = entries()
    assert as_text(found).count("    formula  ") == len(found)
    assert len(as_markdown(found).splitlines()) == len(found) + 2


def test_list_command_filters_by_words(capsys):
    assert main(["list", "tversky", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert "TverskyLoss" in {entry["name"] for entry in shown}
    assert all("tversky" in json.dumps(entry).lower() for entry in shown)


def test_list_command_says_when_nothing_matches(capsys):
    assert main(["list", "nosuchloss"]) == 2
    assert "no loss mentions nosuchloss" in capsys.readouterr().err
