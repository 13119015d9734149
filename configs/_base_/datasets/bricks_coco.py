# Bricks as objects: folders in the TopoMortar layout after `seglosses to-coco ROOT`. Training sees
# crops at full size, for shrunk bricks are a few pixels high; whole images are tested.
data_preprocessor = dict(
    type="DetDataPreprocessor",
    mean=[127.5, 127.5, 127.5],
    std=[64.0, 64.0, 64.0],
    bgr_to_rgb=True,
    pad_size_divisor=32,
)
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
bricks = dict(
    type="CocoDataset",
    data_root="data/bricks",
    metainfo=dict(classes=("brick",)),
    data_prefix=dict(img=""),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(**bricks, ann_file="coco/train.json", pipeline=train_pipeline),
)
whole = dict(batch_size=1, num_workers=0, sampler=dict(type="DefaultSampler", shuffle=False))
tested = dict(**bricks, test_mode=True, pipeline=test_pipeline)
val_dataloader = dict(**whole, dataset=dict(**tested, ann_file="coco/val.json"))
test_dataloader = dict(**whole, dataset=dict(**tested, ann_file="coco/test.json"))
# A wall has hundreds of bricks; without an annotation file the boxes of each sample are read.
val_evaluator = [
    dict(type="CocoMetric", metric="bbox", proposal_nums=(100, 300, 1000)),
    dict(type="seglosses.DetectionMetric"),
]
test_evaluator = val_evaluator
