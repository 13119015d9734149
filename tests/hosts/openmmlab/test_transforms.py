from __future__ import annotations

import numpy as np
import pytest

from seglosses.hosts.openmmlab.transforms import NormalizeEachImage, Remember, ShrinkByArea


def sample(labels):
    labels = np.array(labels, dtype=np.uint8)
    image = np.repeat(labels[..., None] * 100, 3, axis=-1).astype(np.uint8)
    return {"img": image, "gt_seg_map": labels, "seg_fields": ["gt_seg_map"]}


def test_a_pixel_belongs_to_the_class_that_covers_most_of_it():
    # left block: three of four pixels are 1; right block: two of four, a tie, goes to 0
    results = ShrinkByArea((1, 2))(sample([[1, 1, 1, 0], [1, 0, 0, 1]]))
    assert results["gt_seg_map"].tolist() == [[1, 0]]
    assert results["img"][0, :, 0].tolist() == [75, 50]
    assert results["img"].dtype == np.uint8
    assert results["ori_shape"] == results["img_shape"] == (1, 2)


def test_nearest_neighbour_would_have_broken_this_line():
    # A line three pixels wide that shifts by one halfway; every second row and column has gaps.
    labels = np.zeros((8, 8), dtype=np.uint8)
    labels[3:6, :4] = 1
    labels[4:7, 4:] = 1
    shrunk = ShrinkByArea((4, 4))(sample(labels))["gt_seg_map"]
    assert shrunk.any(axis=0).all()


def test_ignored_pixels_stay_ignored():
    results = ShrinkByArea((1, 1))(sample([[255, 255], [255, 0]]))
    assert results["gt_seg_map"].tolist() == [[255]]


def test_same_size_changes_nothing():
    given = sample([[0, 1], [1, 0]])
    results = ShrinkByArea((2, 2))(dict(given))
    assert np.array_equal(results["gt_seg_map"], given["gt_seg_map"])
    assert np.array_equal(results["img"], given["img"])


def test_enlarging_is_refused():
    with pytest.raises(ValueError, match=r"at least \(4, 4\), got \(2, 2\)"):
        ShrinkByArea((4, 4))(sample([[0, 1], [1, 0]]))


def test_each_image_is_normalised_by_itself():
    image = np.zeros((2, 2, 2), dtype=np.uint8)
    image[..., 0] = [[1, 3], [3, 1]]  # mean 2, deviation 1
    image[..., 1] = 7  # constant
    normal = NormalizeEachImage()({"img": image})["img"]
    assert normal[..., 0].tolist() == [[-1, 1], [1, -1]]
    assert not normal[..., 1].any()
    assert normal.dtype == np.float32


def test_remember_does_steps_once_and_hands_out_copies():
    done = []

    def read(results):
        done.append(results["img_path"])
        return {**results, "img": np.zeros(3)}

    step = Remember([read])
    first = step({"img_path": "a", "seg_map_path": "b"})
    first["img"] += 1
    assert step({"img_path": "a", "seg_map_path": "b"})["img"].sum() == 0
    assert step({"img_path": "c", "seg_map_path": "b"})["img_path"] == "c"
    assert done == ["a", "c"]
    assert "Remember" in repr(step)
