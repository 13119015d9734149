# Cross-entropy and Lovász-softmax, for mIoU.
loss_decode = [dict(type="seglosses.CrossEntropyLoss"), dict(type="seglosses.LovaszSoftmaxLoss")]
