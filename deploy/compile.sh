#!/bin/sh
# The wheel with its core compiled (docs/adr/0021), unpacked into a directory that PYTHONPATH can name.
#   deploy/compile.sh OUT     PYTHON=… for another interpreter: with lotrinh's dependencies and its extra `compile`
# From a copy: a compiled module beside a source that is edited would be imported in its stead.
set -eu
out=${1:?where to?}
python=${PYTHON:-python3}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/lotrinh"
cp -r setup.py pyproject.toml README.md models streams "$work/lotrinh"
LOTRINH_COMPILE=1 "$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
  --wheel-dir "$work" "$work/lotrinh"
rm -rf "$out"
"$python" -m zipfile -e "$work"/lotrinh-*.whl "$out"
