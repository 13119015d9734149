# Generated brick walls (`seglosses bricks`) at 128 x 128, otherwise as ../topomortar/unet_128.py.
_base_ = ["../topomortar/unet_128.py"]
data_root = "data/bricks"
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
