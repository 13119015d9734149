# Bricks as objects: folders in the TopoMortar layout after `seglosses to-coco ROOT`. Training sees
# crops at full size, for shrunk bricks are a few pixels high; whole images are tested.
dataset_type = "CocoDataset"
data_root = "data/bricks"
metainfo = dict(classes=("brick",))
crop_size = (128, 128)
meta_keys = ("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")

train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="RandomCrop", crop_size=crop_size, allow_negative_crop=True),
    dict(type="FilterAnnotations", min_gt_bbox_wh=(2, 2), keep_empty=False),
    dict(type="RandomFlip", prob=[0.25, 0.25], direction=["horizontal", "vertical"]),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale_factor=1.0),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="PackDetInputs", meta_keys=(*meta_keys, "instances")),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        metainfo=metainfo,
        ann_file="coco/train.json",
        data_prefix=dict(img=""),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        metainfo=metainfo,
        ann_file="coco/val.json",
        data_prefix=dict(img=""),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        metainfo=metainfo,
        ann_file="coco/test.json",
        data_prefix=dict(img=""),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
# A wall has hundreds of bricks; without an annotation file the boxes of each sample are read.
val_evaluator = [
    dict(type="CocoMetric", metric="bbox", proposal_nums=(100, 300, 1000)),
    dict(type="seglosses.DetectionMetric"),
]
test_evaluator = val_evaluator
