import { expect, test } from 'vitest';
import type { ItemId } from '#model/ids.ts';
import type { MailHead } from '#model/mail.ts';
import { PackedHeads } from './packed-heads.ts';

const head = (no: number, subject = `Subject ${no}`): MailHead =>
  ({
    id: `item ${no}`,
    version: '1',
    folder: 'inbox',
    state: { isRead: no % 2 === 0, categories: ['a\u0001b', 'ü'] },
    facts: { subject, sentAt: -11_644_473_600_000, searchKey: null },
    stamp: null,
    unread: [],
    bcc: [],
  }) as unknown as MailHead;
const id = (no: number) => `item ${no}` as ItemId;

test('what went in comes out, from many pages and in any order', () => {
  const packed = new PackedHeads();
  for (let page = 0; page < 50; page++) packed.add(Array.from({ length: 20 }, (_, at) => head(page * 20 + at)));
  for (let no = 999; no >= 0; no -= 7) expect(packed.get(id(no))).toEqual(head(no));
  expect(packed.get(id(1000))).toBeNull();
});

test('an item that is shown again is what it was shown as last', () => {
  const packed = new PackedHeads();
  packed.add([head(1), head(2)]);
  expect(packed.get(id(1))?.facts.subject).toBe('Subject 1');
  packed.add([head(1, 'moved here')]);
  expect(packed.get(id(1))?.facts.subject).toBe('moved here');
});
