#!/usr/bin/env bash
# Has runs told of by e-mail, to a real mail server on this machine. It is installed once, into the target folder.
#
#   run.sh   builds the command if need be, and runs all tests; the last line says `mail: tested`, or why not
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

suite=mail
source ../suite.sh

consign=$(../../scripts/build)
python_environment "$consign" "a mail server"

export CONSIGN=$consign PYTHONDONTWRITEBYTECODE=1
"$environment/bin/python" -m unittest "${@:-discover}"
echo "mail: tested" >&2
