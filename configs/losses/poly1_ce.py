# Poly-1 cross-entropy: easy pixels count more.
loss_decode = [dict(type="seglosses.Poly1CrossEntropyLoss", epsilon=1.0)]
