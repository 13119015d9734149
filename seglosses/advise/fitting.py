"""What of a proposal a framework can use: its order of axes, and losses that fit its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seglosses.advise.proposal import Proposal
from seglosses.advise.terms import Term

SPACED = ("LogHausdorffDTLoss",)
"""Proposable losses that measure distances."""

IGNORED = 255
"""What losses ignore unless told otherwise."""


def for_arrays(proposal: Proposal) -> list[Term]:
    """Terms for label arrays as the files hold them.

    Args:
        proposal: What to train with.

    Returns:
        Terms whose options are complete.
    """
    ignored = proposal.files.ignore_index
    found = _spaced(proposal.terms, proposal.files.spacing)
    if ignored in (None, IGNORED):
        return found
    return [replace(term, options={**term.options, "ignore_index": ignored}) for term in found]


def for_slices(proposal: Proposal) -> tuple[list[Term], list[Term]]:
    """Terms for a head of MMSegmentation: of volumes it sees slices, across the longest edge.

    Its images have rows and columns. The head itself says which value is ignored.

    Args:
        proposal: What to train with.

    Returns:
        Terms, and those that are left out because a slice has other numbers than its volume.
    """
    edges = proposal.files.spacing
    if proposal.ndim == 3:
        edges = (longest_first(edges) or ())[1:]
    if edges and proposal.files.backwards:
        edges = edges[::-1]
    kept, left = [], []
    for term in proposal.terms:
        if proposal.ndim == 3 and "betti" in term.options:
            left.append(term)
        else:
            # a slice is smaller than a crop of its volume
            options = {name: value for name, value in term.options.items() if name != "crop"}
            kept.append(replace(term, options=options))
    return _spaced(kept, edges), left


def for_nnunet(proposal: Proposal) -> list[Term]:
    """Terms for nnU-Net, which takes the ignored value from its dataset.json.

    Its readers give slices, rows, columns, and its plans put the longest edge of volumes first.

    Args:
        proposal: What to train with.

    Returns:
        Terms whose options are complete.
    """
    edges = proposal.files.spacing
    if edges and proposal.files.backwards:
        edges = edges[::-1]
    if proposal.ndim == 3:
        edges = longest_first(edges)
    return _spaced(proposal.terms, edges)


def longest_first(edges: Sequence[float] | None) -> tuple[float, ...] | None:
    """Edges of a voxel, the longest in front and the others in their order.

    Args:
        edges: One per axis; None where they are unknown.

    Example:
        >>> longest_first((0.5, 0.7, 5.0)), longest_first((1.0, 1.0, 1.0))
        ((5.0, 0.5, 0.7), (1.0, 1.0, 1.0))
    """
    if edges is None:
        return None
    longest = max(range(len(edges)), key=lambda axis: edges[axis])
    return (edges[longest], *(edge for axis, edge in enumerate(edges) if axis != longest))


def _spaced(terms: Sequence[Term], edges: Sequence[float] | None) -> list[Term]:
    """The same, with the edges of a pixel where a loss measures distances and they differ."""
    if not edges or max(edges) <= 1.01 * min(edges):
        return list(terms)
    spacing = [float(f"{edge:.4g}") for edge in edges]
    return [
        replace(term, options={**term.options, "spacing": spacing}) if term.loss in SPACED else term
        for term in terms
    ]
