# Cross-entropy and the Jaccard metric loss, half of it averaged by image and half by class ("IC").
# "classes" and not "class": mmengine writes a key as a keyword, and dict(class=0.5) is no Python.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss", loss_weight=0.25),
    dict(
        type="seglosses.JaccardMetricLoss",
        smooth=1.0,
        average=dict(image=0.5, classes=0.5),
        loss_weight=0.75,
    ),
]
