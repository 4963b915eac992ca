import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import MsgReaderModule from '@kenjiuno/msgreader';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { plainFields } from '#model/plain-fields.ts';
import { propertySets } from '#model/property-row.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { mapiValue } from '../mapi/mapi-message.ts';
import { messageOfOutlookFile } from './outlook-file.fixture.ts';
import { readTyped, writeTyped } from './typed-message.ts';

// The package is written for CommonJS: its class arrives inside of its default.
const MsgReader = (MsgReaderModule as unknown as { default?: typeof MsgReaderModule }).default ?? MsgReaderModule;

const folder = reference('peers/samples/msg');
const from = {
  id: 'id' as ItemId,
  version: 'v1' as Version,
  folder: 'f' as FolderId,
  itemBytes: async () => Buffer.from('an item'),
};
const now = Date.parse('2024-03-30T12:00Z');
const messageOf = (name: string, codePage?: number) =>
  messageOfOutlookFile(readFileSync(join(folder ?? '', name)), codePage);
const read = <Kind extends TypedKind>(kind: Kind, name: string, codePage?: number) =>
  readTyped(kind, messageOf(name, codePage), from);

const everyFile = (folder === null ? [] : ['msgreader', 'poi']).flatMap((part) =>
  readdirSync(join(folder ?? '', part)).flatMap((name) => (name.endsWith('.msg') ? [`${part}/${name}`] : [])),
);
/** What the other reader makes of a file; null: it cannot read it. */
function theirs(name: string) {
  const file = readFileSync(join(folder ?? '', name));
  try {
    return new MsgReader(
      file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer,
    ).getFileData();
  } catch {
    return null;
  }
}
/** What of HTML is text. */
const textOf = (html: string) =>
  html.replace(/^[\s\S]*<body[^>]*>/i, '').replace(/<!--[\s\S]*?-->|<[^>]*>|&nbsp;/g, '');
const ofClass = (itemClass: string) => everyFile.filter((name) => theirs(name)?.messageClass === itemClass);

