"""How serious a broken law is: an ordinary training, an edge, or a convention."""

from __future__ import annotations

from typing import Literal

Grade = Literal["ordinary", "edge", "convention"]

MEANINGS: dict[Grade, str] = {
    "ordinary": "an ordinary training meets it",
    "edge": "only input at the edge of what is valid meets it",
    "convention": "a choice of definition that others make differently; no defect",
}
#: Laws whose input is rare in a training.
EDGES = frozenset(
    {
        "all_ignored_is_a_zero_with_a_graph",
        "caller_is_left_alone",
        "degenerate_boxes_are_finite",
        "degenerate_inputs_are_finite",
        # mixed precision computes softmax, sums and decoded boxes in float32
        "half_precision_agrees",
        "no_boxes_cost_zero",
        "one_slice_equals_two_dimensions",
        "one_valid_pixel_is_enough",
        "order_in_memory_is_irrelevant",
        "own_probabilities_are_finite",
        # a loss for the current GPU trains there
        "stays_on_its_device",
    }
)
#: Laws that our losses keep, and that a loss may break by its definition.
CONVENTIONS = frozenset(
    {
        "a_class_weighs_as_a_class",
        "absent_class_does_not_matter",
        "every_channel_is_a_foreground",
        "missed_rare_class_costs",
    }
)


def grade_of(law: str) -> Grade:
    """The grade of a law, by its name.

    Example:
        >>> grade_of("perfect_prediction_costs_zero"), grade_of("no_boxes_cost_zero")
        ('ordinary', 'edge')
    """
    if law in CONVENTIONS:
        return "convention"
    return "edge" if law in EDGES else "ordinary"
