import { describe, expect, test } from 'vitest';
import type { ContactFields } from '#model/contact.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { attachment, draftOf } from '#test/suites/typed-drafts.ts';
import { type MapiPropertyValue, mapiValue } from '../mapi/mapi-message.ts';
import { writeTaskRecurrence } from '../mapi/task-recurrence.ts';
import { itemClasses, strangerAmong } from './item-classes.ts';
import { readTyped, writeTyped } from './typed-message.ts';

const now = Date.parse('2024-03-30T12:00Z');
const from = {
  id: 'id' as ItemId,
  version: 'v1' as Version,
  folder: 'f' as FolderId,
  itemBytes: async () => Buffer.from('an item'),
};
const address = (lid: number, type: MapiProperty['type'] = 'string'): MapiProperty => ({
  set: propertySets.address,
  lid,
  type,
});
const task = (lid: number, type: MapiProperty['type']): MapiProperty => ({ set: propertySets.task, lid, type });
const tag = (id: number, type: MapiProperty['type'] = 'string'): MapiProperty => ({ tag: id, type });
const given = (...values: readonly (readonly [MapiProperty, MapiPropertyValue['value']])[]) =>
  values.map(([property, value]) => ({ property, value }));
const shown = async <Kind extends TypedKind>(kind: Kind, properties: readonly MapiPropertyValue[]) =>
  readTyped(
    kind,
    { properties: [...given([tag(0x001a), itemClasses[kind]]), ...properties], recipients: [], attachments: [] },
    from,
  );
const contact = (fields: Partial<ContactFields>) => writeTyped('contacts', draftOf('contacts', { fields }), now);

describe('contacts', () => {
  test('somebody in the directory of old is known by the address that Outlook shows', async () => {
    const slot = given(
      [address(0x8080), 'Ana Berg'],
      [address(0x8082), 'EX'],
      [address(0x8083), '/o=Old/ou=x/cn=Recipients/cn=ana'],
      [address(0x8084), 'ana@source.example'],
    );
    const { item } = await shown('contacts', slot);
    expect(item.fields.emails).toEqual({ '1': { name: 'Ana Berg', address: 'ana@source.example' } });
  });

  test('a slot has all five of its properties, or none', () => {
    const { properties } = contact({ emails: { '2': { name: 'Ana', address: 'ana@source.example' } } });
    const of = (first: number) => [0, 2, 3, 4, 5].map((n) => mapiValue(properties, address(first + n)) !== undefined);
    expect([0x8080, 0x8090, 0x80a0].map(of)).toEqual([
      [false, false, false, false, false],
      [true, true, true, true, true],
      [false, false, false, false, false],
    ]);
    const entryId = mapiValue(properties, address(0x8095)) as Buffer;
    expect(entryId.subarray(24).toString('utf16le')).toBe('Ana\0SMTP\0ana@source.example\0');
    // Which of the three are there.
    expect(mapiValue(properties, address(0x8029))).toBe(2);
  });

  test('the address for mail is there once more, and each as it is shown', () => {
    const home = { street: 'Way 1', city: 'Graz', state: '', postalCode: '8010', country: 'Austria' };
    const { properties } = contact({ addresses: { home }, mailingAddress: 'home' });
    const whole = 'Way 1\r\nGraz 8010\r\nAustria';
    expect(
      [address(0x801a), tag(0x3a15), tag(0x3a29), tag(0x3a27), tag(0x3a2a), tag(0x3a26)].map((property) =>
        mapiValue(properties, property),
      ),
    ).toEqual([whole, whole, 'Way 1', 'Graz', '8010', 'Austria']);
    expect(mapiValue(properties, address(0x8022))).toBe(1);
  });

  test('the picture is marked as the picture, whatever it is called', async () => {
    const picture = attachment('ContactPicture.jpg', 'jpeg', 'image/jpeg');
    const message = writeTyped('contacts', draftOf('contacts', { attachments: [picture] }), now);
    const photo = tag(0x7fff, 'boolean');
    expect(mapiValue(message.attachments[0]?.properties ?? [], photo)).toBe(true);
    expect(mapiValue(message.properties, address(0x8015))).toBe(true);
    const [first] = message.attachments;
    if (first === undefined) throw new Error('no attachment');
    const renamed = [
      ...given([tag(0x3707), 'me.jpg']),
      ...first.properties.filter(({ property }) => 'tag' in property && property.tag !== 0x3707),
    ];
    const read = await readTyped('contacts', { ...message, attachments: [{ ...first, properties: renamed }] }, from);
    expect(read.item.fields.attachments.map(({ name }) => name)).toEqual(['ContactPicture.jpg']);
  });

  test.each([
    // What Exchange's own clients write, and what Outlook writes at midnight in Vienna, New York, Kolkata.
    ['1970-02-28T11:59:00Z', null],
    ['1970-02-27T23:00:00Z', null],
    ['1970-02-28T05:00:00Z', null],
    ['1970-02-27T18:30:00Z', null],
    // Midnight in Auckland is nearer to the day before; the local property tells.
    ['1970-02-27T11:00:00Z', '1970-02-28T00:00:00Z'],
    // One that was left behind is not believed.
    ['1970-02-28T11:59:00Z', '1980-01-01T00:00:00Z'],
  ])('a birthday is a day whatever the zone: %s, %s', async (instant, local) => {
    const properties = given(
      [tag(0x3a42, 'time'), Date.parse(instant)],
      ...(local === null ? [] : ([[address(0x80de, 'time'), Date.parse(local)]] as const)),
    );
    const { item } = await shown('contacts', properties);
    expect(item.fields.birthday).toBe('1970-02-28' as Day);
  });

  test('what is not understood is kept as it came', async () => {
    const property = address(0x8022, 'integer');
    const { item, problems } = await shown('contacts', given([property, 9]));
    expect(item.fields.mailingAddress).toBeNull();
    expect(item.extras).toEqual([{ property, values: ['9'] }]);
    expect(problems).toEqual(['mailingAddress cannot be read']);
  });
});

