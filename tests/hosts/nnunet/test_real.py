"""The page on nnU-Net followed as it is written, with the real nnU-Net on tiny data."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.hosts.nnunet.data import REGIONS, write

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PAGE = (ROOT / "docs" / "hosts" / "nnunet.md").read_text(encoding="utf-8")
SHORT = "nnUNetTrainerShort"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def session(python, tmp_path_factory):
    """Run lines in one process, in a folder with nnU-Net's three folders."""
    top = tmp_path_factory.mktemp("nnunet")
    write(top / "raw", "Dataset901_Lines", shape=(48, 64))
    write(top / "raw", "Dataset902_Trees", shape=(8, 24, 24), labels=REGIONS, train=5, test=0)
    for name in ("pre", "res"):
        (top / name).mkdir()
    own = top / "own"
    own.mkdir()
    (block,) = re.findall(r"^```py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (own / "thin_late.py").write_text(
        block.replace("nnUNetTrainerSeglosses", SHORT).replace(
            "seglosses.hosts.nnunet.trainers.seglosses_trainers", "seglosses_short_trainers"
        )
    )
    env = {
        **os.environ,
        "nnUNet_raw": str(top / "raw"),
        "nnUNet_preprocessed": str(top / "pre"),
        "nnUNet_results": str(top / "res"),
        "nnUNet_def_n_proc": "1",
        "nnUNet_n_proc_DA": "1",
        "nnUNet_compile": "f",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE / "short_trainers")]),
        "OWN_TRAINERS": os.pathsep.join([str(HERE / "short_trainers"), str(own)]),
    }

    def run(lines):
        file = top / "lines.txt"
        file.write_text(lines, encoding="utf-8")
        words = [str(python), str(HERE / "session.py"), str(file)]
        done = subprocess.run(
            words, cwd=top, env=env, capture_output=True, text=True, check=False, timeout=900
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-4000:]
        return top, done.stdout

    return run


def as_tested(text):
    """The page's lines, for short trainings on a CPU."""
    lines = re.sub(r"\\\n\s*", " ", text)
    lines = lines.replace('nnunet-path)"', 'nnunet-path):$OWN_TRAINERS"')
    lines = re.sub(r"^pip .*", "", lines, flags=re.MULTILINE)
    lines = re.sub(r"nnUNetTrainer(ClDice|Seglosses)", f"{SHORT}\\1", lines)
    lines = lines.replace(f"{SHORT}Seglosses", SHORT)
    lines = re.sub(r"^(nnUNetv2_train .*)", r"\1 -device cpu", lines, flags=re.MULTILINE)
    lines = re.sub(
        r"^(nnUNetv2_predict .*)", r"\1 -device cpu -npp 1 -nps 1", lines, flags=re.MULTILINE
    )
    return re.sub(r"^(nnUNetv2_plan\w+ .*)", r"\1 -np 1", lines, flags=re.MULTILINE)


def loaded(path):
    return json.loads(path.read_text(encoding="utf-8"))


def same(ours, theirs):
    """Equal keys and numbers; paths as each was given them."""
    assert set(ours) == set(theirs) == {"foreground_mean", "mean", "metric_per_case"}
    assert repr(ours["mean"]) == repr(theirs["mean"])
    assert repr(ours["foreground_mean"]) == repr(theirs["foreground_mean"])
    for own, other in zip(ours["metric_per_case"], theirs["metric_per_case"], strict=True):
        assert set(own) == set(other)
        assert repr(own["metrics"]) == repr(other["metrics"])
        assert Path(own["prediction_file"]).name == Path(other["prediction_file"]).name


def test_the_page(session):
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    top, said = session(as_tested("".join(blocks)))
    assert f"Found class {SHORT}ClDice" in said
    assert said.count("Mean Validation Dice") == 2
    losses = [float(value) for value in re.findall(r"train_loss (\S+)", said)]
    assert losses[1] < losses[0]
    fold = top / "res" / "Dataset901_Lines" / f"{SHORT}__nnUNetPlans__2d" / "fold_0"
    assert [one["type"] for one in loaded(fold / "seglosses_losses.json")] == [
        "nnUNet", "SoftClDiceLoss", "SkeletonRecallLoss",
    ]  # fmt: skip
    theirs = top / "res" / "Dataset901_Lines" / f"{SHORT}ClDice__nnUNetPlans__2d" / "fold_0"
    same(loaded(top / "fold_0" / "summary.json"), loaded(theirs / "validation" / "summary.json"))
    conventions = loaded(top / "scores" / "conventions.json")
    assert conventions["classes"] == {"0": "background", "1": "line", "2": "blob"}
    assert "3 ignored" in conventions["values in ground truth"]
    assert len(loaded(top / "scores" / "summary.json")["metric_per_case"]) == 3


def test_every_trainer_and_regions_in_3d(session):
    path = 'export nnUNet_extTrainer="$(seglosses nnunet-path)"\n'
    others = ("SkeletonRecall", "CbDice", "Boundary", "LateBettiMatching", "JaccardMetric")
    names = [*(f"{SHORT}{name}" for name in others), "nnUNetTrainerThinLate"]
    lines = path + "".join(f"nnUNetv2_train 901 2d 0 -tr {name}\n" for name in names)
    fold = "$nnUNet_results/Dataset902_Trees/nnUNetTrainerShort__nnUNetPlans__3d_fullres/fold_0"
    lines += f"""
export SEGLOSSES_LOSSES="nnUNet, CrossEntropyLoss, SkeletonRecallLoss, 0.1*KervadecBoundaryLoss"
nnUNetv2_plan_and_preprocess -d 902 -c 3d_fullres
nnUNetv2_train 902 3d_fullres 0 -tr nnUNetTrainerShort --npz
unset SEGLOSSES_LOSSES
nnUNetv2_train 902 3d_fullres 0 -tr nnUNetTrainerShort --val --npz
seglosses evaluate {fold}/validation $nnUNet_preprocessed/Dataset902_Trees/gt_segmentations \
 --probabilities {fold}/validation --metrics dice,brier --keep-going --schema nnunet --out trees
"""
    planned = (
        ""
        if "Dataset901" in os.listdir(session("")[0] / "pre")
        else ("nnUNetv2_plan_and_preprocess -d 901 -c 2d\n")
    )
    top, said = session(as_tested(planned + lines))
    assert said.count("Mean Validation Dice") == len(names) + 2
    assert "weight of loss_betti_matching: 0.02" in said
    assert "weight of loss_soft_cldice: 0.5" in said
    theirs = top / "res" / "Dataset902_Trees" / "nnUNetTrainerShort__nnUNetPlans__3d_fullres"
    summary = loaded(theirs / "fold_0" / "validation" / "summary.json")
    assert set(summary["mean"]) == {"(1, 2)", "(2,)"}
    same(loaded(top / "trees" / "summary.json"), summary)
