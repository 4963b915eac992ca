/** Calendars that other programs wrote, each in a mailbox of its own, from every source to a 2016 target. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import MsgReaderModule, { type FieldsData } from '@kenjiuno/msgreader';
import ICAL from 'ical.js';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import { must } from '#kit/assert.ts';
import type { EwsVersion } from '#lab/seams.ts';
import { isMaster, occurrencesBetween } from '#lab/world/appointment.ts';
import type { Item } from '#lab/world/item.ts';
import { key } from '#lab/world/property.ts';
import { isQuiet, outcomeOf, timesOf } from './bad-calendars.fixture.ts';
import { BadWorld } from './bad-world.fixture.ts';

/** Fewer are a failure. */
const counts = { ics: 46, msg: 84 } as const;
/** Files that hold calendar items; the others are zones, other components, mails, contacts, or no message at all. */
const withItems = { ics: 17, msg: 14 } as const;

const filesIn = (folder: string, ending: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();

const sources: readonly EwsVersion[] = ['2007', '2010', '2016'];
const itemsOf = (world: BadWorld, n: number): readonly Item[] => [...world.left(n).folder('calendar').items()];
const occurrencesOf = (item: Item) => [item, ...(item.content.calendar?.exceptions ?? [])].length;

/** Events that another reader finds, and the first times of series whose pattern is all there is. */
function readByOthers(path: string) {
  let components: readonly unknown[];
  try {
    const parsed: unknown = ICAL.parse(readFileSync(path, 'utf8'));
    components = Array.isArray(parsed) && Array.isArray(parsed[0]) ? parsed : [parsed];
  } catch {
    return null;
  }
  const calendars = components.map((one) => new ICAL.Component(one as never));
  const events = calendars.flatMap((calendar) => {
    for (const zone of calendar.getAllSubcomponents('vtimezone'))
      if (zone.getFirstPropertyValue('tzid') !== null) ICAL.TimezoneService.register(zone);
    const found = calendar.name === 'vevent' ? [calendar] : calendar.getAllSubcomponents('vevent');
    return found.filter((event) => event.hasProperty('dtstart'));
  });
  const plain = events.filter(
    (event) =>
      event.getAllProperties('rrule').length === 1 &&
      !event.hasProperty('rdate') &&
      !event.hasProperty('recurrence-id'),
  );
  const series = plain.map((event) => {
    const own = new ICAL.Event(event);
    const iterator = own.iterator();
    const starts: number[] = [];
    for (let time = iterator.next(); time && starts.length < 40; time = iterator.next())
      starts.push(time.isDate ? Date.UTC(time.year, time.month - 1, time.day) : time.toJSDate().getTime());
    return { subject: own.summary ?? '', starts };
  });
  return { events: events.length, series };
}

describe.each(['ics', 'msg'] as const)('.%s files', (ending) => {
  const folder = reference(`peers/samples/${ending}`);
  const paths = folder === null ? [] : filesIn(folder, `.${ending}`);

  test.skipIf(folder === null)('are all there', () => {
    expect(paths).toHaveLength(counts[ending]);
  });

  test.skipIf(folder === null).each(sources)('arrive whole from %s, and nothing more happens', async (version) => {
    const samplesDir = must(folder, 'the samples');
    const world = await BadWorld.open({ samplesDir, versions: [version, '2016'], mailboxes: withItems[ending] });
    try {
      const { calendars } = world.lab.world.samples;
      expect(calendars).toHaveLength(withItems[ending]);
      for (const [n, { name }] of calendars.entries()) {
        const before = timesOf(world, 'source', n);
        await world.syncCalendars(n);
        const { quarantined, unkept, removed, journal } = await outcomeOf(world, n);
        expect({ name, quarantined, removed, journal }).toEqual({ name, quarantined: [], removed: 0, journal: 0 });
        const [left, right] = [timesOf(world, 'source', n), timesOf(world, 'target', n)];
        expect(left).toEqual(before);
        // One has changed an occurrence on a day that RDATE made, and a store has no RDATE: that one is named.
        const stray = name.endsWith('/recur_instances.ics') ? 1 : 0;
        expect(left.length - right.length, name).toBe(stray);
        expect(unkept).toEqual(stray === 0 ? [] : [expect.stringContaining('1 days that the pattern does not have')]);
        if (stray === 0) expect(right).toEqual(left);
        else expect(left).toEqual(expect.arrayContaining(right));
        expect(await isQuiet(world, n)).toBe(true);
      }
    } finally {
      await world.close();
    }
  });

  test.skipIf(folder === null)('are in the lab as other readers read them', async () => {
    const samplesDir = must(folder, 'the samples');
    const world = await BadWorld.open({ samplesDir, mailboxes: withItems[ending] });
    try {
      const places = new Map(world.lab.world.samples.calendars.map(({ name }, n) => [name, n] as const));
      let read = 0;
      for (const path of paths) {
        const items = places.has(path) ? itemsOf(world, must(places.get(path), 'a place')) : [];
        if (ending === 'ics') {
          const others = readByOthers(path);
          if (others === null) continue;
          read++;
          expect({ path, events: items.reduce((sum, item) => sum + occurrencesOf(item), 0) }).toEqual({
            path,
            events: others.events,
          });
          for (const { subject, starts } of others.series) {
            const item = must(
              items.find((one) => isMaster(one.content) && one.text(key.subject) === subject),
              `a series ${subject}`,
            );
            const deleted = new Set(item.content.calendar?.deletedDays);
            const own = occurrencesBetween(item.content, Date.UTC(1990, 0, 1), Date.UTC(2030, 0, 1))
              .map(({ originalStartMs }) => originalStartMs)
              .slice(0, 40 - deleted.size);
            expect({ path, starts: own }).toEqual({ path, starts: starts.slice(0, own.length) });
            expect(own.length).toBeGreaterThanOrEqual(Math.min(starts.length, 40 - deleted.size));
          }
        } else {
          const fields = messageFields(path);
          if (fields === null) continue;
          read++;
          const isAppointment = /^ipm\.appointment/i.test(fields.messageClass ?? '');
          expect({ path, items: items.length }).toEqual({ path, items: isAppointment ? 1 : 0 });
          const [item] = items;
          if (item === undefined) continue;
          expect(item.text(key.subject)).toBe(fields.subject);
          const pattern = fields.apptRecur?.recurrencePattern;
          expect(isMaster(item.content)).toBe(pattern !== undefined);
          const { exceptions = [], deletedDays = [] } = item.content.calendar ?? {};
          expect(exceptions).toHaveLength(pattern?.modifiedInstanceDates.length ?? 0);
          expect(deletedDays.length + exceptions.length).toBe(pattern?.deletedInstanceDates.length ?? 0);
        }
      }
      expect(read).toBeGreaterThan(ending === 'ics' ? 40 : 80);
    } finally {
      await world.close();
    }
  });
});

// The package is CommonJS: what it exports by default is one level deeper.
const MsgReader =
  (MsgReaderModule as unknown as { readonly default?: typeof MsgReaderModule }).default ?? MsgReaderModule;

/** Null: the other reader cannot read it either. */
function messageFields(path: string): FieldsData | null {
  const file = readFileSync(path);
  try {
    const content = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
    return new MsgReader(content).getFileData();
  } catch {
    return null;
  }
}
