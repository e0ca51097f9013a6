#!/bin/sh
# Run a module of this checkout with a Python that is new enough; on a machine without one, root gets it installed.
set -eu
cd "$(dirname "$0")/../.."
new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c "$new_enough" 2>/dev/null; then
            python=$(command -v "$name")
            return 0
        fi
    done
    return 1
}

if ! find_python; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "No Python 3.11 or newer here: installing Debian's python3 and python3-venv."
        said=$(apt-get update -qq 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends python3 python3-venv ca-certificates 2>&1) || echo "$said" >&2
    fi
    if ! find_python; then
        echo "Python 3.11 or newer is needed and was not found." >&2
        echo "An administrator installs it with: apt-get install python3 python3-venv" >&2
        exit 1
    fi
fi
PYTHONPATH="$(pwd)${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONPATH
module=$1
shift
exec "$python" -m "$module" "$@"
