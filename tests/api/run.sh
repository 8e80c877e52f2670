#!/usr/bin/env bash
# Asks the API all that its document allows, and much that it forbids, with schemathesis: no answer may be a failure of
# ours, none other than the document says. It is installed once, into the target folder.
#
#   run.sh   builds the command if need be, and runs it; the last line says `api: tested`, or why not
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

not_tested() {
  echo "api: not tested ($*)" >&2
  exit 0
}

consign=$(../../scripts/build)
environment=$(dirname "$(dirname "$consign")")/api-$(sha256sum requirements.txt | cut -c1-12)
if [ ! -x "$environment/bin/schemathesis" ]; then
  rm -rf "$environment"
  command -v python3 >/dev/null || not_tested "the program python3 is missing"
  python3 -m venv "$environment" >/dev/null 2>&1 || not_tested "Python cannot make an environment (the package python3-venv?)"
  "$environment/bin/pip" install -q --disable-pip-version-check --retries 1 --timeout 20 -r requirements.txt ||
    { rm -rf "$environment"; not_tested "pip cannot install schemathesis"; }
fi

work=$(mktemp -d)
started=()
end() {
  for process in "${started[@]}"; do
    kill "$process" 2>/dev/null && wait "$process" || true
  done
  rm -rf "$work"
}
trap end EXIT

address_in() { # file, process: the address that it says
  until grep -q 'http://' "$1"; do
    kill -0 "$2" 2>/dev/null || { cat "$1" >&2; exit 1; }
    sleep 0.1
  done
  grep -m 1 -o 'http://.*' "$1"
}

"$consign" demo "$work/demo" --quiet >/dev/null
"$consign" sandbox --port 0 --state "$work/demo/.sandbox" >"$work/sandbox" 2>&1 &
started+=($!)
sandbox=$(address_in "$work/sandbox" $!)
"$consign" serve --data "$work/demo/.consign" --sandbox-url "$sandbox" --listen 127.0.0.1:0 2>"$work/log" &
started+=($!)
address=$(address_in "$work/log" $!)

# What is told of a run ends with the run, and so may not end for as long as this would wait.
here=$PWD
cd "$work" # what it notes goes with the rest
"$environment/bin/schemathesis" --config-file "$here/schemathesis.toml" run "$address/api/v1/openapi.json" \
  --max-examples "${CONSIGN_EXAMPLES:-20}" --phases examples,coverage,fuzzing --workers 2 --request-timeout 60 --no-color \
  --exclude-path-regex '/events$' --generation-database none >"$work/report" 2>&1 || { cat "$work/report" "$work/log" >&2; exit 1; }
grep -E 'generated|passed' "$work/report" >&2 || true
echo "api: tested" >&2
