import { contentOfOccurrence, occurrenceOn, ownOfOccurrence, patternTimes } from '../world/appointment.ts';
import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import type { Attendee, AttendeeRole, CalendarException, Day, Response } from '../world/calendar-part.ts';
import { cleanIdOfUid, cleanOf, withDay } from '../world/global-object-id.ts';
import {
  type Component,
  componentsNamed,
  type Line,
  lineNamed,
  readComponents,
  timeOf,
  unescaped,
} from '../world/icalendar-text.ts';
import type { Address, ItemContent } from '../world/item.ts';
import { appointmentOf } from '../world/make-appointment.ts';
import type { Property, PropertyKey } from '../world/property.ts';
import { type ReadEvent, readEvent } from '../world/read-icalendar.ts';
import { dayNumber, dayOfWall } from '../world/recurrence.ts';
import { wallOf, type Zone } from '../world/zone.ts';
import { icalendarZones } from './icalendar-zones.ts';

/** Into whose calendar samples are put. */
export interface SampleOwner {
  readonly name: string;
  readonly address: string;
  readonly guid: string;
  readonly nowMs: number;
}

const roles: Readonly<Record<string, AttendeeRole>> = { 'OPT-PARTICIPANT': 'optional', 'NON-PARTICIPANT': 'optional' };
const answers: Readonly<Record<string, Response>> = {
  ACCEPTED: 'Accept',
  DECLINED: 'Decline',
  TENTATIVE: 'Tentative',
  'NEEDS-ACTION': 'NoResponseReceived',
};
const sensitivities: Readonly<Record<string, number>> = { PRIVATE: 2, CONFIDENTIAL: 3 };

/** Whatever stands there instead of an address is kept as one: tools do. */
const addressOf = ({ parameters, value }: Line): Address => ({
  name: parameters.get('CN') ?? '',
  address: value.trim().replace(/^mailto:/i, ''),
});

function attendeesOf(event: Component): readonly Attendee[] {
  return event.lines
    .filter(({ name }) => name === 'ATTENDEE')
    .map((line) => {
      const { parameters } = line;
      const isResource = /^(?:RESOURCE|ROOM)$/i.test(parameters.get('CUTYPE') ?? '');
      return {
        ...addressOf(line),
        role: isResource ? 'resource' : (roles[(parameters.get('ROLE') ?? '').toUpperCase()] ?? 'required'),
        response: answers[(parameters.get('PARTSTAT') ?? '').toUpperCase()] ?? 'Unknown',
        respondedAtMs: null,
      };
    });
}

interface Sketch {
  readonly event: Component;
  readonly read: ReadEvent;
  /** When the occurrence that it replaces would be; null: it is an event of its own. */
  readonly replaces: { readonly ms: number; readonly isDate: boolean } | null;
}

function contentOf({ event, read }: Sketch, owner: SampleOwner, no: number): ItemContent {
  const attendees = attendeesOf(event);
  const organizerLine = lineNamed(event, 'ORGANIZER');
  const self = { name: owner.name, address: owner.address };
  const organizer = organizerLine === null ? self : addressOf(organizerLine);
  const isOwn = organizer.address.toLowerCase() === owner.address.toLowerCase();
  const isMeeting = attendees.length > 0;
  const properties = new Map<PropertyKey, Property>();
  const sequence = Number(lineNamed(event, 'SEQUENCE')?.value ?? 0);
  if (Number.isInteger(sequence)) properties.set(calendarKey.sequence, { type: 'Integer', value: sequence });
  const cancelled = lineNamed(event, 'STATUS')?.value === 'CANCELLED' ? stateFlag.cancelled : 0;
  const state = (isMeeting ? stateFlag.meeting | (isOwn ? 0 : stateFlag.received) : 0) | cancelled;
  properties.set(calendarKey.stateFlags, { type: 'Integer', value: state });
  if (isMeeting && !isOwn) properties.set(calendarKey.response, { type: 'Integer', value: 5 });
  const sensitivity = sensitivities[lineNamed(event, 'CLASS')?.value ?? ''];
  const html = lineNamed(event, 'X-ALT-DESC');
  const categories = event.lines
    .filter(({ name }) => name === 'CATEGORIES')
    .flatMap(({ value }) => value.split(/(?<!\\),/).map(unescaped));
  const content = appointmentOf({
    subject: read.subject ?? '',
    startMs: read.startMs,
    endMs: read.endMs,
    zone: read.zone,
    organizer,
    allDay: read.allDay,
    busyStatus: read.busyStatus,
    reminderMinutes: read.reminderMinutes,
    body:
      html?.parameters.get('FMTTYPE') === 'text/html'
        ? { type: 'HTML', text: unescaped(html.value) }
        : { type: 'Text', text: read.description ?? '' },
    attendees,
    idFor: [owner.guid, no, owner.nowMs],
    ...(read.uid === null || read.uid === '' ? {} : { id: cleanIdOfUid(read.uid) }),
    ...(read.location === null ? {} : { location: read.location }),
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(read.recurrence === null ? {} : { recurrence: read.recurrence }),
    properties,
  });
  // A meeting that nobody called.
  return organizerLine === null && isMeeting ? { ...content, from: null } : content;
}

