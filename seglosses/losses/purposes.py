"""What losses are for, in single words: the tags of classes, and other words for them."""

from __future__ import annotations

#: Every tag, and what a loss that has it is good for.
TAGS: dict[str, str] = {
    "boundary": "contours in their place",
    "calibration": "probabilities that mean what they say",
    "cell": "touching cells, nuclei and membranes",
    "detection": "boxes of objects, and their scores",
    "explanation": "where a network looks",
    "features": "vectors that separate classes",
    "general": "any images, as the loss beside which others stand",
    "imbalance": "classes of very different size",
    "lesion": "rare foreground on a large background",
    "multilabel": "several labels per pixel",
    "noise": "wrong annotations",
    "partial": "images of which some classes, or some pixels, were not labelled",
    "quality": "scores of boxes that say how well the boxes fit",
    "relation": "classes with an order, a tree, or rules for which may touch",
    "rotated": "oriented boxes",
    "salient": "salient objects and mattes",
    "score": "a metric made differentiable",
    "small": "objects of few pixels",
    "soft": "labels that are probabilities",
    "teacher": "a trained network as the label",
    "thin": "vessels, roads, cracks and other long, thin structures",
    "topology": "components, loops and holes, counted right",
    "unlabelled": "images without labels",
    "volume": "volumes only",
    "weak": "boxes, sizes or colours in place of masks",
}

#: Words that people use, and the tag that each means.
SYNONYMS: dict[str, str] = {
    word: tag
    for tag, words in {
        "boundary": "border borders boundaries contour contours edge edges hausdorff hd95 surface",
        "calibration": "calibrated confidence ece overconfidence uncertainty",
        "cell": "cells instance instances membrane membranes nuclei nucleus organelle touching",
        "detection": "bbox box boxes detector detectors detr objects",
        "explanation": "attention attribution attributions interpretability saliency",
        "features": "contrast contrastive embedding embeddings",
        "general": "baseline default first start",
        "imbalance": "imbalanced long-tail long-tailed unbalanced",
        "lesion": "bleeding defect lesions nodule nodules polyp rare tumor tumors tumour tumours",
        "multilabel": "multi-label sigmoid",
        "noise": "label-noise noisy robust wrong",
        "partial": "incomplete multi-organ organ organs partially unlabeled",
        "quality": "rank ranking",
        "relation": "adjacency anatomy exclusion hierarchical hierarchy inclusion ordinal ordered"
        " tree",
        "rotated": "aerial oriented rotation",
        "salient": "matting matte",
        "score": "f1 miou",
        "small": "tiny",
        "soft": "annotators probabilistic",
        "teacher": "distil distill distillation student",
        "thin": "airway airways artery arteries centerline centreline crack cracks curvilinear"
        " fiber fibers fibre fibres mortar nerve nerves neurite neurites neuron neurons retina"
        " retinal river rivers road roads skeleton tubular vessel vessels wire wires",
        "topology": "betti bridge bridges broken connected connectivity gap gaps hole holes loop"
        " loops topological unbroken",
        "unlabelled": "adaptation pseudo-label pseudo-labels semi-supervised unsupervised",
        "volume": "3d ct mri volumes",
        "weak": "box-supervised point points scribble scribbles weakly",
    }.items()
    for word in words.split()
}


def tag_of(word: str) -> str | None:
    """The tag that a word means, None for any other word.

    Example:
        >>> tag_of("vessel"), tag_of("Thin"), tag_of("focal")
        ('thin', 'thin', None)
    """
    lower = word.lower()
    return lower if lower in TAGS else SYNONYMS.get(lower)
