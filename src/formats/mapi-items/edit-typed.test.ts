import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { payloadBytes } from '#kit/payload.ts';
import type { AttachmentContent } from '#model/appointment.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { propertySets } from '#model/property-row.ts';
import type { TypedDraft, TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { anyEvent } from '#test/suites/any-event.ts';
import { anyPlainItem } from '#test/suites/any-plain-item.ts';
import { attachment, daily, draftOf, eventDraft, nth, onDay, seriesDraft } from '#test/suites/typed-drafts.ts';
import type { MapiMessage } from '../mapi/mapi-message.ts';
import { changedMessage, editTyped } from './edit-typed.ts';
import { rtfBody } from './field-codec.ts';
import { valuesOf } from './property-values.ts';
import { readTyped, writeTyped } from './typed-message.ts';

const now = Date.parse('2024-03-30T12:00Z');
const itemBytes = async () => Buffer.from('an item');
const from = { id: 'id' as ItemId, version: 'v1' as Version, folder: 'f' as FolderId, itemBytes };

/** A draft, and an edit that brings some of the fields of another there. */
const editOf = <Kind extends TypedKind>(any: fc.Arbitrary<TypedDraft<Kind>>) =>
  fc.tuple(any, any, fc.infiniteStream(fc.boolean())).map(([draft, other, picks]) => {
    const chosen = Object.entries(other.item.fields).filter(() => picks.next().value);
    const set = Object.fromEntries(chosen) as TypedEdit<Kind>['set'];
    const reshapes = 'recurrence' in set || 'when' in set;
    const own = [...draft.item.occurrences, ...other.item.occurrences];
    const occurrences: TypedEdit['occurrences'] = [
      ...own.filter(() => reshapes || picks.next().value).map((one) => ({ ...one, do: 'modify' as const })),
      ...draft.item.deletedDays.filter(() => picks.next().value).map((day) => ({ day, do: 'delete' as const })),
    ];
    const files = [...draft.attachments, ...other.attachments, ...[draft, other].flatMap(filesOf)];
    const edit: TypedEdit<Kind> = { set, occurrences, attachments: new Map(files.map((one) => [one.head.hash, one])) };
    return { draft, edit };
  });
/** Files are told apart by what they are, not by their place. */
const inOrder = (field: string, value: unknown): unknown =>
  field === 'attachments' ? [...(value as readonly object[])].map((one) => JSON.stringify(one)).sort() : value;
const filesOf = ({ occurrenceAttachments }: TypedDraft): readonly AttachmentContent[] =>
  [...occurrenceAttachments.values()].flat();

const shown = async <Kind extends TypedKind>(kind: Kind, message: MapiMessage) => {
  const { item, attachments, problems } = await readTyped(kind, message, from);
  const bytes = await Promise.all(attachments.map(async ({ bytes: one }) => (await payloadBytes(one)).toString('hex')));
  const sorted = [...item.extras].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { ...item, extras: sorted, bytes: bytes.sort(), problems };
};

const kinds: readonly (readonly [TypedKind, fc.Arbitrary<TypedDraft>])[] = [
  ['calendar', anyEvent],
  ['contacts', anyPlainItem('contacts')],
  ['tasks', anyPlainItem('tasks')],
  ['notes', anyPlainItem('notes')],
];

describe.each(kinds)('an edit of any of %s', (kind, any) => {
  test('shows what it sets, and everything else as it was', async () => {
    await fc.assert(
      fc.asyncProperty(editOf(any), async ({ draft, edit }) => {
        const before = writeTyped(kind, draft, now);
        const { occurrenceAttachments } = draft;
        const changes = editTyped(kind, draft.item, edit, { now, occurrenceAttachments });
        const patched = await changedMessage(before, changes, itemBytes);
        const after = await shown(kind, patched);
        const set = edit.set as Readonly<Record<string, unknown>>;
        for (const [field, value] of Object.entries(set)) {
          const now = after.fields[field as keyof typeof after.fields];
          expect([field, inOrder(field, now)]).toEqual([field, inOrder(field, value)]);
        }
        for (const [field, value] of Object.entries(draft.item.fields))
          if (!(field in set)) expect([field, after.fields[field as never]]).toEqual([field, value]);
        expect(after.problems).toEqual([]);
        expect(after.extras).toEqual((await shown(kind, before)).extras);
      }),
      { numRuns: 100 },
    );
  });

  test('that sets nothing changes nothing', async () => {
    await fc.assert(
      fc.property(any, (draft) => {
        const edit: TypedEdit = { set: {}, occurrences: [], attachments: new Map() };
        expect(editTyped(kind, draft.item, edit, { now })).toEqual({
          properties: [],
          recipients: null,
          files: null,
          exceptions: null,
        });
      }),
      { numRuns: 30 },
    );
  });
});

const noEdit = { occurrences: [], attachments: new Map() } as const;
const keysOf = (item: TypedItem<'calendar'>, set: TypedEdit<'calendar'>['set']) =>
  editTyped('calendar', item, { ...noEdit, set }, { now }).properties.map(({ property, value }) => [
    'tag' in property ? property.tag : 'lid' in property ? property.lid : property.name,
    value === null ? 'goes' : 'set',
  ]);

describe('what an edit names', () => {
  test('of a location, the location', () => {
    expect(keysOf(eventDraft().item, { location: 'Room 2' })).toEqual([[0x8208, 'set']]);
  });

  test('of a body, the forms that it has not any more, the RTF among them, before the one that it has', () => {
    const html = { type: 'html', text: '<p>x</p>' } as const;
    expect(keysOf(eventDraft().item, { body: html })).toEqual([
      [0x1000, 'goes'],
      [rtfBody.tag, 'goes'],
      [0x1013, 'set'],
      [0x3fde, 'set'],
      [0x1016, 'set'],
    ]);
  });

  test('of sensitivity, what old clients go by', () => {
    expect(keysOf(eventDraft().item, { sensitivity: 'private' })).toEqual([
      [0x0036, 'set'],
      [0x8506, 'set'],
    ]);
  });

  test('of one day of a series, the whole recurrence and the message of every modified day', () => {
    const { item } = seriesDraft({ occurrences: [{ day: nth(1), overrides: { subject: 'One' } }] });
    const occurrences = [{ day: nth(3), do: 'modify', overrides: { location: 'Three' } }] as const;
    const changes = editTyped('calendar', item, { set: {}, occurrences, attachments: new Map() }, { now });
    expect(changes.properties.map(({ property }) => 'lid' in property && property.lid)).toEqual([0x8216]);
    expect([...(changes.exceptions?.keys() ?? [])]).toEqual([nth(1), nth(3)]);
  });

  test('a series that repeats no more leaves nothing of it', async () => {
    const draft = seriesDraft({ deletedDays: [nth(2)], occurrences: [{ day: nth(1), overrides: { subject: 'One' } }] });
    const changes = editTyped('calendar', draft.item, { ...noEdit, set: { recurrence: null } }, { now });
    const after = await changedMessage(writeTyped('calendar', draft, now), changes, itemBytes);
    const get = valuesOf(after.properties);
    for (const lid of [0x8216, 0x8223, 0x8235, 0x8236, 0x8260, 0x8231, 0x8233])
      expect([lid, get({ set: propertySets.appointment, lid, type: 'binary' })]).toEqual([lid, undefined]);
    expect(after.attachments).toEqual([]);
    expect((await readTyped('calendar', after, from)).item.fields.recurrence).toBeNull();
  });

  test('an exception keeps its files when another day is edited', async () => {
    const file = attachment('plan.txt', 'of that day');
    const day = nth(1);
    const draft = seriesDraft({
      occurrences: [{ day, overrides: { attachments: [file.head] } }],
      occurrenceAttachments: new Map([[day, [file]]]),
    });
    const occurrences = [{ day: nth(4), do: 'delete' }] as const;
    const changes = editTyped(
      'calendar',
      draft.item,
      { set: {}, occurrences, attachments: new Map() },
      { now, occurrenceAttachments: draft.occurrenceAttachments },
    );
    const after = await changedMessage(writeTyped('calendar', draft, now), changes, itemBytes);
    const read = await readTyped('calendar', after, from);
    expect(read.item.deletedDays).toEqual([nth(4)]);
    expect(read.item.occurrences).toEqual(draft.item.occurrences);
    expect(read.occurrenceAttachments.get(day)?.map(({ head }) => head)).toEqual([file.head]);
  });

  test('with other times those days are there that it names', async () => {
    const draft = seriesDraft({ occurrences: [{ day: nth(1), overrides: { subject: 'One' } }], deletedDays: [nth(2)] });
    const edit: TypedEdit<'calendar'> = {
      set: { when: onDay(0, 3_600_000) },
      occurrences: [{ day: nth(2), do: 'modify', overrides: { subject: 'Two' } }],
      attachments: new Map(),
    };
    const changes = editTyped('calendar', draft.item, edit, { now });
    const { item } = await readTyped(
      'calendar',
      await changedMessage(writeTyped('calendar', draft, now), changes, itemBytes),
      from,
    );
    expect(item.fields.recurrence).toEqual(daily);
    expect(item.occurrences).toEqual([{ day: nth(2), overrides: { subject: 'Two' } }]);
    expect(item.deletedDays).toEqual([] as readonly Day[]);
  });

  test('files that go are told from files that stay, and of two alike one may go', async () => {
    const [a, b, c] = [attachment('a.txt', 'a'), attachment('b.txt', 'b'), attachment('c.txt', 'c')];
    const draft = draftOf('contacts', { attachments: [a, a, b] });
    const edit: TypedEdit<'contacts'> = {
      set: { attachments: [a.head, c.head] },
      occurrences: [],
      attachments: new Map([[c.head.hash, c]]),
    };
    const changes = editTyped('contacts', draft.item, edit, { now });
    expect(changes.files?.removed).toEqual([a.head, b.head]);
    expect(changes.files?.added.map(({ head }) => head.name)).toEqual(['c.txt']);
    const after = await changedMessage(writeTyped('contacts', draft, now), changes, itemBytes);
    const read = await readTyped('contacts', after, from);
    expect(read.item.fields.attachments.map(({ name }) => name)).toEqual(['a.txt', 'c.txt']);
  });

  test('a file that is there stays, under whatever name the other side has it', async () => {
    const [a, b] = [attachment('a.txt', 'a'), attachment('b.txt', 'b')];
    const draft = draftOf('tasks', { attachments: [a, b] });
    const attachments = [{ ...a.head, name: 'A.TXT', contentType: null }];
    const changes = editTyped('tasks', draft.item, { ...noEdit, set: { attachments } }, { now });
    expect(changes.files).toEqual({ removed: [b.head], added: [] });
  });
});
