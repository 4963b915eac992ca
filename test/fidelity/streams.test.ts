/**
 * Streams of events, read and written twice: by the codec of the program and by the lab, which read the specifications each for
 * itself. `CAUSEWAY_FIDELITY_RUNS=5000` for more than a few dozen.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTypedStream, writeTypedStream } from '#formats/fast-transfer/typed-stream.ts';
import { readAppointmentRecur } from '#formats/mapi/appointment-recur.ts';
import { must } from '#kit/assert.ts';
import { payloadBytes } from '#kit/payload.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import { appointmentOfMessage } from '#lab/mapi/appointment-of-message.ts';
import { Malformed } from '#lab/mapi/byte-cursor.ts';
import { readMessageStream, unframe, writeMessageStream } from '#lab/mapi/item-stream.ts';
import { messageOfItem } from '#lab/mapi/message-of-item.ts';
import { isMaster } from '#lab/world/appointment.ts';
import type { Address, Item } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { ItemId, Version } from '#model/ids.ts';
import type { TypedDraft } from '#model/typed-item.ts';
import { drafts } from './arbitrary-events.ts';
import { differences } from './item-differences.ts';
import { arrived, openStation, type Station } from './stations.fixture.ts';

const runs = Number(process.env['CAUSEWAY_FIDELITY_RUNS'] ?? 40);
const seed = Number(process.env['CAUSEWAY_FIDELITY_SEED'] ?? 20_260_102);
const build = [15, 1, 2507, 0] as const;

/** Somebody else's meeting, which only a stream can say. */
const elsewhere = (draft: TypedDraft<'calendar'>): TypedDraft<'calendar'> => ({
  ...draft,
  item: {
    ...draft.item,
    fields: {
      ...draft.item.fields,
      organizer: { name: 'Cleo', address: 'cleo@elsewhere.test' },
      stateFlags: 3,
      myResponse: 'accept',
      sequence: 7,
      attendees: [
        {
          name: 'Bo',
          address: 'bo@elsewhere.test',
          role: 'optional',
          response: 'decline',
          respondedAt: 1_700_000_040_000,
        },
        { name: 'Dan', address: 'dan@elsewhere.test', role: 'resource', response: 'none', respondedAt: null },
      ],
    },
  },
});

describe.each(['2010', '2016'] as const)('somebody else’s meeting uploaded to %s', (version) => {
  let station: Station;
  beforeAll(async () => {
    station = await openStation(version, 'calendar');
  });
  afterAll(() => station.it.close());

  test('is there with its identity, its organizer, its answers and everything else', async () => {
    await fc.assert(
      fc.asyncProperty(drafts(station.it.people.address).map(elsewhere), async (draft) => {
        const { written, item } = await arrived(station, draft);
        const { organizer, attendees, myResponse, sequence, stateFlags } = draft.item.fields;
        expect(item.fields).toMatchObject({ organizer, attendees, myResponse, sequence, stateFlags });
        expect(item.head).toMatchObject({ identity: draft.item.head.identity, stamp: draft.stamp });
        // Only what this version itself cannot show.
        expect(Object.keys(written.unkept).filter((field) => field !== 'showAs' && field !== 'occurrences')).toEqual(
          [],
        );
        expect(differences(draft.item, item, written.unkept)).toEqual([]);
        expect(station.it.people.sent()).toEqual([]);
      }),
      { numRuns: runs, seed },
    );
  });

  test('is what field by field makes of it, but for who organizes it and what was answered', async () => {
    await fc.assert(
      fc.asyncProperty(drafts(station.it.people.address), async (draft) => {
        const { name } = must(draft.item.fields.organizer ?? { name: '' }, 'an organizer');
        const own = { name, address: station.it.people.address };
        const attendees = draft.item.fields.attendees.map((one) => ({
          ...one,
          response: 'unknown' as const,
          respondedAt: null,
        }));
        const mine = {
          ...draft,
          item: {
            ...draft.item,
            fields: { ...draft.item.fields, organizer: own, attendees },
            occurrences: [],
            deletedDays: [],
          },
        };
        const theirs = {
          ...mine,
          item: { ...mine.item, fields: { ...mine.item.fields, organizer: { name, address: 'cleo@elsewhere.test' } } },
        };
        const [byFields, byStream] = [await arrived(station, mine), await arrived(station, theirs)];
        expect(
          differences(byFields.item, byStream.item, { organizer: 'is meant to differ', ...byFields.written.unkept }),
        ).toEqual([]);
      }),
      { numRuns: runs, seed },
    );
  });
});

