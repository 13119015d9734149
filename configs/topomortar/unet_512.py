# TopoMortar's protocol (arXiv:2503.03365) as far as mmseg allows; wants a GPU of some 16 GB.
#
# As in the paper: whole 512 x 512 images normalised one by one, batch 10, instance norm, widths 32
# to 512, deep supervision with CE + Dice on the smaller heads and the compared loss on the full-
# resolution head, SGD with poly decay over 12000 iterations, half precision, gradient clipping,
# last checkpoint, all seven test groups.
#
# Deviations:
# - mmseg's UNet doubles its width at every stage without a cap, so it has 5 levels and 3 auxiliary
#   heads where MONAI's DynUNet has 8 and 6; heads weigh 2^-i / (1 + 1/2 + 1/4 + 1/8).
# - Upsampling is bilinear with a 1 x 1 convolution where DynUNet has transposed convolutions.
# - Augmentation lacks Gaussian smoothing, intensity scaling (two kinds) and low-resolution
#   simulation, which mmseg has no transform for; Gaussian noise has a standard deviation drawn
#   from [0, 0.1] each time; gamma keeps mean and spread in both variants; RandHue is left out.
# - Pixels that rotation or zoom brings in from outside are ignored.
# - No torch.compile, no self-distillation rounds.
_base_ = [
    "../_base_/models/unet_c32_deep.py",
    "../_base_/datasets/topomortar_512.py",
    "../_base_/schedules/sgd_12k.py",
    "../_base_/default_runtime.py",
    "../losses/ce_dice.py",
]
model = dict(decode_head=dict(loss_decode=_base_.loss_decode))
