# Cross-entropy and Dice, with Topograph at a tenth: it prices critical regions only. For images of
# 128 px; on membranes of 512 px it was 94 % of the gradient and cost 0.075 Dice (docs/evidence.md).
# For larger ones see ce_dice_topograph_gentle.
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss"),
    dict(type="seglosses.DiceLoss"),
    dict(type="seglosses.TopographLoss", loss_weight=0.1),
]
