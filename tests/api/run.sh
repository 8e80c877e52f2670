#!/usr/bin/env bash
# Asks the API all that its document allows, and much that it forbids, with schemathesis: no answer may be a failure of
# ours, none other than the document says. It is installed once, into the target folder.
#
#   run.sh   builds the command if need be, and runs it; the last line says `api: tested`, or why not
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

suite=api
source ../suite.sh

consign=$(../../scripts/build)
python_environment "$consign" schemathesis
serve_demo "$consign"

# What is told of a run ends with the run, and so may not end for as long as this would wait.
here=$PWD
token=$("$consign" tokens add schemathesis --user ada --role admin --quiet)
cd "$work" # what it notes goes with the rest
"$environment/bin/python" -m schemathesis.cli --config-file "$here/schemathesis.toml" run "$address/api/v1/openapi.json" \
  --header "Authorization: Bearer $token" --max-examples "${CONSIGN_EXAMPLES:-20}" --phases examples,coverage,fuzzing --workers 2 --request-timeout 60 --no-color \
  --exclude-path-regex '/events$' --generation-database none >"$work/report" 2>&1 || { cat "$work/report" "$work/log" >&2; exit 1; }
grep -E 'generated|passed' "$work/report" >&2 || true
echo "api: tested" >&2
