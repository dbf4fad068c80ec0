#!/bin/sh
# Print the path of the Python that the Makefile starts from: $PYTHON, or the newest on PATH that is 3.11 or later
# and can make a virtual environment. Without one, say what to install.
set -eu

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3.14 python3.13 python3.12 python3.11 python3
fi

without_venv=
for name; do
    # A command on PATH may still be a stub that only prints advice (pyenv, macOS): ask it.
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1 || continue
    if "$name" -c 'import ensurepip, venv' </dev/null >/dev/null 2>&1; then
        command -v "$name"
        exit 0
    fi
    without_venv="$without_venv $name"
done

if [ -n "$without_venv" ]; then
    echo "error:$without_venv cannot make virtual environments: the venv or ensurepip module is missing." >&2
    echo "On Debian and Ubuntu: sudo apt install python3-venv" >&2
elif [ -n "${PYTHON:-}" ]; then
    echo "error: PYTHON=$PYTHON is not a Python 3.11 or later that runs." >&2
else
    echo "error: no Python 3.11 or later on PATH (looked for: $*)." >&2
    echo "Install one, or name it: make <target> PYTHON=/path/to/python3.13" >&2
fi
exit 1
