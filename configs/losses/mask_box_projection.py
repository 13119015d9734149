# Labels that are filled boxes: the projections must agree. Add PairwiseAffinityLoss where the
# image is at hand (extra/box_supervised.py).
loss_decode = [dict(type="seglosses.BoxProjectionLoss")]
