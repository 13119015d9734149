"""The evaluation itself: match files, score every image, summarize."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

import joblib
from tqdm import tqdm

from seglosses.evaluate.cluster import on_cluster
from seglosses.evaluate.conventions import conventions
from seglosses.evaluate.files import PairFiles, list_files, match_files, read_labels, shorten
from seglosses.evaluate.html import write_report
from seglosses.evaluate.journal import Journal, Rows
from seglosses.evaluate.labels import choose_codes, distinct
from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.options import Options
from seglosses.evaluate.result import Evaluation, Failure
from seglosses.evaluate.scoring import Settings, score
from seglosses.evaluate.summary import summarize
from seglosses.evaluate.table import Table
from seglosses.metrics import EmptyPolicy
from seglosses.primitives.distance import spacing_of

SAMPLES = 16


class IncompleteError(ValueError):
    """Some images could not be scored; everything else is written.

    Args:
        evaluation: The scores of the other images.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        failures = evaluation.failures
        listed = "\n".join(f"  {failure.image}: {failure.reason}" for failure in failures[:20])
        more = f"\n  and {len(failures) - 20} more" if len(failures) > 20 else ""
        super().__init__(
            f"{len(failures)} of {len(failures) + len(evaluation.table)} images could not be "
            f"scored and are missing from every number (keep_going, --keep-going, accepts "
            f"that):\n{listed}{more}"
        )


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
    metrics: Sequence[str] | None = None,
    spacing: Sequence[float] | float | None = None,
    connectivity: int | None = None,
    empty: EmptyPolicy = "worst",
    options: Options | None = None,
    probabilities: str | Path | None = None,
    schema: Literal["topomortar"] | None = None,
    images: str | Path | None = None,
    worst: int = 8,
    workers: int = 1,
    cluster: str | None = None,
    keep_going: bool = False,
    progress: bool = False,
) -> Evaluation:
    """Score a folder of predicted label maps against a folder of true ones.

    Files belong together when their paths below the folders agree, endings aside.

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
        labels_map: Value to class index, -1 for ignored.
        metrics: Names of groups or columns, None for all.
        spacing: Edge lengths of a pixel; None for the file's own (NIfTI) or 1.
        connectivity: 8 or 4 (26 or 6 in 3D); None for the larger one.
        empty: What to do where a mask is empty, see :class:`seglosses.metrics.Pair`.
        options: Parameters of metrics, such as the tolerance.
        probabilities: Folder of probability maps named like the predictions, for calibration.
        schema: `topomortar` also writes topomortar.csv with the columns and quirks of
            TopoMortar's result files.
        images: Folder of pictures to draw the worst errors on.
        worst: Number of images shown in the report.
        workers: Number of processes on this machine; -1 for one a core.
        cluster: Address of a running Dask scheduler to use instead (needs dask[distributed]).
        keep_going: Accept images that cannot be scored, and missing partners.
        progress: Show a progress bar.

    Returns:
        The scores.

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
    pred_dir, gt_dir = Path(pred_dir), Path(gt_dir)
    pairs, failures = _partners(pred_dir, gt_dir, keep_going)
    if probabilities is not None:
        pairs = _with_probabilities(pairs, Path(probabilities))
    pred_values, target_values, ndim = _sample(pairs)
    pred_code, target_code, count = choose_codes(
        pred_values,
        target_values,
        num_classes=num_classes,
        ignore_index=ignore_index,
        foreground_value=foreground_value,
        labels_map=labels_map,
    )
    settings = Settings(
        num_classes=count,
        classes=_class_names(count, classes, class_names),
        pred_code=pred_code,
        target_code=target_code,
        columns=_column_names(metrics, schema, ndim, probabilities is not None),
        connectivity=connectivity,
        spacing=None if spacing is None else spacing_of(ndim, spacing),
        empty=empty,
        options=options or Options(),
        ndim=ndim,
        probabilities=probabilities is not None,
    )
    table = Table(list(settings.classes.values()), settings.stored())
    folder = None if out is None else Path(out)
    with ExitStack() as stack:
        journal = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            journal = stack.enter_context(Journal(folder, settings.as_dict()))
            for name, rows in journal.finished(pairs):
                table.add(name, rows)
        finished = set(table.images)
        todo = [files for files in pairs if files.name not in finished]
        if cluster is not None:
            stack.enter_context(on_cluster(cluster))
        results = _score_all(todo, settings, workers)
        shown = tqdm(
            results,
            total=len(pairs),
            initial=len(finished),
            disable=not progress,
            unit="image",
            desc="evaluate",
        )
        for files, rows_or_reason in shown:
            if isinstance(rows_or_reason, str):
                failures.append(Failure(files.name, rows_or_reason))
                continue
            table.add(files.name, rows_or_reason)
            if journal is not None:
                journal.add(files, rows_or_reason)
    table.sort()
    if not len(table):
        raise ValueError(f"no image could be scored; the first problem: {failures[0].reason}")
    summarized = [column for column in settings.chosen() if column.group != "topomortar"]
    evaluation = Evaluation(
        table=table,
        summary=tuple(summarize(table, summarized, settings.options)),
        conventions=conventions(pred_dir, gt_dir, settings),
        failures=tuple(sorted(failures, key=lambda failure: failure.image)),
        pairs=pairs,
        settings=settings,
    )
    if folder is not None and journal is not None:
        evaluation.write(folder)
        write_report(
            evaluation, folder / "report.html", images=Path(images) if images else None, worst=worst
        )
        if not evaluation.failures or keep_going:
            journal.delete()
    if evaluation.failures and not keep_going:
        raise IncompleteError(evaluation)
    return evaluation


def _partners(
    pred_dir: Path, gt_dir: Path, keep_going: bool
) -> tuple[list[PairFiles], list[Failure]]:
    pairs, without_pred, without_target = match_files(pred_dir, gt_dir)
    problems = []
    if without_pred:
        problems.append(f"{len(without_pred)} without a prediction: {shorten(without_pred)}")
    if without_target:
        problems.append(f"{len(without_target)} without ground truth: {shorten(without_target)}")
    if problems and (not keep_going or not pairs):
        raise ValueError(
            f"{pred_dir} and {gt_dir} do not hold the same images; {'; '.join(problems)}. "
            "Files belong together when their paths below the folders agree, endings aside; "
            "--keep-going scores the pairs there are"
        )
    failures = [Failure(name, "no prediction") for name in without_pred]
    failures += [Failure(name, "no ground truth") for name in without_target]
    return pairs, failures


def _with_probabilities(pairs: Sequence[PairFiles], folder: Path) -> list[PairFiles]:
    maps = list_files(folder)
    missing = [files.name for files in pairs if files.name not in maps]
    if missing:
        raise ValueError(f"{len(missing)} images have no map in {folder}: {shorten(missing)}")
    return [replace(files, prob=maps[files.name]) for files in pairs]


def _column_names(
    metrics: Sequence[str] | None, schema: str | None, ndim: int, probabilities: bool
) -> tuple[str, ...]:
    if schema not in (None, "topomortar"):
        raise ValueError(f"expected the schema topomortar, got {schema!r}")
    chosen = choose_columns(metrics, ndim=ndim, probabilities=probabilities)
    if schema is not None:
        chosen += choose_columns([schema], ndim=ndim)
    return tuple(dict.fromkeys(column.name for column in chosen))


def _sample(pairs: Sequence[PairFiles]) -> tuple[set[int], set[int], int]:
    """Values and dimension of some files; unreadable ones are reported when scored."""
    step = max(1, len(pairs) // SAMPLES)
    found: tuple[set[int], set[int]] = (set(), set())
    ndim = 2
    for files in pairs[::step]:
        for values, path in zip(found, (files.pred, files.target), strict=True):
            try:
                labels = read_labels(path)[0]
            except ValueError:
                continue
            values.update(distinct(labels))
            ndim = labels.ndim
    return *found, ndim


def _class_names(
    count: int, classes: Sequence[int] | None, names: Sequence[str] | None
) -> dict[int, str]:
    if names is not None and (len(names) != count or len(set(names)) != count):
        raise ValueError(f"expected {count} different class names, got {len(names)}: {names}")
    if names is None:
        names = ["background", "foreground"] if count == 2 else [str(i) for i in range(count)]
    chosen = classes if classes is not None else ([1] if count == 2 else range(count))
    wrong = [index for index in chosen if not 0 <= index < count]
    if wrong or not list(chosen):
        raise ValueError(f"expected classes in 0..{count - 1}, got {list(chosen)}")
    return {index: names[index] for index in dict.fromkeys(chosen)}


def _attempt(files: PairFiles, settings: Settings) -> tuple[PairFiles, Rows | str]:
    try:
        return files, score(files, settings)
    except ValueError as error:
        return files, str(error)


def _score_all(
    pairs: Iterable[PairFiles], settings: Settings, workers: int
) -> Iterator[tuple[PairFiles, Rows | str]]:
    jobs = (joblib.delayed(_attempt)(files, settings) for files in pairs)
    results: Iterator[tuple[PairFiles, Rows | str]] = joblib.Parallel(
        n_jobs=workers, return_as="generator"
    )(jobs)
    return results
