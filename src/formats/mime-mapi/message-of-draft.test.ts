import { describe, expect, test } from 'vitest';
import { payloadBytes, payloadOfBytes } from '#kit/payload.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailDraft, MailFacts, MailState, RawProperty } from '#model/mail.ts';
import { absentMailState } from '#model/mail-properties.ts';
import { propertySets } from '#model/property-row.ts';
import type { StampText } from '#model/stamp.ts';
import { messageOfStream } from '../fast-transfer/message-of-stream.ts';
import { streamOfMessage } from '../fast-transfer/stream-of-message.ts';
import { comparable } from '../mapi/any-message.fixture.ts';
import { type MapiMessage, mapiValue } from '../mapi/mapi-message.ts';
import { stampProperty } from '../mapi-items/item-properties.ts';
import { mailTags, recipientTags } from './mail-tags.ts';
import { messageOfDraft } from './message-of-draft.ts';
import { MailTooLarge, mimeBytesMax, wholeMime } from './part-content.ts';
import { hasSamples, sampleMails } from './samples.fixture.ts';

const plainState = absentMailState;
const plainFacts: MailFacts = {
  itemClass: 'IPM.Note',
  messageFlags: 0,
  sentAt: null,
  receivedAt: null,
  subject: null,
  internetMessageId: null,
  searchKey: null,
  conversationIndex: null,
  conversationTopic: null,
  expiresAt: null,
  replyBy: null,
  votingOptions: null,
  votingResponse: null,
  readReceiptRequested: false,
  hasAttachments: false,
  sizeBytes: 0,
  createdAt: null,
  modifiedAt: null,
  retentionTag: null,
};
const stamp = 'cw1;old;box;;00;00;1;nonce' as StampText;

function draftOf(
  mime: Buffer | string,
  {
    state = {},
    facts = {},
    bcc = [],
    ofClass = [],
  }: { state?: Partial<MailState>; facts?: Partial<MailFacts>; bcc?: string[]; ofClass?: readonly RawProperty[] } = {},
): MailDraft {
  const head = {
    id: 'id' as ItemId,
    version: 'v' as Version,
    folder: 'f' as FolderId,
    state: { ...plainState, ...state },
    facts: { ...plainFacts, ...facts },
    stamp: null,
    unread: [],
  };
  return { content: { head, mime: payloadOfBytes(Buffer.from(mime)), bcc }, stamp, ofClass };
}
async function importedAs(draft: MailDraft): Promise<MapiMessage> {
  const message = messageOfDraft(draft, await wholeMime(draft.content.mime));
  return messageOfStream(await payloadBytes(streamOfMessage(message))).message;
}

test.skipIf(!hasSamples)(
  'every sample goes through a stream as it is',
  async () => {
    let count = 0;
    for (const { mime } of sampleMails()) {
      count++;
      const draft = draftOf(mime);
      const imported = await importedAs(draft);
      expect(await comparable(imported)).toEqual(await comparable(messageOfDraft(draft, mime)));
    }
    expect(count).toBe(172);
  },
  60_000,
);

