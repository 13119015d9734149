"""What several losses or metrics measure: each statistic once, for NumPy or torch.

Labels become one-hot in :mod:`~seglosses.primitives.encoding`, ``avg_factor`` is interpreted in
:mod:`~seglosses.primitives.reduction`; soft counts are in :mod:`~seglosses.primitives.overlap`,
comparisons of boxes in :mod:`~seglosses.primitives.boxes`, distance maps in
:mod:`~seglosses.primitives.distance`.
"""
