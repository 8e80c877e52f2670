"""A gate before fake-gcs-server, as much of Google Cloud Storage as our tests need and that server lacks.

Every request needs a token that the service account signed (RS256, not expired). Objects are put, read, listed and
removed by the XML API, in one request or in parts, and become visible when they are whole. Standard library and the
program openssl only.  gcs_gate.py PORT PORT_BEHIND PUBLIC_KEY
"""

import base64
import functools
import hashlib
import http.client
import http.server
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid
from xml.sax.saxutils import escape

PORT, BEHIND, PUBLIC_KEY = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
SMALLEST_PART = 5 * 1024 * 1024
UPLOADS = {}  # id -> {part number: bytes}


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@functools.lru_cache(maxsize=64)
def is_signed(signed, signature):
    """Whether the service account signed this."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(decode(signature))
        file.flush()
        command = ["openssl", "dgst", "-sha256", "-verify", PUBLIC_KEY, "-signature", file.name]
        return subprocess.run(command, input=signed.encode(), capture_output=True).returncode == 0


def is_valid(authorization):
    match = re.fullmatch(r"Bearer ([\w-]+\.([\w-]+))\.([\w-]+)", authorization or "")
    if not match:
        return False
    claims = json.loads(decode(match[2]))
    return claims.get("exp", 0) > time.time() and is_signed(match[1], match[3])


def ask(method, path, body=None, headers=None):
    """Asks the server behind."""
    connection = http.client.HTTPConnection("127.0.0.1", BEHIND, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


class Gate(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not is_valid(self.headers.get("Authorization")):
            return self.error(401, "AuthenticationRequired")
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        bucket, _, name = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        if ask("GET", "/storage/v1/b/" + bucket)[0] != 200:
            return self.error(404, "NoSuchBucket")
        if not name:
            return self.list(bucket, query)
        if "uploads" in query or "uploadId" in query:
            return self.parts(bucket, name, query, body)
        if self.command == "PUT":
            return self.put(bucket, name, body)
        path = f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}"
        if self.command == "DELETE":
            status, _, _ = ask("DELETE", path)
            return self.answer(status) if status < 300 else self.error(status, "NoSuchKey")
        status, meta, _ = ask("GET", path)
        if status != 200:
            return self.error(status, "NoSuchKey")
        meta = json.loads(meta)
        ranged = {"Range": self.headers["Range"]} if self.headers.get("Range") else {}
        status, content, got = ask("GET", path + "?alt=media", headers=ranged)
        headers = {"ETag": tag(meta["md5Hash"]), "Last-Modified": got.get("Last-Modified") or self.date_time_string()}
        if "Content-Range" in got:
            headers["Content-Range"] = got["Content-Range"]
        self.answer(status, content, headers)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do

    def put(self, bucket, name, content):
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={urllib.parse.quote(name, safe='')}"
        status, answer, _ = ask("POST", path, content, {"Content-Type": "application/octet-stream"})
        if status != 200:
            return self.error(status, "InternalError")
        md5 = json.loads(answer)["md5Hash"]
        if self.command == "PUT":
            return self.answer(200, headers={"ETag": tag(md5)})
        text = f"<CompleteMultipartUploadResult><ETag>{escape(tag(md5))}</ETag></CompleteMultipartUploadResult>"
        self.answer(200, text.encode(), {"ETag": tag(md5)})

    def parts(self, bucket, name, query, body):
        if "uploads" in query:
            new = uuid.uuid4().hex
            UPLOADS[new] = {}
            names = f"<Bucket>{bucket}</Bucket><Key>{escape(name)}</Key><UploadId>{new}</UploadId>"
            return self.answer(200, f"<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>".encode())
        parts = UPLOADS.get(query["uploadId"])
        if parts is None:
            return self.error(404, "NoSuchUpload")
        if self.command == "PUT":
            parts[int(query["partNumber"])] = body
            return self.answer(200, headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})
        if self.command == "POST":
            numbers = [int(number) for number in re.findall(r"<PartNumber>(\d+)</PartNumber>", body.decode())]
            if not numbers or any(number not in parts for number in numbers):
                return self.error(400, "InvalidPart")
            if any(len(parts[number]) < SMALLEST_PART for number in numbers[:-1]):
                return self.error(400, "EntityTooSmall")
            self.put(bucket, name, b"".join(parts[number] for number in numbers))
        else:
            self.answer(204)
        del UPLOADS[query["uploadId"]]

    def list(self, bucket, query):
        wanted = {key: query[key] for key in ("prefix", "delimiter") if query.get(key)}
        _, found, _ = ask("GET", f"/storage/v1/b/{bucket}/o?" + urllib.parse.urlencode(wanted))
        found = json.loads(found)
        objects = "".join(
            f"<Contents><Key>{escape(one['name'])}</Key><Size>{one['size']}</Size>"
            f"<LastModified>{one['updated']}</LastModified><ETag>{escape(tag(one['md5Hash']))}</ETag></Contents>"
            for one in found.get("items", [])
        )
        folders = "".join(
            f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in found.get("prefixes", [])
        )
        self.answer(200, f"<ListBucketResult>{objects}{folders}</ListBucketResult>".encode())

    def error(self, status, code):
        self.answer(status, f"<Error><Code>{code}</Code></Error>".encode())

    def answer(self, status, content=b"", headers=None):
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


def tag(md5):
    return '"' + base64.b64decode(md5).hex() + '"'


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Gate).serve_forever()
