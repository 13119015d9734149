#!/usr/bin/env bash
# From a clone to a scored, pictured comparison of two losses, trained through MMSegmentation.
#
#   bash tools/quickstart.sh                                  on generated brick walls
#   bash tools/quickstart.sh --data DIR [--labels pseudo]     on TopoMortar
#
# Makes .venv and installs what is needed there; a second run reuses all of it. Everything else,
# and every other option, is `seglosses demo` (see `seglosses demo --help`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/environment.sh

make_venv .venv
# Segmentation needs none of mmcv's compiled ops, and pip's isolated build leaves them out.
install_once .venv quickstart \
  "torch==$TORCH" "onedl-mmengine==$MMENGINE" "onedl-mmcv==$MMCV" "onedl-mmsegmentation==$MMSEG"

exec .venv/bin/python -m seglosses demo "$@"
