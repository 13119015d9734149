"""The evaluation itself: match files, score every image, summarize."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import joblib
from tqdm import tqdm

from seglosses import __version__
from seglosses.evaluate.columns import choose_columns
from seglosses.evaluate.files import PairFiles, match_files, read_labels, shorten
from seglosses.evaluate.html import write_report
from seglosses.evaluate.journal import Journal, Rows
from seglosses.evaluate.labels import LabelCode, choose_codes, distinct
from seglosses.evaluate.result import Evaluation, Failure
from seglosses.evaluate.scoring import COUNTS, Settings, score
from seglosses.evaluate.summary import summarize
from seglosses.evaluate.table import Table
from seglosses.metrics import EmptyPolicy

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
    images: str | Path | None = None,
    worst: int = 8,
    workers: int = 1,
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
        images: Folder of pictures to draw the worst errors on.
        worst: Number of images shown in the report.
        workers: Number of processes.
        keep_going: Accept images that cannot be scored, and missing partners.
        progress: Show a progress bar.

    Returns:
        The scores.

    Raises:
        ValueError: When folders, partners, options or label values are wrong.
        IncompleteError: At the end, after writing, when an image could not be scored.
    """
    pred_dir, gt_dir = Path(pred_dir), Path(gt_dir)
    pairs, failures = _partners(pred_dir, gt_dir, keep_going)
    pred_values, target_values = _sample(pairs)
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
        columns=tuple(column.name for column in choose_columns(metrics)),
        connectivity=connectivity,
        spacing=None if spacing is None else _spacing(spacing, pairs),
        empty=empty,
    )
    table = Table(list(settings.classes.values()), [*settings.columns, *COUNTS])
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
    evaluation = Evaluation(
        table=table,
        summary=tuple(summarize(table, settings.chosen())),
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


def _sample(pairs: Sequence[PairFiles]) -> tuple[set[int], set[int]]:
    """Values in some files spread over the folders; unreadable ones are reported when scored."""
    step = max(1, len(pairs) // SAMPLES)
    found: tuple[set[int], set[int]] = (set(), set())
    for files in pairs[::step]:
        for values, path in zip(found, (files.pred, files.target), strict=True):
            try:
                values.update(distinct(read_labels(path)[0]))
            except ValueError:
                continue
    return found


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


def _spacing(spacing: Sequence[float] | float, pairs: Sequence[PairFiles]) -> tuple[float, ...]:
    ndim = next((read_labels(files.target)[0].ndim for files in pairs[:1]), 2)
    if isinstance(spacing, int | float):
        return (float(spacing),) * ndim
    return tuple(map(float, spacing))


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


def conventions(pred_dir: Path, gt_dir: Path, settings: Settings) -> dict[str, object]:
    """Everything that changes a number, in words."""
    policies = {
        "worst": "both masks empty: perfect; one empty: overlap 0, distance the image diagonal",
        "skip": "both masks empty: left out; one empty: overlap 0, distance the image diagonal",
        "nan": "an empty mask leaves undefined scores out",
    }
    return {
        "version": f"seglosses {__version__}",
        "predictions": str(pred_dir),
        "ground truth": str(gt_dir),
        "classes": {str(index): name for index, name in settings.classes.items()},
        "values in predictions": _code(settings.pred_code),
        "values in ground truth": _code(settings.target_code),
        "ignored pixels": "ignored ground truth counts for no class, whatever is predicted there",
        "connectivity": settings.connectivity
        or "8 (26 in 3D) for the foreground, 4 (6) for the background",
        "spacing": settings.spacing or "that of the file (NIfTI), otherwise 1",
        "empty masks": policies[settings.empty],
        "image border": "what lies beyond the image is outside: mask pixels at the border are "
        "surface, background at the border is no hole",
        "intervals": "95 %, percentile bootstrap over images, 2000 resamples, seeded",
        "metrics": {column.name: column.meaning for column in settings.chosen()},
    }


def _code(code: LabelCode) -> str:
    known = code.describe()
    listed = ", ".join(f"{value} is {meaning}" for value, meaning in list(known.items())[:6])
    more = f" and {len(known) - 6} more" if len(known) > 6 else ""
    return f"{listed}{more} ({code.origin})"