const sameProperty = (a: Property | undefined, b: Property | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** Whose meeting it is and how often it was sent is the whole series' business. */
const ofSeries: ReadonlySet<PropertyKey> = new Set([
  ...ownOfOccurrence,
  calendarKey.sequence,
  calendarKey.stateFlags,
  calendarKey.response,
]);

/** The occurrence of a day, made different; the day need not be one of the pattern. */
function exceptionOf(master: ItemContent, day: Day, own: ItemContent, nowMs: number): CalendarException {
  const part = master.calendar;
  const recurrence = part?.recurrence ?? null;
  const properties = new Map<PropertyKey, Property | null>();
  if (part === undefined || recurrence === null) throw new RangeError('an exception of what is no series');
  const [startMs, endMs] = patternTimes(part.startZone, recurrence, dayNumber(day));
  const shown = contentOfOccurrence(
    master,
    occurrenceOn(master, day) ?? { day, startMs, endMs, originalStartMs: startMs, exception: null },
  );
  for (const at of new Set([...shown.properties.keys(), ...own.properties.keys()])) {
    const property = own.properties.get(at);
    if (!ofSeries.has(at) && !sameProperty(shown.properties.get(at), property)) properties.set(at, property ?? null);
  }
  const time = (at: PropertyKey): number => Number(own.properties.get(at)?.value);
  const attendees = own.calendar?.attendees ?? [];
  return {
    day,
    startMs: time(calendarKey.start),
    endMs: time(calendarKey.end),
    properties,
    body: JSON.stringify(own.body) === JSON.stringify(master.body) ? null : own.body,
    attachments: null,
    attendees: attendees.length === 0 ? null : attendees,
    modifiedAtMs: nowMs,
  };
}

/** Days that are named as left out. */
function excludedDays(event: Component, zone: Zone, zoneOf: (id: string) => Zone): readonly Day[] {
  return event.lines
    .filter(({ name }) => name === 'EXDATE')
    .flatMap(({ value, parameters }) =>
      value.split(',').flatMap((one) => {
        const time = timeOf(one, parameters.get('TZID'), zoneOf);
        return time === null ? [] : dayOfWall(time.isDate ? time.wallMs : wallOf(zone, time.ms));
      }),
    );
}

function seriesOf(
  master: Sketch,
  exceptions: readonly Sketch[],
  zoneOf: (id: string) => Zone,
  make: (sketch: Sketch) => ItemContent,
  nowMs: number,
): ItemContent {
  const content = make(master);
  const part = content.calendar;
  if (part === undefined) return content;
  const byDay = new Map(
    exceptions.flatMap((one) => {
      if (one.replaces === null) return [];
      const { ms, isDate } = one.replaces;
      const day = dayOfWall(isDate ? ms : wallOf(part.startZone, ms));
      return [[day, exceptionOf(content, day, make(one), nowMs)] as const];
    }),
  );
  const deletedDays = [...new Set(excludedDays(master.event, part.startZone, zoneOf))].filter((day) => !byDay.has(day));
  return {
    ...content,
    calendar: {
      ...part,
      exceptions: [...byDay.values()].sort((a, b) => (a.day < b.day ? -1 : 1)),
      deletedDays: deletedDays.sort(),
    },
  };
}

/** An occurrence whose series is not there: an item of its own that says which day it is. */
function alone(sketch: Sketch, content: ItemContent): ItemContent {
  const id = content.properties.get(calendarKey.cleanGlobalObjectId)?.value;
  const zone = content.calendar?.startZone;
  if (sketch.replaces === null || typeof id !== 'string' || zone === undefined) return content;
  const day = dayOfWall(sketch.replaces.isDate ? sketch.replaces.ms : wallOf(zone, sketch.replaces.ms));
  const value = withDay(cleanOf(Buffer.from(id, 'base64')), day).toString('base64');
  return {
    ...content,
    properties: new Map(content.properties).set(calendarKey.globalObjectId, { type: 'Binary', value }),
  };
}

/**
 * The calendar items of an iCalendar stream as a careless tool would have written them into a store: nothing is checked, so that there
 * are series without occurrences, exceptions on days that the pattern lacks, zones that nobody knows. What a store has no place
 * for is dropped: RDATE, all rules but the first, and rules that no pattern of Exchange can say.
 */
export function readIcs(text: string, owner: SampleOwner): readonly ItemContent[] {
  const stream = readComponents(text);
  const zoneOf = icalendarZones(stream);
  const sketches: Sketch[] = [];
  for (const event of componentsNamed(stream, 'VEVENT')) {
    const read = readEvent(event, zoneOf);
    if (read === null) continue;
    const line = lineNamed(event, 'RECURRENCE-ID');
    const time = line === null ? null : timeOf(line.value, line.parameters.get('TZID'), zoneOf);
    const replaces = time === null ? null : { ms: time.ms, isDate: time.isDate };
    sketches.push({ event, read, replaces });
  }
  let no = 0;
  const make = (sketch: Sketch): ItemContent => contentOf(sketch, owner, ++no);
  const taken = new Set<Sketch>();
  const contents: ItemContent[] = [];
  for (const sketch of sketches) {
    if (sketch.replaces !== null) continue;
    const { uid, recurrence } = sketch.read;
    if (recurrence === null || uid === null) {
      contents.push(make(sketch));
      continue;
    }
    const own = sketches.filter((one) => one.replaces !== null && one.read.uid === uid && !taken.has(one));
    for (const one of own) taken.add(one);
    contents.push(seriesOf(sketch, own, zoneOf, make, owner.nowMs));
  }
  for (const sketch of sketches)
    if (sketch.replaces !== null && !taken.has(sketch)) contents.push(alone(sketch, make(sketch)));
  return contents;
}
