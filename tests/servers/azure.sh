#!/usr/bin/env bash
# Azure Blob Storage, by Azurite: keys and signatures are checked, blocks are real.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=3.37.0
home=$cache/azure-$version
port=$((base_port + 20))
account=consigntest
container=consign-test
key=$(printf 'the key of an account that only tests know, 64 bytes in its length' | head -c 64 | base64 -w0)

install() {
  [ -f "$home/node_modules/azurite/package.json" ] && return
  need npm node
  rm -rf "$home.new"
  mkdir -p "$home.new"
  echo '{"private": true}' >"$home.new/package.json"
  (cd "$home.new" && npm install --silent --no-audit --no-fund --omit=optional --ignore-scripts "azurite@$version" >&2) ||
    fail "npm cannot install azurite"
  rm -rf "$home"
  mv "$home.new" "$home"
}

# signature LINE...: of these lines, which are joined by line feeds
signature() {
  local text
  text=$(printf '%s\n' "$@" && printf x)
  text=${text%?x}
  printf %s "$text" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(printf %s "$key" | base64 -d | od -An -v -tx1 | tr -d ' \n')" -binary | base64 -w0
}

make_container() {
  local date version=2023-11-03
  date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')
  curl -s -o /dev/null -w '%{http_code}' --max-time 5 -X PUT -H "x-ms-date: $date" -H "x-ms-version: $version" -H 'Content-Length: 0' \
    -H "Authorization: SharedKey $account:$(signature PUT '' '' '' '' '' '' '' '' '' '' '' "x-ms-date:$date" "x-ms-version:$version" \
      "/$account/$account/$container" restype:container)" \
    "http://127.0.0.1:$port/$account/$container?restype=container" | grep -Eq '^(201|409)$'
}

escape() { local text=${1//+/%2B}; text=${text//\//%2F}; printf %s "${text//=/%3D}"; }

sas() { # sas PERMISSIONS: a token for the container and one hour
  local end sign version=2023-11-03
  end=$(date -u -d '+1 hour' '+%Y-%m-%dT%H:%M:%SZ')
  sign=$(signature "$1" '' "$end" "/blob/$account/$container" '' '' '' "$version" c '' '' '' '' '' '' '')
  # The last field is empty, and its line feed is not part of the text.
  printf 'sv=%s&sr=c&se=%s&sp=%s&sig=%s' "$version" "$(printf %s "$end" | sed 's/:/%3A/g')" "$1" "$(escape "$sign")"
}

start() {
  need node curl openssl setsid
  port_is_free "$port"
  # By default it reports to its makers: not here.
  launch azure env "AZURITE_ACCOUNTS=$account:$key" node "$home/node_modules/azurite/dist/src/blob/main.js" \
    --blobHost 127.0.0.1 --blobPort "$port" --location "$folder/blobs" --disableTelemetry --silent
  await azure make_container
  cat <<ENV
CONSIGN_TEST_AZURE_ENDPOINT=http://127.0.0.1:$port/$account
CONSIGN_TEST_AZURE_ACCOUNT=$account
CONSIGN_TEST_AZURE_CONTAINER=$container
CONSIGN_TEST_AZURE_ACCESS_KEY=$key
CONSIGN_TEST_AZURE_SAS_TOKEN=$(sas rcwdl)
CONSIGN_TEST_AZURE_READER_SAS_TOKEN=$(sas rl)
ENV
}

stop() { end azure; }

main "$@"
