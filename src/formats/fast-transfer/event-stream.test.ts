import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { payloadBytes } from '#kit/payload.ts';
import type { AttachmentContent } from '#model/appointment.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft } from '#model/typed-item.ts';
import { addDays, type Day } from '#model/wall-time.ts';
import { anyEvent } from '#test/suites/any-event.ts';
import { writeTimeZoneStruct } from '../mapi/zone-blobs.ts';
import { exceptionClass } from '../mapi-items/event-series.ts';
import { ItemError } from '../mapi-items/item-error.ts';
import { stampProperty } from '../mapi-items/item-properties.ts';
import {
  findValue,
  messageNodes,
  newStream,
  partsOf,
  readStream,
  setProperties,
  writeStream,
} from './message-stream.ts';
import { stampOfStream, stampStream } from './stamp-stream.ts';
import { StreamError } from './stream-error.ts';
import { makeProperty } from './stream-property.ts';
import { readTypedStream, writeTypedStream } from './typed-stream.ts';

const now = Date.parse('2024-03-30T12:00Z');
const written = (draft: TypedDraft<'calendar'>) => payloadBytes(writeTypedStream('calendar', draft, { now }));
const at = { id: 'id' as ItemId, version: 'v1' as Version, folder: 'f' as FolderId };
const bytesOf = async (contents: readonly AttachmentContent[]) =>
  Promise.all(contents.map(async ({ head, bytes }) => ({ head, bytes: (await payloadBytes(bytes)).toString('hex') })));

