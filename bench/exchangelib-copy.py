#!/usr/bin/python3
"""Copies an Inbox with exchangelib, as its documentation recommends for many items: ids by sync_items, MIME by
Account.fetch and creation by Account.bulk_create, both in chunks, only the fields that are needed, connections kept open.
It carries the MIME, the read flag and the two properties without which a copy would be a draft that arrived just now: less
than Causeway does.

    exchangelib-copy.py SOURCE TARGET CHUNK_SIZE      each end a JSON object {"url","user","password","mailbox"}

Prints one JSON object: items, bytes, seconds, cpuSeconds, peakRssMb.
"""
import json
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import exchangelib as x
from exchangelib.items import SAVE_ONLY, MeetingCancellation, MeetingRequest, MeetingResponse
from exchangelib.version import EXCHANGE_2016


class MessageFlags(x.ExtendedProperty):
    property_tag = 0x0E07
    property_type = "Integer"


class DeliveryTime(x.ExtendedProperty):
    property_tag = 0x0E06
    property_type = "SystemTime"


# What an Inbox holds; the messages of meetings are classes of their own.
for kind in (x.Message, MeetingRequest, MeetingResponse, MeetingCancellation):
    kind.register("message_flags", MessageFlags)
    kind.register("delivery_time", DeliveryTime)


def account(end):
    configuration = x.Configuration(
        service_endpoint=end["url"],
        credentials=x.Credentials(end["user"], end["password"]),
        auth_type=x.BASIC,
        version=x.Version(EXCHANGE_2016),
    )
    return x.Account(end["mailbox"], config=configuration, autodiscover=False, access_type=x.IMPERSONATION)


def chunks(ids, size):
    chunk = []
    for one in ids:
        chunk.append(one)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def main(source, target, chunk_size):
    left, right = account(source), account(target)
    inbox, copies = left.inbox, right.inbox
    items = size = 0
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    fields = ["mime_content", "is_read", "message_flags", "delivery_time"]
    ids = (item.id_tuple() if hasattr(item, "id_tuple") else (item.id, item.changekey) for _, item in inbox.sync_items(only_fields=["changekey"], max_changes_returned=512))
    for chunk in chunks(ids, chunk_size):
        drafts = []
        for mail in left.fetch(ids=chunk, folder=inbox, only_fields=fields, chunk_size=chunk_size):
            size += len(mail.mime_content)
            drafts.append(
                x.Message(
                    folder=copies,
                    mime_content=mail.mime_content,
                    is_read=mail.is_read,
                    message_flags=mail.message_flags,
                    delivery_time=mail.delivery_time,
                )
            )
        made = right.bulk_create(copies, drafts, message_disposition=SAVE_ONLY, chunk_size=chunk_size)
        if any(isinstance(one, Exception) for one in made):
            sys.exit(f"a create failed: {[one for one in made if isinstance(one, Exception)][0]!r}")
        items += len(made)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"items": items, "bytes": size, "seconds": seconds, "cpuSeconds": cpu, "peakRssMb": after.ru_maxrss / 1024}))


main(json.loads(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3]))
