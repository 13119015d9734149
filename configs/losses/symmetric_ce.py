loss_decode = [dict(type="seglosses.SymmetricCrossEntropyLoss")]
