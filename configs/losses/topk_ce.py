loss_decode = [dict(type="seglosses.TopKCrossEntropyLoss")]
