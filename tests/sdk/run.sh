#!/usr/bin/env bash
# Runs the vendors' SDKs against the sandbox. They are installed once, into the target folder.
#
#   run.sh            builds the command if need be, and runs all tests; the last line says `sdk: tested`, or why not
#   run.sh test_meta  those of one vendor
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

suite=sdk
source ../suite.sh

consign=$(../../scripts/build)
python_environment "$consign" "the SDKs"

export CONSIGN=$consign PYTHONDONTWRITEBYTECODE=1
code=0
# The SDKs warn of their own dependencies.
"$environment/bin/python" -W ignore -m unittest "${@:-discover}" || code=$?
[ "$code" = 0 ] && echo "sdk: tested" >&2
exit "$code"
