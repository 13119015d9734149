# Cross-entropy with class weights counted in each batch.
loss_decode = [dict(type="seglosses.BalancedCrossEntropyLoss")]
