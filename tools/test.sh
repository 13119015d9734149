#!/usr/bin/env bash
# Installs everything into .venv-test and runs every check: ruff, mypy, codespell, and all tests
# with the slow ones. Needs Python 3.10 or later and, where no wheel is found, a C++ compiler.
#
#   bash tools/test.sh [PYTEST ARGUMENTS...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tools/environment.sh

VENV=.venv-test
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/seglosses/wheels"

# mmcv_wheel: prints the path of a wheel of mmcv with its compiled ops. Looked for beside the
# project, then in the user's cache; built and cached where there is none (half an hour on two
# cores). The cache is keyed on all that a compiled wheel depends on.
mmcv_wheel() {
  local python=$VENV/bin/python tag torch machine found
  tag="$("$python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')"
  torch="$("$python" -c 'import torch; print(torch.__version__.split("+")[0] + "-" + ("cu" + torch.version.cuda if torch.version.cuda else "cpu"))')"
  machine="$(uname -m)"
  if [ "$torch" = "2.13.0-cpu" ]; then
    for found in "../shared/wheels/onedl_mmcv-$MMCV-$tag-$tag-linux_$machine.whl"; do
      [ -f "$found" ] && { echo "$found"; return; }
    done
  fi
  local folder="$CACHE/mmcv-$MMCV-$tag-torch-$torch-$machine"
  if ! compgen -G "$folder/*.whl" > /dev/null; then
    echo "building mmcv $MMCV with its ops into $folder" >&2
    command -v g++ > /dev/null || die "building mmcv needs g++"
    pip_in "$VENV" install "setuptools<81" wheel ninja psutil packaging >&2
    # Without --no-build-isolation pip cannot see torch and leaves the ops out. ninja must be on
    # PATH, or the build falls back to one core.
    PATH="$PWD/$VENV/bin:$PATH" CFLAGS="-O1 -g0" MAX_JOBS="${MAX_JOBS:-$(nproc)}" \
      pip_in "$VENV" wheel --no-build-isolation --no-deps -w "$folder.part" "onedl-mmcv==$MMCV" >&2
    mv "$folder.part" "$folder"
  fi
  echo "$folder"/*.whl
}

# browser: Debian's Chromium for the tests that open pages, where apt is at hand and may install.
# Without one those tests skip and say so.
browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" > /dev/null && return
  done
  if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
    echo "installing chromium"
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } \
      > /dev/null 2>&1 || echo "no chromium to be had: tests of pages will skip"
  else
    echo "no browser, and no apt to install one: tests of pages will skip"
  fi
}

# engine: the released C++ engine of Betti matching, as an oracle. What it declares as dependencies
# is not needed for that, and would bring another torch.
engine() {
  "$VENV/bin/python" -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("topolosses"))' ||
    pip_in "$VENV" install --no-deps "topolosses==0.2.0" ||
    echo "no C++ engine to be had: comparisons with it will skip"
}

# kornia: Dice and Tversky with pooled classes, as an oracle. The rest of what it needs is there.
kornia() {
  "$VENV/bin/python" -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("kornia"))' ||
    pip_in "$VENV" install --no-deps "kornia==0.9.0" "kornia_rs==0.2.0" ||
    echo "no kornia to be had: comparisons with it will skip"
}

# rotate: MMRotate's detectors of oriented boxes. Its e2cnn and torchvision are not needed here.
rotate() {
  "$VENV/bin/python" -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("mmrotate"))' ||
    pip_in "$VENV" install --no-deps "onedl-mmrotate==1.2.1" ||
    echo "no mmrotate to be had: trainings of oriented detectors will skip"
}

# nnunet: the real nnU-Net in an environment of its own, for its torchvision must not meet the tests of
# other libraries. Where it cannot be had its trainings skip and say so.
nnunet() {
  local venv=.venv-nnunet held site
  make_venv "$venv"
  [ "$(cat "$venv/.installed-nnunet" 2>/dev/null)" = "$NNUNET" ] && return
  echo "installing nnU-Net $NNUNET"
  held="$(mktemp)"
  if install_torch "$venv" &&
    "$venv/bin/python" -c 'import torch; print("torch==" + torch.__version__)' > "$held" &&
    pip_in "$venv" install -c "$held" "nnunetv2==$NNUNET" -e .; then
    site="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    "$venv/bin/python" -c 'import torchvision' 2>/dev/null || {
      cp tests/hosts/nnunet/torchvision_operators.py "$site"
      echo 'import torchvision_operators' > "$site/torchvision_operators.pth"
    }
    echo "$NNUNET" > "$venv/.installed-nnunet"
  else
    echo "no nnU-Net to be had: its trainings will skip"
    rm -rf "$venv"
  fi
  rm -f "$held"
}

# recipes: the frameworks of docs/hosts that the tests of these pages run. They, or what they ask for,
# would bring another torch and torchvision, so they lie in a folder of their own, which those tests
# alone look into.
recipes() {
  local wanted="lightning==2.6.6 transformers==5.24.0 accelerate==1.15.0 huggingface-hub==2.4.0
    tokenizers==0.23.3 safetensors==0.8.0 httpx2 httpcore2 httpx httpcore h11 anyio hf-xet truststore
    segmentation-models-pytorch==0.6.0 timm==1.0.31 torchvision==0.28.0
    ultralytics==8.4.190 polars polars-runtime-32"
  local marker="$VENV/recipes/.installed"
  [ -f "$marker" ] && [ "$(cat "$marker")" = "$wanted" ] && return
  echo "installing the frameworks of docs/hosts"
  # shellcheck disable=SC2086
  { rm -rf "$VENV/recipes" && pip_in "$VENV" install --no-deps --target "$VENV/recipes" $wanted &&
    printf '%s' "$wanted" > "$marker"; } ||
    echo "not all frameworks of docs/hosts to be had: their pages will skip"
}

make_venv "$VENV"
install_torch "$VENV"
WHEEL="$(mmcv_wheel)"
SEGLOSSES_EXTRAS='.[test]' install_once "$VENV" tests "torch==$TORCH" "onedl-mmengine==$MMENGINE" \
  "$WHEEL" "onedl-mmsegmentation==$MMSEG" "onedl-mmdetection==$MMDET"
"$VENV/bin/python" -W ignore -c 'import mmcv.ops' ||
  die "$WHEEL does not fit this torch; delete it and run again"
engine
kornia
rotate
nnunet
recipes
browser

failed=0
check() {
  echo "== $*"
  "$VENV/bin/$1" "${@:2}" || failed=1
}
check ruff format --check .
check ruff check .
check mypy
check codespell
check seglosses doctor
# Several threads in each process only fight for the cores.
export OMP_NUM_THREADS=1
check python -m pytest --slow -q -n auto --dist worksteal --durations=15 "$@"
# Compiled kernels read memory without looking at its bounds, unless they are compiled to look.
# Numba's cache does not tell the two apart, so these get a folder of their own; and one process,
# which sees what was compiled. What follows keeps the other cores busy meanwhile.
checked="$(mktemp -d)"
NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR="$checked/cache" "$VENV/bin/python" -m pytest -q \
  -p no:cacheprovider tests/test_bounds.py tests/primitives tests/topology tests/metrics tests/losses \
  > "$checked/log" 2>&1 &
bounds=$!
trap 'kill "$bounds" 2> /dev/null || true; rm -rf "$checked"' EXIT
# The branches for other devices, taken by CPU tensors.
check python -m pytest --elsewhere -q -n auto --dist worksteal tests/losses tests/primitives tests/laws
# NumPy 1 beside what was built for NumPy 2, where a wheel of it fits this Python.
old="$VENV/numpy-1"
if [ -d "$old" ] ||
  pip_in "$VENV" install --no-deps --only-binary :all: --target "$old" "numpy==1.26.4"; then
  PYTHONPATH="$old" check python -m pytest -q -n auto --dist worksteal -p no:cacheprovider \
    tests/primitives tests/losses/topology
else
  echo "no NumPy 1.26 to be had for this Python: nothing ran on NumPy 1"
fi
echo "== kernels that look at their bounds"
wait "$bounds" || failed=1
cat "$checked/log"
exit "$failed"
