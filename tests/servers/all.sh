#!/usr/bin/env bash
# Starts every server that can be started here (and installs what is missing, where it can), and stops them after.
#
#   all.sh run -- COMMAND...   runs a command with the servers' variables set; ends with its exit code
#   all.sh run s3 sftp -- COMMAND...   the same with those servers only
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() {
  echo "usage: $0 run [SERVER...] -- COMMAND..." >&2
  exit 2
}

[ "${1:-}" = run ] || usage
shift
servers=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  servers+=("$1")
  shift
done
[ $# -ge 2 ] || usage
shift
[ ${#servers[@]} -gt 0 ] || servers=(s3 gcs azure sftp postgres clock)

folder=$(mktemp -d "${TMPDIR:-/tmp}/consign-servers.XXXXXX")
chmod 755 "$folder"
started=()
finish() {
  local server
  for server in "${started[@]}"; do "$here/$server.sh" stop "$folder/$server" || true; done
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

summary=()
for server in "${servers[@]}"; do
  echo "starting $server" >&2
  mkdir -p "$folder/$server"
  if "$here/$server.sh" install >"$folder/out" 2>"$folder/err" &&
    started+=("$server") && "$here/$server.sh" start "$folder/$server" >"$folder/out" 2>"$folder/err"; then
    while IFS= read -r line; do export "${line?}"; done <"$folder/out"
    summary+=("$server: tested")
  else
    summary+=("$server: not tested ($(tail -1 "$folder/err"))")
  fi
done

code=0
"$@" || code=$?
printf '%s\n' "${summary[@]}" >&2
exit "$code"
