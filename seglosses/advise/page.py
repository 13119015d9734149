"""The page of a proposal: losses, reasons, distributions, pictures, configs."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seglosses.advise import printing
from seglosses.advise.pictures import typical_pictures
from seglosses.advise.profile import ClassProfile, Profile
from seglosses.advise.proposal import Proposal
from seglosses.advise.seen import SEES
from seglosses.advise.text import COSTS_OF, described, facts
from seglosses.evaluate.listing import PairFiles, printable
from seglosses.evaluate.photos import Photos
from seglosses.evaluate.settings import Settings
from seglosses.metrics.error_kinds import KINDS, PIXELS
from seglosses.report import charts
from seglosses.report import page as frame

MAX_CLASSES = 8


def write_page(
    path: Path,
    profile: Profile,
    proposal: Proposal,
    measured: Sequence[PairFiles],
    settings: Settings,
    *,
    images: Path | None = None,
) -> None:
    """Write one self-contained HTML file.

    Args:
        path: File to write.
        profile: What was measured.
        proposal: What follows.
        measured: Files, in the order of the profile's shapes.
        settings: How they were read.
        images: Folder of pictures to draw on.
    """
    classes = sorted(profile.classes, key=lambda one: -one.share)[:MAX_CLASSES]
    photos = Photos(images, tell=True)
    parts = [
        _failures(profile),
        frame.section("Proposed losses", _losses(proposal)),
        frame.section("Errors of the predictions", _errors(proposal)) if proposal.errors else "",
        frame.section(
            "What was measured",
            "".join(f"<p>{html.escape(fact)}</p>" for fact in facts(profile))
            + "".join(_class(one, profile) for one in classes),
        ),
        frame.section(
            "Distributions", f'<div class="grid wide">{_charts(classes, profile.ndim)}</div>'
        ),
        frame.section(
            "Label maps",
            "".join(typical_pictures(one, measured, settings, photos) for one in classes),
        ),
        frame.section("Configs", _configs(proposal)),
        frame.section("Every rule", _rules(proposal)),
    ]
    subtitle = html.escape(profile.described)
    text = frame.page("Which losses", subtitle, [part for part in parts if part])
    path.write_text(text, "utf-8")


def _failures(profile: Profile) -> str:
    if not profile.failures:
        return ""
    items = "".join(
        f"<li><b>{html.escape(printable(name))}</b>: {html.escape(reason)}</li>"
        for name, reason in list(profile.failures)[:50]
    )
    return (
        f'<div class="card warn"><b>{len(profile.failures)} label maps were left out</b>'
        f"<ul>{items}</ul></div>"
    )


def _losses(proposal: Proposal) -> str:
    rows = []
    for term in proposal.terms:
        options = printing.arguments(term.options)
        when = f"from {term.start:.0%} on" if term.start else "throughout"
        rows.append(
            f'<div class="card"><b>{term.weight:g} × {html.escape(term.loss)}'
            f'</b> <span class="quiet">{html.escape(options)} {when}</span>'
            f"<p>{html.escape(term.why)}</p>"
            f"<p><small>cost: {html.escape(term.cost(proposal.ndim))}</small></p></div>"
        )
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in proposal.notes)
    plain = f"<p>{html.escape(proposal.verdict)}</p>" if proposal.verdict else ""
    costs = f'<p class="quiet">{html.escape(COSTS_OF)}</p>'
    return f'{plain}<div class="grid wide">{"".join(rows)}</div>{costs}' + (
        f"<ul>{notes}</ul>" if notes else ""
    )


def _errors(proposal: Proposal) -> str:
    parts = []
    for place, one in enumerate(proposal.worst(MAX_CLASSES)):
        rows: list[list[str | tuple[str, float]]] = [
            [f"{kind}: {meaning}", (charts.number(one.counts[kind]), one.counts[kind])]
            for kind, meaning in KINDS.items()
        ]
        pixels: list[list[str | tuple[str, float]]] = [
            [f"{name}: {meaning}", (f"{one.pixels[name]:.0%}", one.pixels[name])]
            for name, meaning in PIXELS.items()
        ]
        answers = "".join(
            f"<li><b>{kind}</b>: {html.escape(SEES[kind])}</li>" for kind in one.dominating
        )
        parts.append(
            f"<p><b>{html.escape(one.name)}</b>, {one.images} images. Dominating:</p>"
            + (f"<ul>{answers}</ul>" if answers else "<p>no kind stands out</p>")
            + frame.table(["Kind", "An image"], rows, name=f"kinds-{place}")
            + frame.table(["Wrong pixels", "Share"], pixels, name=f"pixels-{place}")
        )
    if len(proposal.errors) > MAX_CLASSES:
        count = len(proposal.errors) - MAX_CLASSES
        parts.append(f"<p>{count} classes with fewer wrong pixels are in advice.json.</p>")
    return "".join(parts)


def _class(one: ClassProfile, profile: Profile) -> str:
    return f"<p><b>{html.escape(one.name)}</b></p>{frame.definitions(described(one, profile))}"


def _charts(classes: Sequence[ClassProfile], ndim: int) -> str:
    cards = []
    for one in classes:
        if not one.shown:
            continue
        cavities = [float(shape.cavities) for shape in one.shown]
        samples = {
            "share of the pixels": [shape.share for shape in one.shown],
            "components per image": [float(shape.components) for shape in one.shown],
            "loops per image": [float(shape.loops) for shape in one.shown],
            **({"cavities per image": cavities} if ndim == 3 else {}),
            "width along the centre line, px": one.widths.tolist(),
            "size of components, log10 px": np.log10(np.maximum(one.sizes, 1)).tolist(),
        }
        for title, values in samples.items():
            middle = float(np.median(values)) if values else float("nan")
            chart = charts.histogram(
                values, mean=middle, low=float("nan"), high=float("nan"), label=title
            )
            name = html.escape(f"{one.name}: {title}")
            cards.append(
                f'<div class="card"><b>{name}</b><p class="quiet"><small>line: median</small></p>'
                f"{chart}</div>"
            )
    return "".join(cards)


def _configs(proposal: Proposal) -> str:
    return "".join(
        f'<p><b>{name}</b></p><pre class="card" style="overflow:auto">{html.escape(text)}</pre>'
        for name, text in printing.configs(proposal).items()
    )


def _rules(proposal: Proposal) -> str:
    cards = "".join(
        f'<div class="card"><b>{html.escape(one.rule.name)}</b>'
        f" {'fires' if one.verdict.fires else 'rejected'}: {html.escape(one.verdict.because)}"
        f"<p><small>about {html.escape(one.rule.losses)} · source: {html.escape(one.rule.source)}"
        f" · limits: {html.escape(one.rule.limits)}</small></p></div>"
        for one in proposal.considered
    )
    return f'<div class="grid half">{cards}</div>'
