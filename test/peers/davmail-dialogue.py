#!/usr/bin/python3
"""A mail program's dialogue with IMAP and SMTP of a DavMail that stands in front of the lab.

Reads one JSON object from stdin: {"imapPort", "smtpPort", "sender", "recipient"}, mailboxes as the lab prints them, and
perhaps {"rebuilds": true}: the gateway makes messages anew from some of their properties.
Prints `ok NAME` or `FAIL NAME: reason` per check, and `end` when it got to the end. Each check builds on those before
it, so after a failure those that depend on it fail too, each with its own reason.
"""
import email
import email.policy
import email.utils
import imaplib
import json
import smtplib
import sys
import time
import uuid

facts = json.load(sys.stdin)
sender, recipient = facts["sender"], facts["recipient"]
run = uuid.uuid4().hex[:8]
folder, other = f"peers-{run}", f"peers-{run}-moved"
subject = f"Grüße {run}"
body = "Erste Zeile — with a dash\r\n.a line that begins with a dot\r\n" + "long " * 60 + "\r\n"
state = {}


def check(f):
    name = f.__name__.replace("_", "-")
    try:
        f()
    except Exception as e:  # noqa: BLE001 a failing check must not end the dialogue
        print(f"FAIL {name}: {type(e).__name__}: {' '.join(str(e).split())[:300]}", flush=True)
    else:
        print(f"ok {name}", flush=True)


def done(answer):
    """The data of a tagged answer that must be OK."""
    status, data = answer
    assert status == "OK", f"{status} {data}"
    return data


def login(mailbox):
    client = imaplib.IMAP4("127.0.0.1", facts["imapPort"], timeout=60)
    done(client.login(mailbox["user"], mailbox["password"]))
    return client


def composed(text_subject):
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"] = sender["address"], recipient["address"]
    message["Subject"], message["Message-ID"] = text_subject, f"<{uuid.uuid4()}@peers.invalid>"
    message["Date"] = email.utils.formatdate(1_700_000_000)
    message.set_content(body.replace("\r\n", "\n"), charset="utf-8", cte="quoted-printable")
    message.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="octet-stream", filename="bytes.bin")
    return message


def uids(client, *criteria):
    return done(client.uid("search", None, *criteria))[0].split()


def fetched(client, uid):
    data = done(client.uid("fetch", uid, "(UID FLAGS BODY.PEEK[])"))
    parts = [part for part in data if isinstance(part, tuple)]
    assert len(parts) == 1, f"{len(parts)} messages for uid {uid}"
    return email.message_from_bytes(parts[0][1], policy=email.policy.default), b" ".join(
        part if isinstance(part, bytes) else part[0] for part in data)


def same_content(got, want):
    assert got["Subject"] == want["Subject"], f"subject {got['Subject']!r}"
    if facts.get("rebuilds"):
        lines = got.get_body(("html", "plain")).get_content().split()
        assert lines == body.split(), f"body {lines!r}"
        return
    assert got["Message-ID"] == want["Message-ID"], f"message id {got['Message-ID']!r}"
    lines = [line.rstrip() for line in got.get_body(("plain",)).get_content().splitlines()]
    assert lines == [line.rstrip() for line in body.splitlines()], f"body {lines!r}"
    [attachment] = list(got.iter_attachments())
    assert attachment.get_filename() == "bytes.bin", attachment.get_filename()
    assert attachment.get_content() == bytes(range(256)) * 40, "attachment's bytes differ"


@check
def sign_in():
    state["imap"] = login(sender)


@check
def wrong_password_is_refused():
    client = imaplib.IMAP4("127.0.0.1", facts["imapPort"], timeout=60)
    try:
        client.login(sender["user"], "not the password")
    except imaplib.IMAP4.error:
        return
    raise AssertionError("signed in with a wrong password")


@check
def list_folders():
    names = b"\n".join(done(state["imap"].list())).decode()
    for wanted in ("INBOX", "Sent", "Trash", "Drafts"):
        assert wanted in names, f"no {wanted} in {names}"


@check
def select_inbox():
    count = int(done(state["imap"].select("INBOX"))[0])
    assert count > 0, "the lab's inbox is empty"
    state["inbox"] = count
    assert len(uids(state["imap"], "ALL")) == count, "search and select disagree"


