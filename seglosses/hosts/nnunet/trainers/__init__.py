"""Trainers for nnU-Net v2, and nothing else: nnU-Net imports every module of this folder."""