describe('tasks', () => {
  test('a date of Outlook’s that stands for none is none', async () => {
    const never = Date.UTC(4501, 0, 1);
    const { item } = await shown('tasks', given([task(0x8105, 'time'), never], [task(0x8104, 'time'), never]));
    expect([item.fields.startDay, item.fields.dueDay]).toEqual([null, null]);
  });

  test('the instant of a day tells it where the day itself is not there', async () => {
    // Midnight in New York.
    const end: MapiProperty = { set: propertySets.common, lid: 0x8517, type: 'time' };
    const { item } = await shown('tasks', given([end, Date.parse('2024-03-11T04:00:00Z')]));
    expect(item.fields.dueDay).toBe('2024-03-11' as Day);
  });

  test('a task that is complete, and says nothing more', async () => {
    const { item } = await shown('tasks', given([task(0x811c, 'boolean'), true]));
    expect(item.fields.status).toBe('completed');
  });

  test('a pattern that was left behind repeats nothing; a broken one is kept, and named', async () => {
    const [recur, isRecurring] = [task(0x8116, 'binary'), task(0x8126, 'boolean')];
    const recurrence = {
      pattern: { kind: 'daily', interval: 1 },
      range: { end: 'never', startDay: '2024-01-01' as Day },
    } as const;
    const old = await shown('tasks', given([recur, writeTaskRecurrence(recurrence)], [isRecurring, false]));
    expect(old.item.fields.recurrence).toBeNull();
    const broken = await shown('tasks', given([recur, Buffer.from('0430', 'hex')], [isRecurring, true]));
    expect(broken.problems).toEqual(['recurrence cannot be read']);
    expect(broken.item.extras).toContainEqual({ property: recur, values: ['BDA='] });
  });

  test('one that never happens is refused by name', () => {
    const range = { end: 'date', startDay: '2024-03-29' as Day, lastDay: '2024-03-28' as Day } as const;
    const draft = draftOf('tasks', { fields: { recurrence: { pattern: { kind: 'daily', interval: 1 }, range } } });
    expect(() => writeTyped('tasks', draft, now)).toThrow(expect.objectContaining({ problem: 'no-occurrences' }));
  });

  test('it is the owner’s own, unless it says something else', () => {
    const ownership = task(0x8129, 'integer');
    const draft = draftOf('tasks');
    expect(mapiValue(writeTyped('tasks', draft, now).properties, ownership)).toBe(0);
    const assigned = { ...draft, item: { ...draft.item, extras: [{ property: ownership, values: ['1'] }] } };
    expect(mapiValue(writeTyped('tasks', assigned, now).properties, ownership)).toBe(1);
  });
});

describe('notes', () => {
  test('an old one has its colour in its icon', async () => {
    const { item } = await shown('notes', given([tag(0x1080, 'integer'), 0x301]));
    expect(item.fields.colour).toBe(1);
  });
});

describe('what else lies in these folders', () => {
  test.each([
    ['contacts', 'IPM.DistList', 'a distribution list'],
    ['tasks', 'IPM.TaskRequest.Accept', 'the assignment of a task'],
    ['calendar', 'IPM.Schedule.Meeting.Request', 'a message about a meeting'],
    ['notes', 'IPM.Custom', 'an item of another kind'],
  ] as const)('%s: %s is %s', async (kind, itemClass, what) => {
    expect(strangerAmong(kind, itemClass)).toContain(what);
    const message = { properties: given([tag(0x001a), itemClass]), recipients: [], attachments: [] };
    await expect(readTyped(kind, message, from)).rejects.toThrow(what);
  });

  test.each([
    ['contacts', 'IPM.Contact.Custom'],
    ['calendar', 'ipm.appointment'],
  ] as const)('%s: %s is one of them', (kind, itemClass) => {
    expect(strangerAmong(kind, itemClass)).toBeNull();
  });
});
