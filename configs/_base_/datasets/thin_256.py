# Thin structures at the resolution they were labelled in: training crops of 256 x 256, whole images
# tested; for folders in the TopoMortar layout, as `seglosses arrange` makes them.
_base_ = "./topomortar_128.py"
data_root = "data/thin"
image_size = None  # nothing is shrunk
crop_size = (256, 256)

train_pipeline = [
    dict(
        type="seglosses.Remember",
        transforms=[dict(type="LoadImageFromFile"), dict(type="LoadAnnotations")],
    ),
    dict(type="RandomCrop", crop_size=crop_size),
    *_base_.train_pipeline[2:],
]
test_pipeline = [*_base_.test_pipeline[:2], *_base_.test_pipeline[3:]]
train_dataloader = dict(batch_size=2, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(batch_size=1, dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=1, dataset=dict(data_root=data_root, groups=None, pipeline=test_pipeline)
)
