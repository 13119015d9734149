loss_decode = [dict(type="seglosses.OHEMCrossEntropyLoss")]