@check
def fetch_generated_mail():
    for uid in uids(state["imap"], "ALL")[:5]:
        message, _ = fetched(state["imap"], uid)
        assert message["From"] and message["Date"], f"headers {message.keys()}"
        assert message.get_body() is not None, "no body"


@check
def create_folders():
    for name in (folder, other):
        done(state["imap"].create(name))
    names = b"\n".join(done(state["imap"].list())).decode()
    assert folder in names and other in names, names


@check
def append():
    state["message"] = composed(subject)
    done(state["imap"].append(folder, r"(\Seen)", imaplib.Time2Internaldate(1_700_000_000), state["message"].as_bytes()))
    done(state["imap"].select(folder))
    [state["uid"]] = uids(state["imap"], "ALL")


@check
def fetch_what_was_appended():
    message, flags = fetched(state["imap"], state["uid"])
    same_content(message, state["message"])
    assert rb"\Seen" in flags, f"flags {flags!r}"
    assert rb"\Draft" not in flags, "an appended message became a draft"


@check
def append_unread():
    done(state["imap"].append(folder, "()", None, composed(f"unread {run}").as_bytes()))
    done(state["imap"].select(folder))
    assert len(uids(state["imap"], "UNSEEN")) == 1, "unseen"


@check
def flag():
    imap = state["imap"]
    done(imap.uid("store", state["uid"], "+FLAGS", r"(\Flagged)"))
    done(imap.uid("store", state["uid"], "-FLAGS", r"(\Seen)"))
    done(imap.select(folder))
    assert state["uid"] in uids(imap, "FLAGGED"), "not flagged"
    assert state["uid"] in uids(imap, "UNSEEN"), "still seen"
    done(imap.uid("store", state["uid"], "-FLAGS", r"(\Flagged)"))
    done(imap.uid("store", state["uid"], "+FLAGS", r"(\Seen)"))
    done(imap.select(folder))
    assert state["uid"] not in uids(imap, "FLAGGED"), "still flagged"
    assert state["uid"] in uids(imap, "SEEN"), "not seen"


@check
def search_by_subject():
    assert len(uids(state["imap"], "SUBJECT", f'"unread {run}"')) == 1, "search by subject"


@check
def move():
    imap = state["imap"]
    done(imap.uid("move", state["uid"], other))
    done(imap.select(folder))
    assert len(uids(imap, "ALL")) == 1, "messages left in the first folder"
    done(imap.select(other))
    [uid] = uids(imap, "ALL")
    same_content(fetched(imap, uid)[0], state["message"])
    state["uid"] = uid


@check
def copy():
    imap = state["imap"]
    done(imap.uid("copy", state["uid"], folder))
    done(imap.select(folder))
    assert len(uids(imap, "ALL")) == 2, "messages after the copy"


@check
def delete():
    imap = state["imap"]
    done(imap.select(other))
    done(imap.uid("store", state["uid"], "+FLAGS", r"(\Deleted)"))
    done(imap.expunge())
    done(imap.select(other))
    assert uids(imap, "ALL") == [], "messages after the expunge"


@check
def send():
    state["sent"] = composed(f"sent {run}")
    with smtplib.SMTP("127.0.0.1", facts["smtpPort"], timeout=60) as smtp:
        smtp.login(sender["user"], sender["password"])
        smtp.send_message(state["sent"], sender["address"], [recipient["address"]])


def arrives(client, name):
    """The message that was sent, once it is in that folder."""
    for _ in range(40):
        done(client.select(name))
        found = uids(client, "SUBJECT", f'"sent {run}"')
        if found:
            assert len(found) == 1, f"{len(found)} copies in {name}"
            return fetched(client, found[0])
        time.sleep(0.5)
    raise AssertionError(f"nothing arrived in {name}")


@check
def sent_mail_is_in_sent_items():
    same_content(arrives(state["imap"], "Sent")[0], state["sent"])


@check
def sent_mail_arrives_unread():
    client = login(recipient)
    message, flags = arrives(client, "INBOX")
    same_content(message, state["sent"])
    assert rb"\Seen" not in flags, f"flags {flags!r}"
    client.logout()


@check
def delete_folders():
    done(state["imap"].select("INBOX"))
    for name in (folder, other):
        done(state["imap"].delete(name))
    names = b"\n".join(done(state["imap"].list())).decode()
    assert f'"{folder}"' not in names and f'"{other}"' not in names, names


@check
def sign_out():
    assert state["imap"].logout()[0] == "BYE"


print("end")
