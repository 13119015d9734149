# Matchability-aware loss of DEIM: badly matched objects keep their weight.
loss_cls = dict(type="seglosses.MatchabilityAwareLoss", use_sigmoid=True)
