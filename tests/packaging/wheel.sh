#!/usr/bin/env bash
# The wheel in wheelhouse/ does its work in a bare virtual environment: no compiler on the PATH,
# nothing of the checkout, one real photograph from a folder to a search hit and a site.
set -euo pipefail
cd "$(dirname "$0")/../.."
photograph=$(.venv/bin/python -c 'from importlib.resources import files; print(files("skimage.data") / "coffee.png")')
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
python3 -m venv "$home/venv"
mkdir "$home/photos"
cp "$photograph" "$home/photos/breakfast.png"
bare() { (cd "$home" && env -u PYTHONPATH HOME="$home" PATH="$home/venv/bin" "$@"); }

"$home/venv/bin/python" -m pip install --quiet --disable-pip-version-check wheelhouse/*.whl
bare picturerail init photos
bare picturerail sync
bare picturerail search drink | grep breakfast.png
bare picturerail export
bare picturerail check --deep
bare picturerail service install --user --directory "$home/units"
test -s "$home/picturerail-site/index.html"
echo "The wheel works in a bare environment."
