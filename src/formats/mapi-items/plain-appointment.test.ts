import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { propertySets } from '#model/property-row.ts';
import { anyEvent } from '#test/suites/any-event.ts';
import { attendees, eventDraft, meetings, nth, seriesDraft } from '#test/suites/typed-drafts.ts';
import { mapiValue } from '../mapi/mapi-message.ts';
import { plainAppointmentOver } from './plain-appointment.ts';
import { readTyped } from './typed-message.ts';

const now = Date.parse('2024-03-30T12:00Z');
const from = {
  id: 'id' as ItemId,
  version: 'v1' as Version,
  folder: 'f' as FolderId,
  itemBytes: async () => Buffer.from('an item'),
};

test('whatever a meeting was, over it lies an appointment with its identity, and nobody to be told', async () => {
  await fc.assert(
    fc.asyncProperty(anyEvent, async ({ item }) => {
      const message = plainAppointmentOver(item, now);
      expect(message.recipients).toEqual([]);
      expect(message.attachments.flatMap((one) => one.message?.recipients ?? [])).toEqual([]);
      const { item: read } = await readTyped('calendar', message, from);
      expect(read.head).toMatchObject({ identity: item.head.identity, itemClass: 'IPM.Appointment' });
      expect(read.fields).toMatchObject({ organizer: null, attendees: [], stateFlags: 0, invited: false });
      expect(read.fields.reminder.isSet).toBe(false);
      expect(read.occurrences.some(({ overrides }) => 'attendees' in overrides || overrides.reminder?.isSet)).toBe(
        false,
      );
      expect([read.fields.when, read.fields.recurrence, read.deletedDays]).toEqual([
        item.fields.when,
        item.fields.recurrence,
        item.deletedDays,
      ]);
    }),
    { numRuns: 100 },
  );
});

test('what made it a meeting is written over, not only left out', () => {
  const [organized = {}] = meetings;
  const { properties } = plainAppointmentOver(eventDraft(organized).item, now);
  const value = (lid: number) => mapiValue(properties, { set: propertySets.appointment, lid, type: 'integer' });
  expect([0x8217, 0x8229, 0x8218].map(value)).toEqual([0, false, 0]);
  expect([0x8238, 0x823b, 0x823c].map(value)).toEqual(['', '', '']);
});

test('of a series, days keep what was planned for them', async () => {
  const { item } = seriesDraft({
    fields: { attendees, stateFlags: 1, invited: true },
    occurrences: [{ day: nth(1), overrides: { subject: 'One', attendees: [] } }],
    deletedDays: [nth(2)],
  });
  const read = await readTyped('calendar', plainAppointmentOver(item, now), from);
  expect(read.item.occurrences).toEqual([{ day: nth(1), overrides: { subject: 'One' } }]);
  expect(read.item.deletedDays).toEqual([nth(2)]);
});
