# Cross-entropy, and agreement with the auxiliary head. Needs a model of type
# seglosses.ExtraInputsSegmentor with second_branch=True.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.BranchConsistencyLoss", loss_weight=0.1),
]