describe('any event', () => {
  test('comes back with every field, exception, attachment and extra', async () => {
    await fc.assert(
      fc.asyncProperty(anyEvent, async (draft) => {
        const bytes = await written(draft);
        const read = await readTypedStream('calendar', bytes, at);
        const { item } = draft;
        expect(read.problems).toEqual([]);
        expect(read.item.fields).toEqual(item.fields);
        expect(read.item.occurrences).toEqual(item.occurrences);
        expect(read.item.deletedDays).toEqual(item.deletedDays);
        expect(new Set(read.item.extras)).toEqual(new Set(item.extras));
        expect(read.item.head).toEqual({ ...item.head, stamp: draft.stamp, sizeBytes: bytes.length });
        expect(await bytesOf(read.attachments)).toEqual(await bytesOf(draft.attachments));
        expect([...read.occurrenceAttachments.keys()]).toEqual([...draft.occurrenceAttachments.keys()]);
        for (const [day, contents] of read.occurrenceAttachments)
          expect(await bytesOf(contents)).toEqual(await bytesOf(draft.occurrenceAttachments.get(day) ?? []));
      }),
      { numRuns: 150 },
    );
  });

  test('is written again byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(anyEvent, async (draft) => {
        const bytes = await written(draft);
        expect(writeStream(readStream(bytes)).equals(bytes)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('takes another stamp and nothing else of it changes', async () => {
    const location: MapiProperty = { set: propertySets.appointment, lid: 0x8208, type: 'string' };
    await fc.assert(
      fc.asyncProperty(anyEvent, fc.string({ maxLength: 30 }), async (draft, stamp) => {
        const stream = readStream(await written(draft));
        const edited = writeStream(
          setProperties(stream, [
            { property: stampProperty, value: stamp },
            { property: location, value: null },
          ]),
        );
        const before = await readTypedStream('calendar', writeStream(stream), at);
        const after = await readTypedStream('calendar', edited, at);
        expect(after.item.head.stamp).toBe(stamp);
        expect(after.item.fields).toEqual({ ...before.item.fields, location: '' });
        expect(after.item.deletedDays).toEqual(before.item.deletedDays);
      }),
      { numRuns: 40 },
    );
  });

  test('cut off or damaged it is refused by name, or read; never anything else', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyEvent,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(fc.tuple(fc.nat({ max: 5000 }), fc.nat({ max: 255 })), { maxLength: 5 }),
        async (draft, part, changes) => {
          const whole = await written(draft);
          const bytes = Buffer.from(part > 0.5 ? whole : whole.subarray(0, Math.floor(whole.length * part * 2)));
          for (const [offset, value] of changes) if (bytes.length > 0) bytes[offset % bytes.length] = value;
          expect(writeStream(readStream(bytes)).equals(bytes)).toBe(true);
          try {
            await readTypedStream('calendar', bytes, at);
          } catch (error) {
            expect(error instanceof StreamError || error instanceof ItemError, String(error)).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('the stamp of an exported item', async () => {
  const [draft] = fc.sample(anyEvent, { numRuns: 1, seed: 1 }) as [TypedDraft<'calendar'>];
  const bytes = await written(draft);
  expect(stampOfStream(bytes)).toBe(draft.stamp);
  const other = 'cw1;other;box;;00;00;1;nonce' as StampText;
  expect(stampOfStream(stampStream(bytes, other))).toBe(other);
  expect(
    stampOfStream(writeStream(newStream([makeProperty({ tag: 0x001a, type: 'string' }, 'IPM.Note', 0)]))),
  ).toBeNull();
  expect(() => stampStream(bytes.subarray(0, bytes.length - 1), other)).toThrow(StreamError);
});

describe('large ones', () => {
  const [sample] = fc.sample(anyEvent, { numRuns: 1, seed: 3 }) as [TypedDraft<'calendar'>];

  test('a body of 20 MB and 10,000 attendees come back', async () => {
    const attendees = Array.from({ length: 10_000 }, (_, n) => ({
      ...{ name: `Person ${n}`, address: `p${n}@source.example`, role: 'required' as const },
      ...{ response: 'accept' as const, respondedAt: null },
    }));
    const fields = {
      ...sample.item.fields,
      attendees,
      body: { type: 'html' as const, text: 'x'.repeat(20 * 1024 * 1024) },
    };
    const bytes = await written({ ...sample, item: { ...sample.item, fields } });
    const read = await readTypedStream('calendar', bytes, at);
    expect(read.item.fields.attendees).toEqual(attendees);
    expect(read.item.fields.body.text).toHaveLength(20 * 1024 * 1024);
    expect(writeStream(readStream(bytes)).equals(bytes)).toBe(true);
  });

  test('a series with 2,000 modified days comes back', async () => {
    const startDay = '2020-01-01' as Day;
    const recurrence = { pattern: { kind: 'daily', interval: 1 }, range: { end: 'never', startDay } } as const;
    const utc = { id: 'UTC', rules: null };
    const start = Date.parse('2020-01-01T09:00Z');
    const when = { start, end: start + 3_600_000, isAllDay: false, startZone: utc, endZone: utc };
    const occurrences = Array.from({ length: 2_000 }, (_, n) => ({
      day: addDays(startDay, n),
      overrides: { subject: `Day ${n}` },
    }));
    const fields = { ...sample.item.fields, when, recurrence };
    const item = { ...sample.item, fields, occurrences, deletedDays: [] };
    const bytes = await written({ ...sample, occurrenceAttachments: new Map(), item });
    expect((await readTypedStream('calendar', bytes, at)).item.occurrences).toEqual(occurrences);
  });
});

describe('a series as Exchange wants it', () => {
  const day = '2024-03-31' as Day;
  const [sample] = fc.sample(anyEvent, { numRuns: 1, seed: 7 }) as [TypedDraft<'calendar'>];
  const zone = { id: 'W. Europe Standard Time', rules: null };
  const when = {
    start: Date.parse('2024-03-29T08:00Z'),
    end: Date.parse('2024-03-29T09:00Z'),
    isAllDay: false,
    startZone: zone,
    endZone: zone,
  };
  const draft: TypedDraft<'calendar'> = {
    ...sample,
    attachments: [],
    occurrenceAttachments: new Map(),
    item: {
      ...sample.item,
      fields: {
        ...sample.item.fields,
        when,
        attachments: [],
        recurrence: {
          pattern: { kind: 'daily', interval: 1 },
          range: { end: 'count', startDay: '2024-03-29' as Day, count: 5 },
        },
        organizer: { name: 'Ana', address: 'ana@source.example' },
        attendees: [
          {
            name: 'Ben',
            address: 'ben@source.example',
            role: 'optional',
            response: 'accept',
            respondedAt: 1_700_000_000_000,
          },
        ],
      },
      occurrences: [{ day, overrides: { subject: 'Moved' } }],
      deletedDays: ['2024-03-30' as Day, '2025-01-01' as Day],
    },
  };

  test('a modified occurrence is a hidden message that names what it replaces', async () => {
    const nodes = messageNodes(readStream(await written(draft)));
    const [part] = partsOf(nodes, 'attachment');
    expect(findValue(part?.nodes ?? [], { tag: 0x3705, type: 'integer' })).toBe(5);
    expect(findValue(part?.nodes ?? [], { tag: 0x7ffe, type: 'boolean' })).toBe(true);
    const [inside] = partsOf(part?.nodes ?? [], 'embedded');
    const get = (property: MapiProperty) => findValue(inside?.nodes ?? [], property);
    expect(get({ tag: 0x001a, type: 'string' })).toBe(exceptionClass);
    expect(get({ set: propertySets.appointment, lid: 0x8228, type: 'time' })).toBe(Date.parse('2024-03-31T07:00Z'));
  });

  test('the organizer has a row of his own and every attendee an answer', async () => {
    const nodes = messageNodes(readStream(await written(draft)));
    const rows = partsOf(nodes, 'recipient').map(({ nodes: columns }) =>
      [0x39fe, 0x0c15, 0x5ffd, 0x5fff].map((tag) => findValue(columns, { tag, type: 'integer' })),
    );
    expect(rows).toEqual([
      ['ana@source.example', 1, 3, undefined],
      ['ben@source.example', 2, 1, 3],
    ]);
  });

  test('the reminder rings for the next occurrence, not for years of past ones', async () => {
    const rings = async (at: string) => {
      const nodes = messageNodes(
        readStream(await payloadBytes(writeTypedStream('calendar', draft, { now: Date.parse(at) }))),
      );
      const signal = findValue(nodes, { set: propertySets.common, lid: 0x8560, type: 'time' });
      return new Date(Number(signal) + draft.item.fields.reminder.minutesBefore * 60_000).toISOString().slice(0, 16);
    };
    expect(await rings('2024-03-01T00:00Z')).toBe('2024-03-29T08:00');
    expect(await rings('2024-03-30T00:00Z')).toBe('2024-03-31T07:00');
    expect((await rings('2024-05-01T00:00Z')).slice(0, 4)).toMatch(/^450[01]$/);
  });

  test('days that the pattern lacks are left out', async () => {
    const read = await readTypedStream('calendar', await written(draft), at);
    expect(read.item.deletedDays).toEqual(['2024-03-30']);
  });

  test('one without occurrences is refused by name', () => {
    const range = { end: 'date', startDay: '2024-03-29' as Day, lastDay: '2024-03-28' as Day } as const;
    const fields = { ...draft.item.fields, recurrence: { pattern: { kind: 'daily', interval: 1 } as const, range } };
    expect(() => writeTypedStream('calendar', { ...draft, item: { ...draft.item, fields } }, { now })).toThrow(
      expect.objectContaining({ problem: 'no-occurrences' }),
    );
  });

  test('what says nothing but that it broke is named, and kept', async () => {
    const recur: MapiProperty = { set: propertySets.appointment, lid: 0x8216, type: 'binary' };
    const stream = setProperties(readStream(await written(draft)), [
      { property: recur, value: Buffer.from('0430', 'hex') },
    ]);
    const read = await readTypedStream('calendar', writeStream(stream), at);
    expect(read.problems).toEqual(['PidLidAppointmentRecur: it ends before what it announces']);
    expect(read.item.fields.recurrence).toBeNull();
    expect(read.item.extras).toContainEqual({ property: recur, values: ['BDA='] });
  });

  test('an old client changed the one rule that it knows: that is the zone of the series', async () => {
    const struct: MapiProperty = { set: propertySets.appointment, lid: 0x8233, type: 'binary' };
    const rule = {
      fromYear: 1601,
      biasMinutes: -60,
      standardBiasMinutes: 0,
      daylightBiasMinutes: 0,
      toStandard: null,
      toDaylight: null,
    };
    const stream = readStream(await written(draft));
    const changed = setProperties(stream, [{ property: struct, value: writeTimeZoneStruct(rule) }]);
    const read = await readTypedStream('calendar', writeStream(changed), at);
    expect(read.item.fields.when.startZone).toEqual({ id: 'W. Europe Standard Time', rules: [rule] });
    expect(read.item.fields.when.endZone).toEqual(zone);
  });

  test.each([
    ['not-of-this-kind', 'IPM.Note'],
    ['no-start', 'IPM.Appointment'],
  ] as const)('%s', async (problem, itemClass) => {
    const bytes = writeStream(newStream([makeProperty({ tag: 0x001a, type: 'string' }, itemClass, 0)]));
    await expect(readTypedStream('calendar', bytes, at)).rejects.toThrow(expect.objectContaining({ problem }));
  });
});
