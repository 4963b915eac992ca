import { describe, expect, test } from 'vitest';
import { canonicalContent } from '#formats/text/mime-canonical.ts';
import { systemClock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import { certainFaults } from '../ews/ews.fixture.ts';
import { composeMime } from '../world/compose-mime.ts';
import { Item, type ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { key } from '../world/property.ts';
import { contentOfMime } from '../world/read-message.ts';
import { createWorld } from '../world/world.ts';
import { readFastTransfer, writeFastTransfer } from './fast-transfer.ts';
import { itemOfMessage } from './item-of-message.ts';
import { messageOfItem } from './message-of-item.ts';

const random = seededRandom('item-of-message');
const world = createWorld({
  organizations: [{ name: 'one', version: 'se', domain: 'one.test' }],
  mailboxes: 2,
  items: 600,
  typed: { appointment: 60, contact: 40, task: 40, note: 40 },
  seed: 'streams',
  surroundings: { clock: systemClock, random, faults: certainFaults() },
});
const mailbox = world.organization('one').mailbox(world.organization('one').mailboxes[0]?.address ?? '') as Mailbox;

/** Through bytes and back. */
function back(item: Item): ReturnType<typeof itemOfMessage> {
  const bytes = Buffer.concat([...writeFastTransfer(messageOfItem(item))]);
  return itemOfMessage(readFastTransfer(bytes), { idFor: [mailbox.guid, item.no, mailbox.nowMs], strict: true });
}

const itemsOf = (role: string): readonly Item[] => [...mailbox.folder(role).items()];
const asMap = <V>(map: ReadonlyMap<string, V>): Record<string, V> => Object.fromEntries([...map].sort());

/** What the generator left in attendees is no part of them. */
const withoutGuids = (calendar: ItemContent['calendar']): object => ({
  ...calendar,
  attendees: calendar?.attendees.map(({ name, address, role, response, respondedAtMs }) => ({
    name,
    address,
    role,
    response,
    respondedAtMs,
  })),
});

describe('an item is the same after a stream', () => {
  test.each(['contacts', 'tasks', 'notes'])('%s', (role) => {
    const items = itemsOf(role);
    expect(items.length).toBeGreaterThan(5);
    for (const item of items) {
      const { content, isRead, searchKey } = back(item);
      expect(asMap(content.typed)).toEqual(asMap(item.content.typed));
      expect(asMap(content.properties)).toEqual(asMap(item.content.properties));
      expect(content.body).toEqual(item.content.body);
      expect({ isRead, searchKey }).toEqual({ isRead: item.isRead, searchKey: item.searchKey });
    }
  });

  test('appointments', () => {
    for (const item of itemsOf('calendar')) {
      const { content } = back(item);
      expect(content.calendar).toMatchObject(withoutGuids(item.content.calendar));
      expect(content.from?.address).toBe(item.content.from?.address);
    }
  });

  test('mail: people, texts, files and header fields', () => {
    const items = ['inbox', 'sentitems', 'drafts'].flatMap(itemsOf);
    expect(items.length).toBeGreaterThan(50);
    for (const item of items) {
      const mime = item.content.mime as Buffer;
      const read = back(item);
      expect(read.flags).toBe(item.flags | (item.isRead ? 1 : 0));
      const [was, is] = [canonicalContent(mime), canonicalContent(composeMime(read.content))];
      const people = (of: typeof was) => ({ from: of.from, to: of.to, cc: of.cc, replyTo: of.replyTo });
      expect(people(is)).toEqual(people(was));
      expect([is.subject, is.messageId]).toEqual([was.subject, was.messageId]);
      // The property says when, whatever the header field said.
      expect(is.date).toBe(item.number(key.sentAt));
      // Parts of a report that say what happened are no files to the lab; files without a name get one.
      if (!item.itemClass.startsWith('REPORT.'))
        expect(is.attachments.map(({ sha256 }) => sha256)).toEqual(was.attachments.map(({ sha256 }) => sha256));
      for (const [name, values] of was.headers)
        if (name !== 'thread-topic') expect(is.headers.get(name), name).toEqual(values);
    }
  });
});

function mailItem(content: ItemContent): Item {
  return new Item({
    no: 1,
    folder: mailbox.folder('inbox'),
    cn: 1,
    isRead: false,
    flags: 0,
    receiptPending: false,
    searchKey: 'ab'.repeat(16),
    atMs: 0,
    by: '',
    content,
  });
}

describe('what MAPI has another form for', () => {
  test('an attached message is a message inside, and mail again afterwards', () => {
    const inner = 'From: <a@x.test>\r\nSubject: inner\r\nContent-Type: text/plain\r\n\r\nhello inside\r\n';
    const mime = Buffer.from(
      `From: <b@x.test>\r\nSubject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: text/plain\r\n\r\nsee\r\n--q\r\nContent-Type: message/rfc822\r\n\r\n${inner}\r\n--q--\r\n`,
    );
    const item = mailItem(contentOfMime(mime));
    expect(messageOfItem(item).attachments[0]?.message?.properties.get(key.subject)?.value).toBe('inner');
    const again = canonicalContent(composeMime(back(item).content));
    expect(again.attachments[0]?.message?.subject).toBe('inner');
    expect(again.attachments[0]?.message?.bodies[0]?.text.trim()).toBe('hello inside');
  });

  test('a signed message keeps the bytes that were signed', () => {
    const mime = Buffer.from(
      'From: <b@x.test>\r\nSubject: signed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=s\r\n\r\n--s\r\nContent-Type: text/plain\r\n\r\nSo be it.\r\n--s\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--s--\r\n',
    );
    const item = mailItem(contentOfMime(mime));
    expect(item.itemClass).toBe('IPM.Note.SMIME.MultipartSigned');
    const was = canonicalContent(mime);
    expect(was.signed).toHaveLength(1);
    expect(canonicalContent(composeMime(back(item).content)).signed).toEqual(was.signed);
  });

  test('of two forms of a text both are kept', () => {
    const mime = Buffer.from(
      'From: <b@x.test>\r\nSubject: two\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=q\r\n\r\n--q\r\nContent-Type: text/plain\r\n\r\nplain\r\n--q\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n<p>sch\xf6n</p>\r\n--q--\r\n',
      'latin1',
    );
    const bodies = canonicalContent(composeMime(back(mailItem(contentOfMime(mime))).content)).bodies;
    expect(bodies.map(({ type, text }) => [type, text.trim()])).toEqual([
      ['text/plain', 'plain'],
      ['text/html', '<p>schön</p>'],
    ]);
  });
});
