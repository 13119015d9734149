# Rank and sort loss for dense detection heads; each level of a pyramid is ranked by itself.
loss_cls = dict(type="seglosses.RankSortLoss", use_sigmoid=True)
