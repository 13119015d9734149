"""Changes of comparisons of folders."""

_C = "seglosses/compare"

MUTATIONS = [
    (
        f"{_C}/paired.py",
        "yield _row(head, MACRO, ends, reach, of_images), of_classes(gaps, inside)",
        "yield _row(head, MACRO, ends, reach, of_images), of_classes(found, inside) + ends[1]",
        "tests/compare",
    ),
    (
        f"{_C}/sizes.py",
        "if row.objects or row.spurious_first or row.spurious_second:",
        "if row.objects:",
        "tests/compare",
    ),
    (
        f"{_C}/paired.py",
        'wins, losses = (up, down) if better == "higher" else (down, up)',
        "wins, losses = up, down",
        "tests/compare",
    ),
    (
        f"{_C}/paired.py",
        "known = np.isfinite(gaps)",
        "known = np.isfinite(before)",
        "tests/compare",
    ),
    (
        f"{_C}/sizes.py",
        "areas[touched] = 0",
        "areas[touched] *= 1",
        "tests/compare",
    ),
    (
        f"{_C}/sizes.py",
        "mine = (size > limits[0]) & (size <= limits[1])",
        "mine = (size >= limits[0]) & (size < limits[1])",
        "tests/compare",
    ),
]