describe.skipIf(folder === null)('what Outlook saved', () => {
  test.each([
    ['msgreader/contactUnicode.msg', undefined],
    ['msgreader/contactAnsi.msg', 932],
  ])('a contact with everything on its first page: %s', async (name, codePage) => {
    const { item, problems } = await read('contacts', name, codePage);
    expect(problems).toEqual([]);
    expect(item.fields).toEqual({
      ...plainFields.contacts,
      displayName: 'Mr. イグザンプル ドット コム 殿',
      fileAs: 'イグザンプル, コム ドット',
      title: 'Mr.',
      givenName: 'コム',
      middleName: 'ドット',
      surname: 'イグザンプル',
      generation: '殿',
      company: 'My work company',
      department: 'My division',
      jobTitle: 'My position',
      birthday: '2000-01-01' as Day,
      webPage: 'https://example.com',
      emails: { '1': { name: 'コム ドット イグザンプル 殿 (test@example.com)', address: 'test@example.com' } },
      phones: {
        BusinessFax: '06-0001-0003',
        BusinessPhone: '06-0001-0002',
        HomePhone: '06-0001-0001',
        MobilePhone: '080-0001-0001',
      },
      addresses: {
        business: { street: 'Somewhere', city: 'Osaka', state: 'Osaka', postalCode: '544-0001', country: '日本' },
      },
      mailingAddress: 'business',
      body: { type: 'text', text: '\r\n' },
    });
    // How a name is spoken is no field, and kept.
    expect(item.extras).toContainEqual({
      property: { set: propertySets.address, lid: 0x802c, type: 'string' },
      values: ['komu'],
    });
  });

  test('a task', async () => {
    const { item, problems } = await read('tasks', 'poi/msgClassTask.msg');
    expect(problems).toEqual([]);
    expect(item.fields).toEqual({
      ...plainFields.tasks,
      subject: 'Must jump over the lazy dog',
      body: { type: 'text', text: 'Quick brown fox must do what he must\r\n' },
      startDay: '2017-02-19' as Day,
      dueDay: '2017-03-10' as Day,
      status: 'in-progress',
      owner: 'Allison, Timothy B.',
    });
  });

  test('a body that came as RTF is text here, and keeps its formatting as long as nobody changes it', async () => {
    const rtf = { tag: 0x1009, type: 'binary' } as const;
    const name = 'msgreader/A_schedule.msg';
    const { item, attachments, occurrenceAttachments } = await read('calendar', name);
    expect(item.fields.body).toEqual({ type: 'text', text: 'A message body.\r\n' });
    const written = (body: typeof item.fields.body) => {
      const draft = { item: { ...item, fields: { ...item.fields, body } }, attachments, occurrenceAttachments };
      return writeTyped('calendar', { ...draft, stamp: '' as StampText }, now).properties;
    };
    expect(mapiValue(written(item.fields.body), rtf)).toEqual(mapiValue(messageOf(name).properties, rtf));
    expect(mapiValue(written({ type: 'text', text: 'Another one.' }), rtf)).toBeUndefined();
  });

  test('notes', async () => {
    const [memo, fox] = [
      await read('notes', 'msgreader/A_memo.msg'),
      await read('notes', 'poi/msgClassStickyNote.msg'),
    ];
    const text = (some: string) => ({ subject: some, body: { type: 'text', text: `${some}\r\n` } });
    expect(memo.item.fields).toEqual({ ...plainFields.notes, ...text('A memo.'), height: 162 });
    expect(fox.item.fields).toEqual({ ...plainFields.notes, ...text('This is a note about the quick brown fox') });
    // Where it lies on the screen.
    expect(memo.item.extras).toContainEqual({
      property: { set: propertySets.note, lid: 0x8b04, type: 'integer' },
      values: ['526'],
    });
  });

  test('an appointment of one’s own has no attendees, and the address of its organizer is that of the table', async () => {
    const { item } = await read('calendar', 'msgreader/A_schedule.msg');
    expect(item.fields.organizer).toEqual({ name: 'UnoKenji', address: 'ku@digitaldolphins.onmicrosoft.com' });
    expect(item.fields.attendees).toEqual([]);
    expect(item.fields.stateFlags).toBe(0);
  });

  test('a series with a deleted day and one that was moved, renamed and given a file', async () => {
    const { item, occurrenceAttachments } = await read(
      'calendar',
      'msgreader/Lanch_time__every_friday__in_2023_chgs2.msg',
    );
    const day = '2023-01-13' as Day;
    expect(item.deletedDays).toEqual(['2023-01-06']);
    expect(item.occurrences).toMatchObject([
      {
        day,
        overrides: {
          subject: 'Lanch time, every friday, in 2023 [rescheduled!]',
          location: 'Awesome coffee shop',
          showAs: 'tentative',
          importance: 'high',
          when: { start: Date.parse('2023-01-12T03:00:00Z'), end: Date.parse('2023-01-12T04:00:00Z') },
        },
      },
    ]);
    expect(occurrenceAttachments.get(day)?.map(({ head }) => [head.name, head.sizeBytes])).toEqual([
      ['JSCoffeeScript_64x.png', 1538],
    ]);
  });

  test.each(ofClass('IPM.Appointment'))('%s says what another reader reads', async (name) => {
    const other = theirs(name);
    const { item, problems } = await read('calendar', name);
    const { fields } = item;
    expect(problems).toEqual([]);
    expect(fields.subject).toBe(other?.subject ?? '');
    expect(fields.location).toBe(other?.apptLocation ?? '');
    expect(fields.when.start).toBe(Date.parse(other?.apptStartWhole ?? ''));
    expect(fields.when.end).toBe(Date.parse(other?.apptEndWhole ?? ''));
    expect(fields.recurrence === null).toBe(other?.apptRecur === undefined);
    const text = fields.body.type === 'html' ? textOf(fields.body.text) : fields.body.text;
    expect(text.trim()).toBe((other?.body ?? '').trim());
  });

  const kinds = [
    ['calendar', 'IPM.Appointment'],
    ['contacts', 'IPM.Contact'],
    ['tasks', 'IPM.Task'],
    ['notes', 'IPM.StickyNote'],
  ] as const;
  test.each(
    kinds.flatMap(([kind, itemClass]) => ofClass(itemClass).map((name) => [kind, name] as const)),
  )('%s %s is the same when it is written and read again', async (kind, name) => {
    const { item, attachments, occurrenceAttachments } = await read(kind, name);
    const stamp = 'cw1;org;box;;00;00;1;nonce' as StampText;
    const message = writeTyped(kind, { item, attachments, occurrenceAttachments, stamp } as never, now);
    const again = await readTyped(kind, message, from);
    expect(again.item.fields).toEqual(item.fields);
    expect(again.item.occurrences).toEqual(item.occurrences);
    expect(again.item.deletedDays).toEqual(item.deletedDays);
    expect(new Set(again.item.extras)).toEqual(new Set(item.extras));
    expect(again.item.head.identity).toBe(item.head.identity);
  });

  test('messages and posts are none of these', async () => {
    for (const name of [...ofClass('IPM.Note').slice(0, 5), ...ofClass('IPM.Post')])
      for (const [kind] of kinds)
        await expect(readTyped(kind, messageOf(name), from)).rejects.toThrow(
          expect.objectContaining({ problem: 'not-of-this-kind' }),
        );
  });

  test('the days of a task are written as Outlook writes them', async () => {
    const name = 'poi/msgClassTask.msg';
    const { item, attachments, occurrenceAttachments } = await read('tasks', name);
    const ours = writeTyped('tasks', { item, attachments, occurrenceAttachments, stamp: '' as StampText }, now);
    for (const lid of [0x8104, 0x8105]) {
      const property = { set: propertySets.task, lid, type: 'time' } as const;
      expect([lid, mapiValue(ours.properties, property)]).toEqual([
        lid,
        mapiValue(messageOf(name).properties, property),
      ]);
    }
  });
});
