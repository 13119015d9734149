# Cross-entropy and the Jaccard metric loss of labels that are softened at class boundaries.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss", boundary_smoothing=0.5, loss_weight=0.25),
    dict(
        type="seglosses.JaccardMetricLoss",
        smooth=1.0,
        boundary_smoothing=dict(epsilon=0.5, kernel_size=3),
        loss_weight=0.75,
    ),
]
