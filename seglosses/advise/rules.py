"""The table of rules: what is measured, which loss follows, from which source, and its limits.

A rule looks at one quantity of a :class:`~seglosses.advise.profile.Profile` and answers with a
:class:`~seglosses.advise.terms.Verdict`, also where it does not fire: then the proposal lists it
among what was considered and rejected, with the number that decided. Thresholds are ours unless a
source is named for them; they were set on brick walls, TopoMortar, retinal vessels, membranes and
cracks, so that these get different answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seglosses.advise import judges, remarks
from seglosses.advise.profile import Profile
from seglosses.advise.terms import Verdict
from seglosses.pages import page

EVIDENCE = page("docs/evidence.md")
BENCHMARK = page("docs/benchmark.md")


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes:
        name: Short, for the proposal and the tests.
        asks: What it looks for.
        losses: What it is about, for the list of what was considered.
        source: Where it comes from.
        limits: When not to believe it.
        judge: The rule itself.
    """

    name: str
    asks: str
    losses: str
    source: str
    limits: str
    judge: Callable[[Profile], Verdict]


RULES: tuple[Rule, ...] = (
    Rule(
        "thin",
        "long, thin classes",
        "SoftClDiceLoss; SkeletonRecallLoss in volumes",
        "Shit et al., CVPR 2021 (clDice); Kirchhoff et al., ECCV 2024 (skeleton recall, whose cost"
        f" does not grow with the width); {EVIDENCE}",
        f"At 128 px and 300 iterations it changed nothing on TopoMortar ({BENCHMARK}), whose"
        " lines are a pixel or two wide there. On"
        " membranes clDice left 74 % of the wrong components in five seeds of 2000 iterations, on"
        " TopoMortar at 512 px 33 %, and 54 % of the wrong loops, in five of 1000, with 0.003 more"
        " Dice, all sure over images and trainings; on membranes 73 % of the loops, sure over"
        " trainings alone; on cracks 63 % of the components, sure over images alone, with 0.008"
        " less Dice, which is not. Skeleton recall of weight 1 left 63 % of the wrong loops on"
        " TopoMortar, 23 % more wrong components on membranes, and cost 0.05 Dice on cracks. The"
        " weight was not searched for.",
        judges.thin,
    ),
    Rule(
        "structured",
        "thin classes with components and loops to count; trees have few loops for their length",
        "TopologicalPriorLoss for trees in images, BettiMatchingLoss, late, for the others",
        "Clough et al., TPAMI 2020 (prior); Stucki et al., ICML 2023 (Betti matching);"
        f" {EVIDENCE} and {BENCHMARK}",
        "Beside 0.5 clDice, the prior of each label's numbers left 32 % of the wrong components on"
        " vessels, 48 % on cracks, 57 % on membranes and 16 % on TopoMortar, Betti matching 73,"
        " 54, 50 and 19 %, each in five seeds and sure over images and trainings. The difference"
        " of the two is sure on vessels alone, and on images unlike TopoMortar's training set,"
        " where the prior is better too; on membranes it leaves more loops, 82 in place of 61 %,"
        " sure over trainings. So trees, with at least 60 widths of centre line for each loop, get"
        " the prior: vessels have 155, cracks 450, TopoMortar 18, membranes 20. This was chosen"
        " when the scores of the test images were known, and rests on one set each. The prior"
        " counts, and does not ask where. Betti matching without clDice made 39 % more wrong"
        " components on vessels, and cost 0.009 Dice. With clDice either kept Dice within 0.006,"
        " with weight 0.5 Betti matching cost 0.08. Twice the time does not mend the components of"
        " CE + Dice, but as many loops of membranes as Betti matching does. Of no use before the"
        " network finds the class. No training of ours compares the two in volumes.",
        judges.structured,
    ),
    Rule(
        "known numbers",
        "the same few components, loops and cavities everywhere",
        "TopologicalPriorLoss, late",
        f"Clough et al., TPAMI 2020; {EVIDENCE}",
        "Counts, and does not ask where; wrong where a crop cuts the structure. Without fixed"
        " numbers it reads those of each label: it left 62 % of the wrong components on membranes"
        " and 34 % on vessels after 2000 iterations, 17 % on TopoMortar and 56 % on cracks after"
        " 1000, sure over images and trainings, and on membranes and vessels no fewer wrong loops.",
        judges.known_numbers,
    ),
    Rule(
        "crowded",
        "many blobs close to each other, which a prediction may merge",
        "BettiMatchingLoss, late; SkeletonAwareLoss, MalisLoss considered",
        "Stucki et al., ICML 2023 (cells of C. elegans); Liu et al. 2024; Oner et al. 2021",
        "No training of ours on cells supports it.",
        judges.crowded,
    ),
    Rule(
        "rare",
        "little or small foreground in blobs",
        "TverskyLoss in place of Dice",
        "Salehi et al. 2017: alpha 0.3, beta 0.7",
        "Recall for precision: false alarms become more. Keep Dice where they cost as much.",
        judges.rare,
    ),
    Rule(
        "absent",
        "a class that most images lack",
        'DiceLoss(average="dataset")',
        "Isensee et al., Nature Methods 2021 (batch Dice)",
        "Pooled over a batch: large objects hide small ones.",
        judges.absent,
    ),
    Rule(
        "skewed",
        "foreground classes of very different size",
        "GeneralizedDiceLoss, LogitAdjustmentLoss",
        "Sudre et al. 2017; Menon et al. 2021",
        "We have no training that shows a gain over Dice by class.",
        remarks.skewed,
    ),
    Rule(
        "speckled",
        "single pixels and pinholes in the labels",
        "GeneralizedCrossEntropyLoss, cleaning",
        "Zhang and Sabuncu 2018",
        "A speck may be real: a star, a calcification.",
        remarks.speckled,
    ),
    Rule(
        "doubtful boundaries",
        "two annotators who differ along boundaries",
        "CrossEntropyLoss(boundary_smoothing=0.5)",
        "Wang et al., NeurIPS 2023 (Jaccard metric losses and soft labels)",
        "Not proposed beside thin classes, which it would blur. No training of ours supports it.",
        judges.doubtful,
    ),
    Rule(
        "uneven widths",
        "lines of very different widths",
        "CenterlineBoundaryDiceLoss",
        "Shi et al. 2024",
        f"No gain in topology in our trainings ({BENCHMARK}, {EVIDENCE}).",
        remarks.uneven,
    ),
    Rule(
        "large and smooth",
        "few large, compact objects",
        "LogHausdorffDTLoss, BoundaryDoULoss considered",
        "Karimi and Salcudean 2020; Sun et al. 2023",
        "No training of ours supports it; Ma et al. 2021 find none that beats Dice and CE by much.",
        remarks.smooth,
    ),
    Rule(
        "anisotropic",
        "volumes whose slices lie far apart",
        "spacing of HausdorffDTLoss and its relatives",
        "Isensee et al., Nature Methods 2021, whose plans change at a ratio of 3",
        "Files must state their spacing; PNG and NumPy files do not.",
        remarks.anisotropic,
    ),
    Rule(
        "few images",
        "too few label maps for a statement",
        "none",
        "our own",
        "None.",
        remarks.few,
    ),
)
