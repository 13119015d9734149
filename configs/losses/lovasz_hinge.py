# Lovász hinge: every channel against the rest.
loss_decode = [dict(type="seglosses.LovaszHingeLoss", use_sigmoid=True)]
