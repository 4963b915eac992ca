import {
  type Component,
  componentsNamed,
  durationMs,
  knownZone,
  lineNamed,
  readComponents,
  recurrenceOf,
  type Time,
  timeOf,
  unescaped,
} from './icalendar-text.ts';
import { dayOfWall, type Recurrence } from './recurrence.ts';
import { utc, type Zone } from './zone.ts';

/** What Exchange takes over from iCalendar that comes as MimeContent. Organizer, attendees and exceptions are not among it. */
export interface ReadEvent {
  readonly uid: string | null;
  readonly subject: string | null;
  readonly location: string | null;
  readonly description: string | null;
  readonly startMs: number;
  readonly endMs: number;
  readonly zone: Zone;
  readonly allDay: boolean;
  readonly busyStatus: number;
  /** Null: none. */
  readonly reminderMinutes: number | null;
  readonly recurrence: Pick<Recurrence, 'pattern' | 'range' | 'startDay'> | null;
}

const serversZone = (id: string): Zone => knownZone(id) ?? utc;

/** One VEVENT; null: it has no start that can be read. @param zoneOf the zone behind a TZID. */
export function readEvent(event: Component, zoneOf: (id: string) => Zone = serversZone): ReadEvent | null {
  const value = (name: string): string | null => lineNamed(event, name)?.value ?? null;
  const text = (name: string): string | null => {
    const escaped = value(name);
    return escaped === null ? null : unescaped(escaped);
  };
  const time = (name: string): Time | null => {
    const line = lineNamed(event, name);
    return line === null ? null : timeOf(line.value, line.parameters.get('TZID'), zoneOf);
  };
  const start = time('DTSTART');
  if (start === null) return null;
  const duration = value('DURATION');
  const endMs =
    time('DTEND')?.ms ?? start.ms + (duration === null ? (start.isDate ? 86_400_000 : 0) : durationMs(duration));
  const rule = value('RRULE');
  const recurrence = rule === null ? null : recurrenceOf(rule, start.wallMs, start.zone);
  const [alarm] = componentsNamed(event.children, 'VALARM');
  const trigger = alarm === undefined ? null : lineNamed(alarm, 'TRIGGER');
  return {
    uid: text('UID'),
    subject: text('SUMMARY'),
    location: text('LOCATION'),
    description: text('DESCRIPTION'),
    startMs: start.ms,
    endMs,
    zone: start.zone,
    allDay: start.isDate || value('X-MICROSOFT-CDO-ALLDAYEVENT') === 'TRUE',
    busyStatus: value('TRANSP') === 'TRANSPARENT' ? 0 : 2,
    reminderMinutes: trigger === null ? null : Math.max(0, Math.round(-durationMs(trigger.value) / 60_000)),
    recurrence: recurrence === null ? null : { ...recurrence, startDay: dayOfWall(start.wallMs) },
  };
}

/** The first event of an iCalendar stream; null: there is none with a start. */
export function readIcalendar(text: string): ReadEvent | null {
  const [event] = componentsNamed(readComponents(text), 'VEVENT');
  return event === undefined ? null : readEvent(event);
}
