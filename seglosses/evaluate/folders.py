"""The evaluation of folders: match files, score every image, summarize."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from seglosses.evaluate.choosing import Wishes, choose_settings
from seglosses.evaluate.conventions import conventions
from seglosses.evaluate.html import write_files, write_report
from seglosses.evaluate.journal import Journal
from seglosses.evaluate.labels import Reading
from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.nnunet import said_dataset, write_summary
from seglosses.evaluate.options import Options
from seglosses.evaluate.outcome import IncompleteError
from seglosses.evaluate.partners import Folders, partners
from seglosses.evaluate.photos import Photos
from seglosses.evaluate.result import Evaluation, Failure, without_meaning
from seglosses.evaluate.settings import Settings
from seglosses.evaluate.summary import summarize
from seglosses.evaluate.table import Table
from seglosses.evaluate.workers import Workplace, results
from seglosses.metrics import EmptyPolicy


def evaluate(
    pred_dir: str | Path,
    gt_dir: str | Path,
    *,
    out: str | Path | None = None,
    num_classes: int | None = None,
    classes: Sequence[int] | None = None,
    class_names: Sequence[str] | None = None,
    ignore_index: int | None = None,
    foreground_value: int | None = None,
    labels_map: Mapping[int, int] | None = None,
    pred_labels_map: Mapping[int, int] | None = None,
    gt_labels_map: Mapping[int, int] | None = None,
    colours: str | Path | None = None,
    pred_suffix: str = "",
    gt_suffix: str = "",
    ignore_affine: bool = False,
    metrics: Sequence[str] | None = None,
    spacing: Sequence[float] | float | None = None,
    connectivity: int | None = None,
    empty: EmptyPolicy = "skip",
    options: Options | None = None,
    probabilities: str | Path | None = None,
    schema: Literal["nnunet", "topomortar"] | None = None,
    dataset_json: str | Path | None = None,
    images: str | Path | None = None,
    worst: int = 8,
    workers: int = 1,
    cluster: str | None = None,
    keep_going: bool = False,
    keep_scores: bool = False,
    figures: Sequence[str] = (),
    progress: bool = False,
) -> Evaluation:
    """Score a folder of predicted label maps against a folder of true ones.

    Files belong together when their paths below the folders agree, endings and suffixes aside.

    Args:
        pred_dir: Folder of predictions.
        gt_dir: Folder of ground truth.
        out: Folder for per_image.csv, summary.csv, summary.md, conventions.json and report.html;
            None writes nothing. An interrupted run with the same `out` and settings goes on
            where it stopped.
        num_classes: Number of classes; found out for binary masks only.
        classes: Class indices to score; None for class 1 of two classes, all classes of more.
        class_names: Names of all classes, in the order of the indices.
        ignore_index: Ground-truth value that does not count. Without it 255 is a label.
        foreground_value: Value of the foreground in binary masks, for example 255.
        labels_map: Value to class index, -1 for ignored, in both folders; a prediction that holds
            an ignored value is an error.
        pred_labels_map: The same for predictions only, -1 for no class.
        gt_labels_map: The same for the ground truth only.
        colours: File with a line per class (name or index, red, green, blue) for labels drawn as
            colours.
        pred_suffix: End of the names of predictions, such as `_pred`; files without it do not
            count.
        gt_suffix: The same for the ground truth.
        ignore_affine: Compare volumes as they are stored, whatever they say about space.
        metrics: Names of groups or columns, None for all.
        spacing: Edge lengths of a pixel; None for the file's own (NIfTI) or 1.
        connectivity: 8 or 4 (26 or 6 in 3D); None for the larger one.
        empty: What to do where a mask is empty, see :data:`seglosses.metrics.empty.POLICIES`.
        options: Parameters of metrics, such as the tolerance.
        probabilities: Folder of probability maps named like the predictions, for calibration.
        schema: `nnunet` also writes summary.json as nnU-Net's evaluation does; `topomortar` also
            writes topomortar.csv with the columns and quirks of TopoMortar's result files.
        dataset_json: nnU-Net's ``dataset.json``, which says the labels, regions and what is
            ignored; None looks for one among the predictions and above the ground truth, unless
            number, names or values of classes are given here.
        images: Folder of images on which the worst errors are drawn.
        worst: Number of images shown in the report.
        workers: Number of processes on this machine that score images, -1 for one per core. An
            image that ends its process is named, and the others are scored. 0 scores in the
            calling process, which such an image ends.
        cluster: Address of a running Dask scheduler to use instead (needs dask[distributed]).
        keep_going: Accept images that cannot be scored, and missing partners.
        keep_scores: Keep the scores of images in `out`, so that the next call with equal settings
            scores only what has changed.
        figures: Formats in which the figures of the report are written to figures/ too, of
            :data:`seglosses.report.figures.FORMATS`.
        progress: Show a progress bar.

    Returns:
        The scores; where no image shows a foreground that counts every mean is NaN, and
        ``no_score`` says why.

    Raises:
        ValueError: When folders, partners, options or label values are wrong.
        IncompleteError: At the end, after writing, when an image could not be scored.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as top:
        ...     for name, mask in (("pred", [[1, 1, 0]]), ("gt", [[1, 1, 1]])):
        ...         (Path(top) / name).mkdir()
        ...         np.save(Path(top) / name / "001.npy", np.array(mask))
        ...     result = evaluate(f"{top}/pred", f"{top}/gt", metrics=["overlap"])
        >>> result.mean("dice")  # 2 x 2 / (2 + 3)
        0.8
    """
    folders = Folders(
        Path(pred_dir),
        Path(gt_dir),
        pred_suffix,
        gt_suffix,
        None if probabilities is None else Path(probabilities),
    )
    reading = Reading(
        num_classes,
        ignore_index,
        foreground_value,
        labels_map=labels_map,
        pred_labels_map=pred_labels_map,
        gt_labels_map=gt_labels_map,
    )
    wishes = Wishes(
        reading,
        None if colours is None else Path(colours),
        classes,
        class_names,
        metrics,
        schema,
        spacing,
        connectivity,
        empty,
        options or Options(),
        probabilities is not None,
        ignore_affine,
        said_dataset(dataset_json, folders.pred, folders.target, reading, class_names, colours),
    )
    output = Output(
        None if out is None else Path(out),
        None if images is None else Path(images),
        worst,
        keep_scores,
        figures,
    )
    return _run(folders, wishes, output, Workplace(workers, cluster, progress), keep_going)


def _source(wishes: Wishes) -> dict[str, str]:
    return {} if wishes.dataset is None else {"labels": f"as {wishes.dataset.path} names them"}


@dataclass(frozen=True)
class Output:
    """Where results go, the pictures to draw on, and how many images the report shows."""

    folder: Path | None = None
    images: Path | None = None
    worst: int = 8
    keep_scores: bool = False
    figures: Sequence[str] = ()

    def journal(self, settings: Settings) -> Journal | None:
        """The journal of a run, None when nothing is written."""
        if self.folder is None:
            return None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"{self.folder} cannot be made ({error.strerror}); choose another out (--out)"
            ) from error
        return Journal(self.folder, settings.as_dict(), settings.stored(), len(settings.classes))


def _run(
    folders: Folders, wishes: Wishes, output: Output, place: Workplace, keep_going: bool
) -> Evaluation:
    Photos(output.images)  # a folder that is not there is an error before everything is scored
    pairs, failures = partners(folders, keep_going=keep_going)
    settings = choose_settings(pairs, wishes)
    with ExitStack() as stack:
        journal = output.journal(settings)
        if journal is not None:
            stack.enter_context(journal)
        table, failed = _score_all(pairs, settings, journal, place)
        failures += failed
        if not len(table):
            raise ValueError(
                f"no image could be scored; the first problem: {failures[0].reason}; "
                f"{without_meaning(failures)}".rstrip("; ")
            )
        columns = [column for column in settings.chosen() if column.group != "topomortar"]
        summary = summarize(table, columns, settings.options, outside=settings.outside)
        evaluation = Evaluation(
            table=table,
            summary=tuple(summary),
            conventions={**conventions(folders, settings), **_source(wishes)},
            failures=tuple(sorted(failures, key=lambda failure: failure.image)),
            pairs=pairs,
            settings=settings,
        )
        if output.folder is not None and journal is not None:
            evaluation.write(output.folder)
            if wishes.schema == "nnunet":
                write_summary(
                    table, settings, pairs, output.folder / "summary.json", wishes.dataset
                )
            path = output.folder / "report.html"
            images, worst = output.images, output.worst
            write_report(evaluation, path, images=images, worst=worst)
            if output.figures:
                top = output.folder / "figures"
                write_files(evaluation, top, output.figures, images=images, worst=worst)
            if (not evaluation.failures or keep_going) and not output.keep_scores:
                journal.delete()
    if evaluation.failures and not keep_going:
        raise IncompleteError(evaluation)
    if evaluation.no_score:
        logging.getLogger("seglosses").warning(evaluation.no_score)
    return evaluation


def _score_all(
    pairs: Sequence[PairFiles], settings: Settings, journal: Journal | None, place: Workplace
) -> tuple[Table, list[Failure]]:
    """Scores in the order of the names, and what could not be scored, for whatever reason."""
    table = Table(list(settings.classes.values()), settings.stored())
    failures: list[Failure] = []
    if journal is not None:
        for name, rows in journal.finished(pairs):
            table.add(name, rows)
    finished = set(table.images)
    todo = [files for files in pairs if files.name not in finished]
    shown = tqdm(
        results(todo, settings, place),
        total=len(pairs),
        initial=len(finished),
        disable=not place.progress,
        unit="image",
        desc="evaluate",
    )
    for files, outcome in shown:
        if isinstance(outcome, Failure):
            failures.append(outcome)
            continue
        table.add(files.name, outcome)
        if journal is not None:
            journal.add(files, outcome)
    table.sort()
    return table, failures
