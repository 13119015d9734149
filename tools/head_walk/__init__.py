"""Walk through the heads of MMSegmentation and MMDetection, see ``tools/heads.py``."""