describe('the envelope', () => {
  const mime = [
    'From: Ann <ann@example.test>',
    'To: Bob <bob@example.test>',
    'Subject: Re: plan',
    'Importance: high',
    'Keywords: theirs',
    'Date: Fri, 01 Mar 2024 10:00:00 +0100',
    'Content-Type: text/plain',
    '',
    'Hello',
    '',
  ].join('\r\n');

  test('every field of state and facts is where the property table says', async () => {
    const message = await importedAs(
      draftOf(mime, {
        state: {
          isRead: true,
          flagStatus: 2,
          flagRequest: 'Rückruf',
          flagDueAt: 1_700_006_400_000,
          categories: ['Red', 'Projekt Ä'],
          importance: 'low',
          sensitivity: 'confidential',
          lastVerb: 103,
          processed: true,
        },
        facts: {
          itemClass: 'IPM.Schedule.Meeting.Request',
          messageFlags: 0x10,
          sentAt: 1_600_000_000_000,
          receivedAt: 1_600_000_005_000,
          conversationIndex: Buffer.alloc(22, 1).toString('base64'),
          conversationTopic: 'another',
          votingOptions: 'AgEEAAAA',
        },
      }),
    );
    const value = (property: Parameters<typeof mapiValue>[1]) => mapiValue(message.properties, property);
    expect(value(mailTags.messageClass)).toBe('IPM.Schedule.Meeting.Request');
    expect(value(mailTags.messageFlags)).toBe(1);
    expect(value({ tag: 0x1090, type: 'integer' })).toBe(2);
    expect(value({ set: propertySets.common, lid: 0x8530, type: 'string' })).toBe('Rückruf');
    expect(value({ set: propertySets.task, lid: 0x8105, type: 'time' })).toBe(1_700_006_400_000);
    expect(value(mailTags.keywords)).toEqual(['Red', 'Projekt Ä']);
    expect(value(mailTags.importance)).toBe(0);
    expect(value(mailTags.sensitivity)).toBe(3);
    expect(value({ tag: 0x1081, type: 'integer' })).toBe(103);
    expect(value({ tag: 0x7d01, type: 'boolean' })).toBe(true);
    expect(value(mailTags.sentAt)).toBe(1_600_000_000_000);
    expect(value(mailTags.receivedAt)).toBe(1_600_000_005_000);
    expect(value(mailTags.conversationIndex)).toEqual(Buffer.alloc(22, 1));
    expect(value(mailTags.conversationTopic)).toBe('another');
    expect(value({ set: propertySets.common, lid: 0x8520, type: 'binary' })).toEqual(Buffer.from('AgEEAAAA', 'base64'));
    expect(value(stampProperty)).toBe(stamp);
  });

  test('what the person took away is gone, whatever headers say', async () => {
    const { properties } = await importedAs(draftOf(mime));
    expect(mapiValue(properties, mailTags.keywords)).toBeUndefined();
    expect(mapiValue(properties, mailTags.importance)).toBe(1);
  });

  test.each([
    [0x8, false, 0x8],
    [0x8, true, 0x9],
    [0x1, false, 0],
    [0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x2, true, 0x3],
  ])('flags %i, read %s: %i', async (messageFlags, isRead, expected) => {
    const { properties } = await importedAs(draftOf(mime, { state: { isRead }, facts: { messageFlags } }));
    expect(mapiValue(properties, mailTags.messageFlags)).toBe(expected);
  });

  test('blind copies are recipients, once', async () => {
    const draft = draftOf(`Bcc: Eve <EVE@example.test>\r\n${mime}`, {
      bcc: ['Eve <eve@example.test>', 'Ünal <u@example.test>', '/O=ORG/CN=OLD'],
    });
    const { recipients } = await importedAs(draft);
    expect(
      recipients.map((row) =>
        [recipientTags.kind, recipientTags.name, recipientTags.addressType].map((one) => mapiValue(row, one)),
      ),
    ).toEqual([
      [1, 'Bob', 'SMTP'],
      [3, 'Eve', 'SMTP'],
      [3, 'Ünal', 'SMTP'],
      [3, '/O=ORG/CN=OLD', 'EX'],
    ]);
  });

  test('without any time it has those of the headers', async () => {
    const { properties } = await importedAs(draftOf(mime));
    expect(mapiValue(properties, mailTags.sentAt)).toBe(Date.parse('2024-03-01T09:00Z'));
    expect(mapiValue(properties, mailTags.receivedAt)).toBe(Date.parse('2024-03-01T09:00Z'));
  });

  test('nobody sent a draft, and it stays so', async () => {
    const { properties } = await importedAs(
      draftOf('Subject: x\r\n\r\nHello', { facts: { messageFlags: 8, createdAt: 1_600_000_000_000 } }),
    );
    expect(mapiValue(properties, mailTags.sentAt)).toBeUndefined();
    const sent = await importedAs(draftOf('Subject: x\r\n\r\nHello', { facts: { createdAt: 1_600_000_000_000 } }));
    expect(mapiValue(sent.properties, mailTags.sentAt)).toBe(1_600_000_000_000);
  });

  test('a message beyond the bound is refused before it is read', async () => {
    const huge = { ...payloadOfBytes(Buffer.from(mime)), sizeBytes: mimeBytesMax + 1 };
    await expect(wholeMime(huge)).rejects.toThrow(MailTooLarge);
  });
});

