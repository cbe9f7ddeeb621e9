#!/usr/bin/env python3
"""An S3 server for the suite: moto's, behind a door that judges what moto lets pass.

    s3.py PORT    serves on 127.0.0.1:PORT until it is killed; forgets everything then

The door holds each request's signature against botocore's own computation, wants every x-amz header signed, holds bodies against
their x-amz-checksum-sha256, and knows two access keys: `full`, and `nodelete`, which may not delete. The secret of each is its name
and `-secret`. A request with the header `x-test: 1` comes from the suite itself and is not judged.

    GET  /_test/mode?m=MODE   from now on: ok, slow (503 SlowDown), drop (closes the connection), overwrite (ignores If-None-Match),
                              denied (403 to writing), mangle (stores a flipped byte), lag=MS (answers late), frozen=WORD (objects with
                              WORD in their names, put before, are not given: a rule of the bucket moved them to a slow store),
                              broken=WORD (the same, by a fault of its own)
"""

import base64
import hashlib
import io
import socket
import sys
import time
from urllib.parse import parse_qs, urlsplit, urlunsplit

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, run_simple

KEYS = {"full": "full-secret", "nodelete": "nodelete-secret"}
mode = "ok"
thawed = set()


def refused(environ, answer, status, code):
    body = f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>by the door</Message></Error>".encode()
    answer(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def signature(environ, query, headers):
    """What botocore would have signed."""
    one = {name: values[0] for name, values in query.items()}
    key = one["X-Amz-Credential"].split("/")
    signed = one["X-Amz-SignedHeaders"].split(";")
    raw = environ.get("RAW_URI") or environ["REQUEST_URI"]
    parts = urlsplit(raw)
    kept = "&".join(p for p in parts.query.split("&") if not p.startswith("X-Amz-Signature="))
    url = urlunsplit(("http", headers["host"], parts.path, kept, ""))
    request = AWSRequest(environ["REQUEST_METHOD"], url, {n: headers[n] for n in signed if n != "host"})
    request.context["timestamp"] = one["X-Amz-Date"]
    auth = S3SigV4QueryAuth(Credentials(key[0], KEYS[key[0]]), key[3], key[2], int(one["X-Amz-Expires"]))
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def door(inner):
    def app(environ, answer):
        global mode
        headers = {n[5:].replace("_", "-").lower(): v for n, v in environ.items() if n.startswith("HTTP_")}
        query = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
        if environ["PATH_INFO"] == "/_test/mode":
            mode = query["m"][0]
            answer("200 OK", [("Content-Length", "0")])
            return []
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        writes = environ["REQUEST_METHOD"] in ("PUT", "DELETE", "POST")
        if "x-test" in headers:
            environ["HTTP_AUTHORIZATION"] = "AWS4-HMAC-SHA256 Credential=suite/20260101/us-east-1/s3/aws4_request"
        else:
            key = query.get("X-Amz-Credential", [""])[0].split("/")[0]
            if key not in KEYS:
                return refused(environ, answer, "403 Forbidden", "InvalidAccessKeyId")
            signed = query["X-Amz-SignedHeaders"][0].split(";")
            if signature(environ, query, headers) != query["X-Amz-Signature"][0] or any(
                n.startswith("x-amz-") and n not in signed for n in headers
            ):
                return refused(environ, answer, "403 Forbidden", "SignatureDoesNotMatch")
            if key == "nodelete" and environ["REQUEST_METHOD"] == "DELETE":
                return refused(environ, answer, "403 Forbidden", "AccessDenied")
            wanted = headers.get("x-amz-checksum-sha256")
            if environ["REQUEST_METHOD"] == "PUT" and wanted != base64.b64encode(hashlib.sha256(body).digest()).decode():
                return refused(environ, answer, "400 Bad Request", "BadDigest")
            if mode == "slow":
                return refused(environ, answer, "503 Slow Down", "SlowDown")
            if mode == "denied" and writes:
                return refused(environ, answer, "403 Forbidden", "AccessDenied")
            if mode == "drop":
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionAbortedError
            if mode == "overwrite":
                environ.pop("HTTP_IF_NONE_MATCH", None)
            if mode == "mangle" and body and "/rec/" in environ["PATH_INFO"]:
                body = body[:-1] + bytes([body[-1] ^ 1])
            how, _, word = mode.partition("=")
            path = environ["PATH_INFO"]
            if how in ("frozen", "broken") and word in path and path not in thawed:
                if environ["REQUEST_METHOD"] == "GET":
                    if how == "frozen":
                        return refused(environ, answer, "403 Forbidden", "InvalidObjectState")
                    return refused(environ, answer, "500 Internal Server Error", "InternalError")
                if environ["REQUEST_METHOD"] == "PUT" and "if-none-match" not in headers:
                    thawed.add(path)
            if mode.startswith("lag="):
                time.sleep(int(mode[4:]) / 1000)
        environ["wsgi.input"] = io.BytesIO(body)
        return inner(environ, answer)

    return app


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


if __name__ == "__main__":
    moto = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", int(sys.argv[1]), door(moto), threaded=True, request_handler=Quiet)
