#!/usr/bin/python3
"""A web server that accepts NTLM through GSSAPI (Debian's gss-ntlmssp): a server side that is not ours.

    ntlm-acceptor.py USER_FILE [CERTIFICATE KEY]      USER_FILE: lines DOMAIN:USER:PASSWORD; with a certificate: HTTPS

Prints `port N` when it listens on 127.0.0.1. The path says how it behaves:

    /            a plain acceptor; over TLS it binds to its certificate (tls-server-end-point, RFC 5929)
    /relayed     binds to another certificate, as if somebody stood between: a client that binds must be refused
    /tampered    changes the client's first message before it looks at it, as somebody between could: a client whose last
                 message carries an integrity code (MIC) must be refused, one without a MIC does not notice

A refusal is a 401 without an offer and with the mechanism's reason in `X-Refused`. An acceptance is a 200 with JSON:
{"user", "channelBound"}.
"""
import base64
import hashlib
import http.server
import json
import os
import ssl
import sys

os.environ["NTLM_USER_FILE"] = sys.argv[1]
import gssapi  # noqa: E402 reads the environment

VERSION = 34  # a byte of the NEGOTIATE message that is "for debugging only", [MS-NLMP] 2.2.1.1: nothing but a MIC minds it
NTLMSSP = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")


def binding(certificate_der):
    digest = hashlib.sha256(certificate_der).digest()
    return gssapi.raw.ChannelBindings(application_data=b"tls-server-end-point:" + digest)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    certificate = None
    context = None

    def respond(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self):
        scheme, _, text = self.headers.get("Authorization", "").partition(" ")
        if scheme != "NTLM":
            return self.respond(401, WWW_Authenticate="NTLM")
        try:
            token = base64.b64decode(text)
            first = token[8] == 1
            if first:
                bound = self.certificate and binding(self.certificate if self.path != "/relayed" else b"another certificate")
                credentials = gssapi.Credentials(usage="accept", mechs=[NTLMSSP])
                self.context = gssapi.SecurityContext(creds=credentials, usage="accept", channel_bindings=bound or None)
                if self.path == "/tampered":
                    token = token[:VERSION] + bytes([token[VERSION] ^ 1]) + token[VERSION + 1 :]
            answer = self.context.step(token)
            if first:
                return self.respond(401, WWW_Authenticate="NTLM " + base64.b64encode(answer).decode())
        except Exception as e:  # noqa: BLE001 whatever is wrong with a token is a refusal
            self.context = None
            return self.respond(401, X_Refused=" ".join(str(e).split())[:200])
        flags = gssapi.RequirementFlag
        bound = getattr(flags, "channel_bound", None)
        body = {"user": bytes(self.context.initiator_name).rstrip(b"\0").decode(),
                "channelBound": bool(bound and bound in self.context.actual_flags)}
        self.context = None
        return self.respond(200, json.dumps(body).encode(), Content_Type="application/json")

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    with open(sys.argv[2]) as f:
        Handler.certificate = ssl.PEM_cert_to_DER_cert(f.read())
print("port", server.server_address[1], flush=True)
server.serve_forever()
