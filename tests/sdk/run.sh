#!/usr/bin/env bash
# Runs the vendors' SDKs against the sandbox. They are installed once, into the target folder.
#
#   run.sh            builds the command if need be, and runs all tests; the last line says `sdk: tested`, or why not
#   run.sh test_meta  those of one vendor
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

not_tested() {
  echo "sdk: not tested ($*)" >&2
  exit 0
}

consign=$(../../scripts/build)
environment=$(dirname "$(dirname "$consign")")/sdk-$(sha256sum requirements.txt | cut -c1-12)
if [ ! -x "$environment/bin/python" ]; then
  new=$environment.new
  rm -rf "$new"
  command -v python3 >/dev/null || not_tested "the program python3 is missing"
  python3 -m venv "$new" >/dev/null 2>&1 || not_tested "Python cannot make an environment (the package python3-venv?)"
  "$new/bin/pip" install -q --disable-pip-version-check --retries 1 --timeout 20 -r requirements.txt || not_tested "pip cannot install the SDKs"
  mv "$new" "$environment"
fi

export CONSIGN=$consign PYTHONDONTWRITEBYTECODE=1
code=0
# The SDKs warn of their own dependencies.
"$environment/bin/python" -W ignore -m unittest "${@:-discover}" || code=$?
[ "$code" = 0 ] && echo "sdk: tested" >&2
exit "$code"
