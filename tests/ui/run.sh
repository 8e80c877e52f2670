#!/usr/bin/env bash
# Tests the browser interface: that its client is of the API that there is, what its screens do without a screen, and a
# story in a real browser against a real server with the demo workspace.
#
#   run.sh   builds the command if need be, and runs them; the last line says `ui: tested`, or what was not and why
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../ui"

not_tested() {
  echo "ui: not tested ($*)" >&2
  exit 0
}

consign=$(../scripts/build)
"$consign" openapi | cmp -s - openapi.json || {
  echo "ui/openapi.json is not what \`consign openapi\` prints: write it anew, and build the interface again" >&2
  exit 1
}
[ -e node_modules/.package-lock.json ] || not_tested "npm, or its packages, are missing"
npm run --silent test >&2

chromium=${CHROMIUM:-$(command -v chromium || true)}
[ -n "$chromium" ] || not_tested "in a browser: the program chromium is missing"

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

CONSIGN_URL=$address CHROMIUM=$chromium npm run --silent e2e >&2
echo "ui: tested" >&2
