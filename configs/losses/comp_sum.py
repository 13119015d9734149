# Comp-sum loss between cross-entropy and mean absolute error.
loss_decode = [dict(type="seglosses.CompSumLoss", tau=1.5)]
