#!/usr/bin/env bash
# Tests the browser interface: that its client is of the API that there is, what its screens do without a screen, and a
# story in a real browser against a real server with the demo workspace.
#
#   run.sh   builds the command if need be, and runs them; the last line says `ui: tested`, or what was not and why
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../ui"

suite=ui
source ../tests/suite.sh

consign=$(../scripts/build)
"$consign" openapi | cmp -s - openapi.json || {
  echo "ui/openapi.json is not what \`consign openapi\` prints: write it anew, and build the interface again" >&2
  exit 1
}
[ -e node_modules/.package-lock.json ] || not_tested "npm, or its packages, are missing"
npm run --silent test >&2

chromium=${CHROMIUM:-$(command -v chromium || true)}
[ -n "$chromium" ] || not_tested "in a browser: the program chromium is missing"

serve_demo "$consign"
CONSIGN_URL=$address CONSIGN_PASSWORD=$password CHROMIUM=$chromium npm run --silent e2e >&2
echo "ui: tested" >&2
