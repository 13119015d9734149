# Cross-entropy, and the squared earth mover's distance of ordered classes.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.SquaredEMDLoss"),
]
