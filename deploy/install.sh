#!/bin/sh
# Install the locked packages and this project into a virtual environment: install.sh VENV LOCK
# With uv where it is there (seconds), else with Python's own venv and pip (a minute).
set -eu
venv=$1
lock=$2

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        # Run it: a name on PATH may be a shim for a version that is not there.
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null
        then
            command -v "$name"
            return
        fi
    done
    found=$(python3 --version 2>/dev/null || echo "no Python 3")
    echo "citywx needs Python 3.11 to 3.14; found: $found." >&2
    echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name it: make install PYTHON=/path/to/python3.11" >&2
    exit 1
}

works() {
    "$venv/bin/python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null
}

if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
    works || uv venv --quiet --clear --no-python-downloads --python "$(find_python)" "$venv"
    echo "installing $lock with uv"
    VIRTUAL_ENV=$venv uv pip install --quiet --require-hashes -r "$lock"
    VIRTUAL_ENV=$venv uv pip install --quiet --no-deps --no-build-isolation --editable .
    exit 0
fi

if ! works; then
    python=$(find_python)
    if ! "$python" -m venv --clear "$venv"; then
        echo "Python's venv module is not complete (Debian, Ubuntu: apt-get install python3-venv)." >&2
        exit 1
    fi
fi
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip --default-pip >/dev/null
echo "installing $lock with pip; this takes about a minute"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
