loss_decode = [dict(type="seglosses.SoftBootstrappingLoss")]
