# Independent channels, weighed by the gradients that each had so far: for heads with a sigmoid.
loss_decode = [dict(type="seglosses.EQLv2Loss")]