describe('what the lab exports', () => {
  let lab: Lab;
  let box: Mailbox;
  const items = (): readonly Item[] => [...box.folder('calendar').items()];
  beforeAll(() => {
    lab = createLab({
      organizations: [{ name: 'lab', version: '2016' }],
      mailboxes: 1,
      typed: { appointment: 400 },
      seed: 'streams',
      clock: new SteppingClock(1_750_000_000_000),
      throttling: 'off',
    });
    box = must(lab.world.mailbox(must(lab.organization('lab').world.mailboxes[0], 'a mailbox').address), 'a mailbox');
  });
  afterAll(() => lab.close());

  test('is imported as the same', () => {
    expect(items().filter(({ content }) => (content.calendar?.exceptions.length ?? 0) > 0).length).toBeGreaterThan(10);
    for (const item of items()) {
      const framed = unframe(writeMessageStream(messageOfItem(item), build), build);
      const { content, flags, isRead, searchKey } = appointmentOfMessage(readMessageStream(framed), {
        idFor: ['', 0, 0],
        strict: true,
      });
      expect({ flags: flags & ~1, isRead, searchKey }).toEqual({
        flags: item.flags,
        isRead: item.isRead,
        searchKey: item.searchKey,
      });
      const { from, body, attachments, calendar } = item.content;
      // Generated people carry what else is known of them.
      const person = (one: Address | null) => one && { name: one.name, address: one.address };
      expect({ from: content.from, body: content.body, attachments: content.attachments }).toEqual({
        from: person(from),
        body,
        attachments,
      });
      const attendees = calendar?.attendees.map((one) => {
        const { role, response, respondedAtMs } = one;
        return { ...person(one), role, response, respondedAtMs };
      });
      expect(content.calendar).toEqual({ ...calendar, attendees });
      for (const [at, property] of item.content.properties)
        expect([at, content.properties.get(at)]).toEqual([at, property]);
    }
  });

  test('is understood by the program without a problem: the same times, days and texts', async () => {
    for (const item of items()) {
      const read = await readTypedStream('calendar', writeMessageStream(messageOfItem(item), build), {
        id: '' as ItemId,
        version: '' as Version,
        folder: '' as never,
      });
      expect(read.problems).toEqual([]);
      const part = must(item.content.calendar, 'an appointment');
      const { fields, occurrences, deletedDays } = read.item;
      expect(fields.subject).toBe(item.text('0x0037'));
      expect(fields.organizer?.address).toBe(item.content.from?.address);
      expect(fields.attendees.map(({ address, role }) => [address, role])).toEqual(
        part.attendees.map(({ address, role }) => [address, role]),
      );
      expect(fields.attachments.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual(
        (item.content.attachments ?? []).map(({ name, content }) => [name, content.length]),
      );
      expect(occurrences.map(({ day }) => day)).toEqual(part.exceptions.map(({ day }) => day));
      expect(deletedDays).toEqual(part.deletedDays);
    }
  });

  test('PidLidAppointmentRecur shows the series', () => {
    const masters = items().filter(({ content }) => isMaster(content));
    expect(masters.length).toBeGreaterThan(50);
    for (const item of masters) {
      const message = readMessageStream(unframe(writeMessageStream(messageOfItem(item), build), build));
      const blob = must(message.properties.get('00062002-0000-0000-c000-000000000046/0x8216'), 'a series');
      const read = readAppointmentRecur(Buffer.from(String(blob.value), 'base64'));
      const part = must(item.content.calendar, 'an appointment');
      expect(read.recurrence.range.startDay).toBe(part.recurrence?.startDay);
      expect(read.startMinutes * 60_000).toBe(part.recurrence?.startOffsetMs);
      expect(read.exceptions.map(({ day }) => day)).toEqual(part.exceptions.map(({ day }) => day));
      expect(read.deletedDays).toEqual(part.deletedDays);
    }
  });
});

test('streams that are cut off, or hold something else, are refused', async () => {
  const [draft] = fc.sample(drafts('ana@lab.test'), { numRuns: 1, seed });
  const bytes = await payloadBytes(writeTypedStream('calendar', must(draft, 'a draft'), { now: 0 }));
  const read = (some: Buffer) => readMessageStream(unframe(some, build));
  expect(() => read(bytes)).not.toThrow();
  for (let length = 0; length < bytes.length; length += 7)
    expect(() => read(bytes.subarray(0, length)), String(length)).toThrow(Malformed);
  const framed = unframe(bytes, build);
  const marked = (marker: number) => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(marker);
    return { ...framed, data: Buffer.concat([framed.data, head]) };
  };
  // The start of a folder, the end of an attachment that nobody began, and a change of a synchronisation.
  for (const marker of [0x40090003, 0x400e0003, 0x40120003])
    expect(() => readMessageStream(marked(marker))).toThrow(Malformed);
  expect(() => readMessageStream({ ...framed, longestPiece: 0x8001 })).toThrow(Malformed);
});
