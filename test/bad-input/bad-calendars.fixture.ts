import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '#kit/assert.ts';
import type { EwsVersion } from '#lab/seams.ts';
import type { TrueEvent } from '#lab/world/ground-truth.ts';
import { BadWorld, type SideName } from './bad-world.fixture.ts';

/** What a person sees. Where reminders ring follows from where the person works; ids of items are each server's own. */
function shownOf(event: TrueEvent) {
  const { itemId: _, reminderMinutes: __, location, ...rest } = event;
  return { ...rest, location: location ?? '' };
}

/** Years in which calendars are looked at. */
export type Years = readonly [from: number, to: number];

/** What takes place on a side, series expanded. */
export const timesOf = (world: BadWorld, side: SideName, n: number, [from, to]: Years = [1990, 2030]) =>
  world.lab.world.calendar(world.address(side, n), Date.UTC(from, 0, 1), Date.UTC(to, 0, 1)).map(shownOf);

/** A lab whose n-th mailbox has the n-th of these files, as `--samples` takes them. */
export async function openCalendars(
  files: readonly { readonly text: string }[],
  versions: readonly [EwsVersion, EwsVersion],
): Promise<BadWorld> {
  const samplesDir = mkdtempSync(join(tmpdir(), 'causeway-bad-calendars-'));
  try {
    for (const [at, { text }] of files.entries())
      writeFileSync(join(samplesDir, `${String(at).padStart(4, '0')}.ics`), text);
    return await BadWorld.open({ samplesDir, versions, mailboxes: files.length });
  } finally {
    rmSync(samplesDir, { recursive: true, force: true });
  }
}

/** What became of a calendar, in the words of the program. */
export async function outcomeOf(world: BadWorld, n: number) {
  const pair = world.calendarId(n);
  const history = await world.store.history({ pair }, 1000);
  const quarantine = await world.store.quarantine({ pair }, 100);
  return {
    quarantined: quarantine.map(({ reason, detail }) => `${reason}: ${detail}`),
    unkept: history.flatMap(({ action, detail }) => (action === 'create' && detail !== null ? [detail] : [])),
    removed: history.filter(({ action }) => action === 'remove').length,
    journal: (await world.store.journal({ pair }, 100)).length,
  };
}

/** A pass more that has nothing to do. */
export async function isQuiet(world: BadWorld, n: number): Promise<boolean> {
  const { summary, again } = await world.calendarPass(n);
  return summary.writes === 0 && !again && (await world.store.typedIntents(world.calendarId(n))).length === 0;
}

/** Somebody calls everything on the target otherwise; the source is to follow. */
export function renameAll(world: BadWorld, n: number): void {
  const box = must(world.lab.organization('target').world.mailbox(world.address('target', n)), 'a mailbox');
  for (const item of [...box.folder('calendar').items()]) {
    const properties = new Map(item.content.properties);
    properties.set('0x0037', { type: 'String', value: `${item.text('0x0037')}, renamed` });
    box.update(item, { ...item.content, properties }, { caller: 'people', displayName: 'People' });
  }
}

/** Lines of a stream, loose or together. */
export type Lines = readonly (string | readonly string[])[];
export const calendar = (...all: Lines): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...all.flat(), 'END:VCALENDAR', ''].join('\r\n');
export const event = (uid: string, ...all: Lines): readonly string[] => [
  'BEGIN:VEVENT',
  `UID:${uid}`,
  `SUMMARY:${uid.slice(0, 40)}`,
  ...all.flat(),
  'END:VEVENT',
];
export const zone = (id: string, ...all: Lines): readonly string[] => [
  'BEGIN:VTIMEZONE',
  `TZID:${id}`,
  ...all.flat(),
  'END:VTIMEZONE',
];
export const observance = (name: 'STANDARD' | 'DAYLIGHT', offset: string, ...all: Lines): readonly string[] => [
  `BEGIN:${name}`,
  'DTSTART:19700101T020000',
  `TZOFFSETTO:${offset}`,
  ...all.flat(),
  `END:${name}`,
];
/** An hour of a day, in UTC. */
export const hour = (day: string, from = 10): readonly string[] => [
  `DTSTART:${day}T${from}0000Z`,
  `DTEND:${day}T${from + 1}0000Z`,
];
export const local = (zoneId: string, day: string): readonly string[] => [
  `DTSTART;TZID=${zoneId}:${day}T100000`,
  `DTEND;TZID=${zoneId}:${day}T110000`,
];
export const attendee = (address: string, answer = 'ACCEPTED'): string =>
  `ATTENDEE;PARTSTAT=${answer}:mailto:${address}`;
