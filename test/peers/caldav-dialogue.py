#!/usr/bin/python3
"""A calendar program's dialogue with CalDAV of a DavMail that stands in front of the lab.

Reads one JSON object from stdin: {"caldavPort", "owner"}, the mailbox as the lab prints it. Prints `ok NAME` or
`FAIL NAME: reason` per check, and `end` when it got to the end. Each check builds on those before it.
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
home = f"http://127.0.0.1:{facts['caldavPort']}/users/{urllib.parse.quote(owner['address'])}/calendar/"
run = uuid.uuid4().hex[:8]
state = {}


def check(f):
    name = f.__name__.replace("_", "-")
    try:
        f()
    except Exception as e:  # noqa: BLE001 a failing check must not end the dialogue
        print(f"FAIL {name}: {type(e).__name__}: {' '.join(str(e).split())[:400]}", flush=True)
    else:
        print(f"ok {name}", flush=True)


def ask(method, url, body=None, **headers):
    token = base64.b64encode(f"{owner['user']}:{owner['password']}".encode()).decode()
    request = urllib.request.Request(url, method=method, data=None if body is None else body.encode(), headers={
        "Authorization": f"Basic {token}", **{name.replace("_", "-"): value for name, value in headers.items()}})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode(), e.headers


def event(uid, *lines):
    zone = ["BEGIN:VTIMEZONE", "TZID:W. Europe Standard Time", "BEGIN:STANDARD", "DTSTART:16010101T030000", "TZOFFSETFROM:+0200",
            "TZOFFSETTO:+0100", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "END:STANDARD", "BEGIN:DAYLIGHT", "DTSTART:16010101T020000",
            "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "END:VTIMEZONE"]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//peers//EN", *zone, "BEGIN:VEVENT", f"UID:{uid}",
                        "DTSTAMP:20310101T000000Z", *lines, "END:VEVENT", "END:VCALENDAR", ""])


def put(name, body, *, created=False):
    status, text, _ = ask("PUT", home + name, body, Content_Type="text/calendar; charset=utf-8")
    assert status in ((201, 200, 204) if created else (200, 201, 204)), f"{status} {text[:200]}"


def listed():
    """Addresses of the events of the calendar."""
    status, text, _ = ask("PROPFIND", home, '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>',
                          Depth="1", Content_Type="text/xml")
    assert status == 207, f"{status} {text[:200]}"
    return [h for h in re.findall(r"<D:href>([^<]*)</D:href>", text) if h.upper().endswith((".EML", ".ICS"))]


def content(name):
    status, text, _ = ask("GET", home + name)
    assert status == 200, f"{status} {text[:200]}"
    return text.replace("\r\n ", "")


def has(text, *patterns):
    for pattern in patterns:
        assert re.search(pattern, text, re.M), f"no {pattern} in {text}"


single, series = f"single-{run}", f"series-{run}"


@check
def list_calendar():
    state["before"] = len(listed())


@check
def wrong_password_is_refused():
    right = owner["password"]
    owner["password"] = "not the password"
    status, _, _ = ask("PROPFIND", home, Depth="0")
    owner["password"] = right
    assert status == 401, status


@check
def create_event():
    put(f"{single}.ics", event(single, "SUMMARY:Büro, with a comma", "LOCATION:Room 1", "DESCRIPTION:agenda",
                               "DTSTART;TZID=W. Europe Standard Time:20310506T100000", "DTEND;TZID=W. Europe Standard Time:20310506T113000"),
        created=True)
    assert len(listed()) == state["before"] + 1, listed()
    has(content(f"{single}.ics"), r"^SUMMARY.*:Büro\\?, with a comma", r"^DTSTART.*20310506T100000", r"^DTEND.*20310506T113000", r"^LOCATION.*:Room 1")


@check
def change_event():
    put(f"{single}.ics", event(single, "SUMMARY:moved", "LOCATION:Room 2",
                               "DTSTART;TZID=W. Europe Standard Time:20310507T100000", "DTEND;TZID=W. Europe Standard Time:20310507T110000"))
    has(content(f"{single}.ics"), r"^SUMMARY.*:moved", r"^DTSTART.*20310507T100000", r"^LOCATION.*:Room 2")
    assert len(listed()) == state["before"] + 1, listed()


@check
def create_series():
    put(f"{series}.ics", event(series, "SUMMARY:weekly", "RRULE:FREQ=WEEKLY;COUNT=6;BYDAY=TH",
                               "DTSTART;TZID=W. Europe Standard Time:20310313T090000", "DTEND;TZID=W. Europe Standard Time:20310313T100000"),
        created=True)
    has(content(f"{series}.ics"), r"^RRULE:(?=.*FREQ=WEEKLY)(?=.*COUNT=6)(?=.*BYDAY=TH)", r"^DTSTART.*20310313T090000")


@check
def change_occurrence():
    whole = event(series, "SUMMARY:weekly", "RRULE:FREQ=WEEKLY;COUNT=6;BYDAY=TH",
                  "DTSTART;TZID=W. Europe Standard Time:20310313T090000", "DTEND;TZID=W. Europe Standard Time:20310313T100000",
                  "END:VEVENT", "BEGIN:VEVENT", f"UID:{series}", "DTSTAMP:20310101T000000Z",
                  "RECURRENCE-ID;TZID=W. Europe Standard Time:20310320T090000", "SUMMARY:this time later",
                  "DTSTART;TZID=W. Europe Standard Time:20310320T140000", "DTEND;TZID=W. Europe Standard Time:20310320T150000")
    put(f"{series}.ics", whole)
    got = content(f"{series}.ics")
    has(got, r"^SUMMARY.*:this time later", r"^RECURRENCE-ID.*20310320T0[89]0000", r"^DTSTART.*20310320T140000")
    assert got.count("BEGIN:VEVENT") == 2, got


@check
def delete_occurrence():
    # DavMail 6.0 takes dates of exclusions for UTC, whatever zone they name.
    put(f"{series}.ics", event(series, "SUMMARY:weekly", "RRULE:FREQ=WEEKLY;COUNT=6;BYDAY=TH", "EXDATE:20310403T070000Z",
                               "DTSTART;TZID=W. Europe Standard Time:20310313T090000", "DTEND;TZID=W. Europe Standard Time:20310313T100000"))
    has(content(f"{series}.ics"), r"^EXDATE.*20310403T090000")


@check
def change_series():
    # DavMail 6.0 leaves COUNT out when it updates a rule.
    put(f"{series}.ics", event(series, "SUMMARY:weekly, earlier", "RRULE:FREQ=WEEKLY;COUNT=6;BYDAY=TH",
                               "DTSTART;TZID=W. Europe Standard Time:20310313T080000", "DTEND;TZID=W. Europe Standard Time:20310313T083000"))
    has(content(f"{series}.ics"), r"^SUMMARY.*:weekly\\?, earlier", r"^RRULE:(?=.*FREQ=WEEKLY)(?=.*BYDAY=TH)", r"^DTSTART.*20310313T080000")


@check
def all_day():
    put(f"day-{run}.ics", event(f"day-{run}", "SUMMARY:day off", "DTSTART;VALUE=DATE:20310602", "DTEND;VALUE=DATE:20310604",
                                "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"), created=True)
    has(content(f"day-{run}.ics"), r"^DTSTART;VALUE=DATE:20310602", r"^DTEND;VALUE=DATE:20310604")


@check
def delete_events():
    for name in (single, series, f"day-{run}"):
        status, text, _ = ask("DELETE", home + f"{name}.ics")
        assert status in (200, 204), f"{status} {text[:200]}"
    assert len(listed()) == state["before"], listed()


print("end")