const request = `Subject: Plan\r
Content-Type: multipart/alternative; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
see you\r
--b\r
Content-Type: text/calendar; method=REQUEST\r
\r
BEGIN:VCALENDAR\r
END:VCALENDAR\r
--b--\r
`;
const globalObjectId = { set: propertySets.meeting, lid: 0x0003, type: 'binary' } as const;
const calendarStream = { set: propertySets.appointment, lid: 0x827a, type: 'binary' } as const;
const aboutMeeting = { facts: { itemClass: 'IPM.Schedule.Meeting.Request' } };

test('what a message has because of its class stands in the stream; values that are none of their type are left out', async () => {
  const start = { set: propertySets.appointment, lid: 0x820d, type: 'time' } as const;
  const sequence = { set: propertySets.appointment, lid: 0x8201, type: 'integer' } as const;
  const ofClass = [
    { property: globalObjectId, values: ['BAAAAIIA4AB0'] },
    { property: start, values: ['2026-03-02T09:00:00Z'] },
    { property: sequence, values: ['none'] },
    { property: { tag: 0x0063, type: 'boolean' }, values: ['true'] },
    { property: { set: propertySets.appointment, lid: 0x8208, type: 'string' }, values: [''] },
  ] as const;
  const { properties } = await importedAs(draftOf(request, { ...aboutMeeting, ofClass }));
  expect(mapiValue(properties, globalObjectId)).toEqual(Buffer.from('BAAAAIIA4AB0', 'base64'));
  expect(mapiValue(properties, start)).toBe(Date.UTC(2026, 2, 2, 9));
  expect(mapiValue(properties, { tag: 0x0063, type: 'boolean' })).toBe(true);
  expect(mapiValue(properties, sequence)).toBeUndefined();
  expect(mapiValue(properties, { set: propertySets.appointment, lid: 0x8208, type: 'string' })).toBeUndefined();
  expect(mapiValue(properties, { tag: 0x001a, type: 'string' })).toBe('IPM.Schedule.Meeting.Request');
});

test('the iCalendar of a meeting whose properties are known is no file, and no byte of it is lost', async () => {
  const ofClass = [{ property: globalObjectId, values: ['BAAAAIIA4AB0'] }];
  const known = await importedAs(draftOf(request, { ...aboutMeeting, ofClass }));
  expect(known.attachments).toEqual([]);
  expect(mapiValue(known.properties, { tag: 0x1000, type: 'string' })).toBe('see you');
  expect(String(mapiValue(known.properties, calendarStream))).toBe('BEGIN:VCALENDAR\r\nEND:VCALENDAR');
  // Where nothing else says which meeting it is, and in mail that is only mail, it stays what it was.
  for (const draft of [draftOf(request, aboutMeeting), draftOf(request, { ofClass })]) {
    const { attachments, properties } = await importedAs(draft);
    expect(attachments).toHaveLength(1);
    expect(mapiValue(properties, calendarStream)).toBeUndefined();
  }
});

test('of a meeting only what is not attached is its iCalendar', async () => {
  const ofClass = [{ property: globalObjectId, values: ['BAAAAIIA4AB0'] }];
  const attached = request.replace(
    'method=REQUEST\r\n',
    'name=a.ics\r\nContent-Disposition: attachment; filename=a.ics\r\n',
  );
  expect((await importedAs(draftOf(attached, { ...aboutMeeting, ofClass }))).attachments).toHaveLength(1);
  const alone = 'Subject: x\r\nContent-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n';
  const only = await importedAs(draftOf(alone, { ...aboutMeeting, ofClass }));
  expect(only.attachments).toEqual([]);
  expect(mapiValue(only.properties, calendarStream)).toBeInstanceOf(Buffer);
});

test('a signed message is the same bytes, whatever else it is', async () => {
  const signed = `Subject: x\r\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=s\r\n\r\n--s\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n--b--\r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\r\nAAAA\r\n--s--\r\n`;
  const plain = await importedAs(draftOf(signed, { facts: { itemClass: 'IPM.Note.SMIME.MultipartSigned' } }));
  const meeting = await importedAs(
    draftOf(signed, { ...aboutMeeting, ofClass: [{ property: globalObjectId, values: ['BAAAAIIA4AB0'] }] }),
  );
  const bytesOf = async ({ attachments }: MapiMessage) => {
    const [only] = attachments;
    return only?.content ? payloadBytes(only.content) : null;
  };
  const whole = await bytesOf(plain);
  expect(whole?.toString('latin1')).toContain('text/calendar');
  expect(await bytesOf(meeting)).toEqual(whole);
});
