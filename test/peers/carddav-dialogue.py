#!/usr/bin/python3
"""An address book program's dialogue with CardDAV of a DavMail that stands in front of the lab.

Reads one JSON object from stdin: {"caldavPort", "owner"}, the mailbox as the lab prints it. Prints `ok NAME` or
`FAIL NAME: reason` per check, and `end` when it got to the end. Each check builds on those before it.
DavMail 6.0.1 writes contacts by WebDAV and then stumbles over itself before it looks at the answer: a 503 of that kind says
nothing, and what was written is read back.
"""
import base64
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid

facts = json.load(sys.stdin)
owner = facts["owner"]
home = f"http://127.0.0.1:{facts['caldavPort']}/users/{urllib.parse.quote(owner['address'])}/contacts/"
run = uuid.uuid4().hex[:8]
name = f"card-{run}.vcf"
state = {}


def check(f):
    label = f.__name__.replace("_", "-")
    try:
        f()
    except Exception as e:  # noqa: BLE001 a failing check must not end the dialogue
        print(f"FAIL {label}: {type(e).__name__}: {' '.join(str(e).split())[:400]}", flush=True)
    else:
        print(f"ok {label}", flush=True)


def ask(method, url, body=None, **headers):
    token = base64.b64encode(f"{owner['user']}:{owner['password']}".encode()).decode()
    request = urllib.request.Request(url, method=method, data=None if body is None else body.encode(), headers={
        "Authorization": f"Basic {token}", **{label.replace("_", "-"): value for label, value in headers.items()}})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def card(*lines):
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", f"UID:card-{run}", *lines, "END:VCARD", ""])


def put(body):
    status, text = ask("PUT", home + name, body, Content_Type="text/vcard; charset=utf-8")
    stumbled = status == 503 and "getStatusLine()" in text
    assert stumbled or status in (200, 201, 204), f"{status} {text[:200]}"


def content():
    status, text = ask("GET", home + name)
    assert status == 200, f"{status} {text[:200]}"
    return text.replace("\r\n ", "")


def listed():
    status, text = ask("PROPFIND", home, '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>',
                       Depth="1", Content_Type="text/xml")
    assert status == 207, f"{status} {text[:200]}"
    return [h for h in re.findall(r"<D:href>([^<]*)</D:href>", text) if not h.endswith("/")]


def has(text, *patterns):
    for pattern in patterns:
        assert re.search(pattern, text, re.M), f"no {pattern} in {text}"


@check
def list_contacts():
    state["before"] = len(listed())


@check
def create_contact():
    put(card("FN:Jürgen Müller", "N:Müller;Jürgen;K.;Dr.;", "EMAIL;TYPE=work:juergen@partner.test", "TEL;TYPE=cell:+49 170 1234567",
             "ORG:Müller & Söhne;Einkauf", "TITLE:Leiter", "ADR;TYPE=work:;;Hauptstraße 1;Köln;NRW;50667;Germany", "BDAY:1970-05-06",
             "NOTE:met in Köln", "CATEGORIES:Red Category"))
    assert len(listed()) == state["before"] + 1, listed()
    has(content(), r"^N:Müller;Jürgen;K\.;Dr\.;", r"^EMAIL.*:juergen@partner\.test", r"^TEL;TYPE=cell:\+49 170 1234567", r"^ORG:Müller & Söhne;Einkauf",
        r"^TITLE:Leiter", r"^ADR;TYPE=work:.*Hauptstraße 1;Köln;NRW;50667;Germany", r"^BDAY:1970-?05-?06", r"^NOTE:met in Köln", r"^CATEGORIES:Red Category")


@check
def change_contact():
    put(card("FN:Jürgen Meier", "N:Meier;Jürgen;K.;Dr.;", "EMAIL;TYPE=work:meier@partner.test", "ORG:Müller & Söhne;Verkauf"))
    text = content()
    has(text, r"^N:Meier;Jürgen;K\.;Dr\.;", r"^EMAIL.*:meier@partner\.test", r"^ORG:Müller & Söhne;Verkauf")
    assert "+49 170" not in text, text
    assert len(listed()) == state["before"] + 1, listed()


@check
def delete_contact():
    status, text = ask("DELETE", home + name)
    assert status in (200, 204), f"{status} {text[:200]}"
    assert len(listed()) == state["before"], listed()


print("end")
