loss_decode = [dict(type="seglosses.HardBootstrappingLoss")]
