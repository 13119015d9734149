# TopoMortar's setting "randhue": unet_512.py and, after all other augmentation, images in one random
# hue with more saturation and brightness half of the time.
_base_ = ["./unet_512.py"]
train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type="seglosses.RandomHue", prob=0.5, gain=0.5),
    _base_.train_pipeline[-1],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
