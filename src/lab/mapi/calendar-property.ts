import { endMsOf, endsOf, isMaster, numberOf, startMsOf } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { CalendarPart } from '../world/calendar-part.ts';
import type { Item, ItemContent } from '../world/item.ts';
import { key, nameKey, type Property, type PropertyKey, sets, tagKey } from '../world/property.ts';
import { lastDayEver, type Pattern } from '../world/recurrence.ts';
import { writeZoneBlob } from '../world/zone-blob.ts';
import { writeSeriesBlob } from './recur-blob.ts';
import { seriesOfContent } from './series-of-content.ts';

const time = (value: number): Property => ({ type: 'SystemTime', value });
const text = (value: string): Property => ({ type: 'String', value });
const integer = (value: number): Property => ({ type: 'Integer', value });
const flag = (value: boolean): Property => ({ type: 'Boolean', value });

/** Of the whole series: without an end the last day a calendar knows. [MS-OXOCAL] 2.2.1.15 */
function clipEnd(content: ItemContent): number {
  if (!isMaster(content)) return endMsOf(content);
  return endsOf(content).last?.endMs ?? lastDayEver * 86_400_000;
}

/** PidLidRecurrenceType. [MS-OXOCAL] 2.2.1.45 */
const recurrenceKinds: Readonly<Record<Pattern['kind'], number>> = {
  daily: 1,
  weekly: 2,
  monthly: 3,
  'monthly-nth': 3,
  yearly: 4,
  'yearly-nth': 4,
};

type Compute = (item: Item, content: ItemContent, part: CalendarPart) => Property | null;

const zoneBlob =
  (which: 'startZone' | 'endZone'): Compute =>
  (_item, content, part) => ({
    type: 'Binary',
    value: writeZoneBlob(part[which], new Date(startMsOf(content)).getUTCFullYear()).toString('base64'),
  });
const start: Compute = (_item, content) => time(startMsOf(content));
const end: Compute = (_item, content) => time(endMsOf(content));
const organizer =
  (what: 'name' | 'address' | 'kind'): Compute =>
  (_item, { from }) =>
    from === null ? null : text(what === 'kind' ? 'SMTP' : from[what]);
const inSeries: Compute = (item, content) => flag(item.occurrence !== null || isMaster(content));

/** Properties of appointments that follow from others. */
const computed = new Map<PropertyKey, Compute>([
  [calendarKey.durationMin, (_item, content) => integer(Math.round((endMsOf(content) - startMsOf(content)) / 60_000))],
  [
    calendarKey.recurBlob,
    (_item, content) => {
      const series = seriesOfContent(content);
      return series === null ? null : { type: 'Binary', value: writeSeriesBlob(series).toString('base64') };
    },
  ],
  [calendarKey.recurring, inSeries],
  [calendarKey.isRecurring, inSeries],
  [calendarKey.isException, (item) => flag(item.occurrence?.isException ?? false)],
  [
    calendarKey.recurrenceKind,
    (_item, _content, { recurrence }) => integer(recurrence === null ? 0 : recurrenceKinds[recurrence.pattern.kind]),
  ],
  [calendarKey.zoneDescription, (_item, _content, part) => text(part.startZone.name)],
  [calendarKey.clipStart, start],
  [calendarKey.clipEnd, (_item, content) => time(clipEnd(content))],
  [calendarKey.commonStart, start],
  [calendarKey.commonEnd, end],
  [calendarKey.startDate, start],
  [calendarKey.endDate, end],
  [calendarKey.zoneStart, zoneBlob('startZone')],
  [calendarKey.zoneEnd, zoneBlob('endZone')],
  [
    calendarKey.zoneRecur,
    (item, content, part) => (isMaster(content) ? zoneBlob('startZone')(item, content, part) : null),
  ],
  // What WebDAV called the kind of an appointment is still there.
  [
    nameKey(sets.PublicStrings, 'urn:schemas:calendar:instancetype'),
    (item, content) =>
      integer(item.occurrence === null ? (isMaster(content) ? 1 : 0) : item.occurrence.isException ? 3 : 2),
  ],
  [calendarKey.reminderTime, start],
  [
    calendarKey.reminderSignalTime,
    (_item, content) =>
      content.properties.get(calendarKey.reminderSignalTime) ??
      (content.properties.get(key.reminderSet)?.value === true
        ? time(startMsOf(content) - (numberOf(content, calendarKey.reminderMinutes) ?? 15) * 60_000)
        : null),
  ],
  [calendarKey.private, (_item, content) => flag((numberOf(content, key.sensitivity) ?? 0) === 2)],
  [tagKey(0x0042), organizer('name')],
  [tagKey(0x0064), organizer('kind')],
  [tagKey(0x0065), organizer('address')],
  [tagKey(0x5d02), organizer('address')],
  [tagKey(0x0c1a), organizer('name')],
  [tagKey(0x0c1e), organizer('kind')],
  [tagKey(0x0c1f), organizer('address')],
  [tagKey(0x5d01), organizer('address')],
]);

/** All of them, by their keys. */
export const workedOutKeys: readonly PropertyKey[] = [...computed.keys()];

/** A property that the store works out for an appointment; undefined: it is kept like any other. */
export function calendarPropertyOf(item: Item, at: PropertyKey): Property | null | undefined {
  const { content } = item;
  if (content.calendar === undefined) return undefined;
  const compute = computed.get(at);
  if (compute === undefined) return undefined;
  // A message about a meeting says what it said when it was sent.
  const said = /^ipm\.schedule\./i.test(item.itemClass) ? content.properties.get(at) : undefined;
  return said ?? compute(item, content, content.calendar);
}
