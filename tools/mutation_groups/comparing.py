"""Changes of comparisons of folders, and of what advice rests on."""

_C = "seglosses/compare"
_A = "seglosses/advise"

MUTATIONS = [
    (
        f"{_C}/paired.py",
        'wins, losses = (up, down) if better == "higher" else (down, up)',
        "wins, losses = up, down",
        "tests/compare/test_compare.py",
    ),
    (
        f"{_C}/paired.py",
        "known = np.isfinite(gaps)",
        "known = np.isfinite(before)",
        "tests/compare/test_compare.py",
    ),
    (
        f"{_C}/sizes.py",
        "areas[touched] = 0",
        "areas[touched] *= 1",
        "tests/compare/test_compare.py",
    ),
    (
        f"{_C}/sizes.py",
        "mine = (size > limits[0]) & (size <= limits[1])",
        "mine = (size >= limits[0]) & (size < limits[1])",
        "tests/compare/test_compare.py",
    ),
    (
        f"{_A}/measures.py",
        "if side.stop == size:",
        "if side.stop == size - 1:",
        "tests/advise",
    ),
    (
        f"{_A}/measures.py",
        "specks=int(np.count_nonzero(sizes == 1)),",
        "specks=int(np.count_nonzero(sizes <= 2)),",
        "tests/advise",
    ),
]
