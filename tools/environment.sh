# Sourced by quickstart.sh and test.sh: the versions that are known to work together, and how an
# environment is made of them.

TORCH=2.13.0
MMENGINE=0.10.12
MMCV=2.3.6
MMSEG=1.4.2
MMDET=3.5.1
NNUNET=2.8.1

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# make_venv DIR: a virtual environment, unless it is there.
make_venv() {
  [ -x "$1/bin/python" ] && return
  local python
  for python in python3.11 python3.12 python3.10 python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      echo "making $1 with $("$python" --version)"
      "$python" -m venv "$1" || die "python's venv failed (Debian: apt install python3-venv)"
      return
    fi
  done
  die "needs Python 3.10 or later, found none"
}

# pip_in DIR WORDS...: the environment's pip, without its chatter.
pip_in() {
  "$1/bin/python" -m pip --disable-pip-version-check -q "${@:2}"
}

# install_torch DIR: the known torch, unless there is one already (a CUDA build, say).
install_torch() {
  "$1/bin/python" -c 'import torch' 2>/dev/null && return
  echo "installing torch $TORCH"
  pip_in "$1" install "torch==$TORCH" numpy
}

# install_once DIR NAME REQUIREMENTS...: requirements and this package, unless a marker says that
# exactly these are installed. torch comes first and is then held where it is.
install_once() {
  local venv=$1 name=$2
  shift 2
  local marker="$venv/.installed-$name" wanted
  wanted="$(printf '%s\n' "$@"; cksum pyproject.toml setup.py)"
  [ -f "$marker" ] && [ "$(cat "$marker")" = "$wanted" ] && return
  install_torch "$venv"
  echo "installing $name: $(printf '%s\n' "$@" | grep -v '^torch==' | tr '\n' ' ')"
  local held
  held="$(mktemp)"
  "$venv/bin/python" -c 'import torch; print("torch==" + torch.__version__)' > "$held"
  printf '%s\n' "$@" | grep -v '^torch==' | tr '\n' '\0' |
    xargs -0 "$venv/bin/python" -m pip --disable-pip-version-check -q install -c "$held"
  pip_in "$venv" install -c "$held" -e "${SEGLOSSES_EXTRAS:-.}"
  rm -f "$held"
  printf '%s' "$wanted" > "$marker"
}
