# A student of four channels learns from the label and from a trained UNet of eight (its teacher):
#
#   python tools/train.py configs/bricks/unet_128.py --work-dir work_dirs/teacher
#   python tools/train.py configs/bricks/distill_unet_128.py
#
# The losses are those of ../losses/extra/distill.py; see docs/extra_inputs.md.
_base_ = ["./unet_128.py"]
loss_decode = [
    dict(type="seglosses.CrossEntropyLoss", loss_weight=0.5),
    dict(type="seglosses.JaccardLoss", loss_weight=0.5),
    dict(type="seglosses.KLDistillationLoss", loss_weight=0.5),
    dict(type="seglosses.JaccardDistillationLoss", loss_weight=0.5),
]
model = dict(
    type="seglosses.ExtraInputsSegmentor",
    teacher=dict(config="configs/bricks/unet_128.py", checkpoint="work_dirs/teacher/iter_300.pth"),
    backbone=dict(base_channels=4),
    decode_head=dict(in_channels=4, channels=4, loss_decode=loss_decode),
)
