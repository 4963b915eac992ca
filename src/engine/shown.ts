/**
 * What an item shows, as canonical JSON: what snapshots hold and what changes are found by. Made so that the same side shows the same
 * for the same content however often it is read, and so that a snapshot stays small.
 *
 * Noise that is taken out, and why:
 * - line ends become LF; runs of white space in HTML become one space and those between tags go: servers re-flow what they are given;
 * - instants lose what is below a second: EWS and MAPI round differently;
 * - attendees are keyed by lower-case address, without display names (each directory has its own) and without order;
 * - attachments are keyed by hash, attached items by name, since their MIME is rebuilt with other boundaries on every export;
 * - sets (categories, companies) lose their order, records (phones) their empty entries, e-mail addresses their case;
 * - a reminder that is not set has no minutes; the first day of the week counts only where weeks are skipped;
 * - an occurrence's value that is its series' value is no override, and an occurrence without overrides is none.
 */
import type { AttachmentHead, Attendee, Body, Reminder, When } from '#model/appointment.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { Recurrence, RecurrencePattern } from '#model/recurrence.ts';
import { weekdays } from '#model/recurrence.ts';
import { hash128 } from '#model/stamp.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Json, Shown } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { Day } from '#model/wall-time.ts';
import type { Zone } from '#model/zone.ts';

/** Characters of JSON above which a snapshot holds a hash in place of the value. */
const heldMax = 4000;

/** What an item shows. Facts are not in it: they never change, and what differs there cannot be written. */
export function shown(item: TypedItem): Shown {
  const fields = shownFields(item.kind, item.fields as unknown as Readonly<Record<string, unknown>>);
  const occurrences: Record<Day, Readonly<Record<string, Json>> | 'deleted'> = {};
  for (const { day, overrides } of item.occurrences) {
    const entry = shownOverrides(item.kind, overrides as Readonly<Record<string, unknown>>, fields);
    if (Object.keys(entry).length > 0) occurrences[day] = entry;
  }
  for (const day of item.deletedDays) occurrences[day] = 'deleted';
  return { fields, occurrences };
}

/** Values of fields as a snapshot holds them. */
export function shownFields(kind: TypedKind, values: Readonly<Record<string, unknown>>): Shown['fields'] {
  const fields: Record<string, Json> = {};
  for (const [field, row] of Object.entries(typedRows(kind))) {
    if (row.carriage === 'state') fields[field] = held(canonical(field, row, values[field]), row);
  }
  return fields;
}

/** Overrides of one occurrence as a snapshot holds them. @param series What the series shows. */
export function shownOverrides(
  kind: TypedKind,
  overrides: Readonly<Record<string, unknown>>,
  series: Shown['fields'],
): Readonly<Record<string, Json>> {
  const entry: Record<string, Json> = {};
  for (const [field, row] of Object.entries(typedRows(kind))) {
    if (!row.occurrence || overrides[field] === undefined) continue;
    const value = held(canonical(field, row, overrides[field]), row);
    // A moved occurrence differs from its place in the pattern, not from the start of the series.
    if (field === 'when' || !sameJson(value, series[field])) entry[field] = value;
  }
  return entry;
}

export const sameShown = (a: Shown, b: Shown): boolean => {
  const changes = changesSince(a, b);
  return changes.fields.length === 0 && changes.days.length === 0;
};

/** Fields and days of occurrences in which a side differs from its snapshot. A field that the snapshot lacks is new to us, not changed. */
export function changesSince(
  now: Shown,
  seen: Shown,
): { readonly fields: readonly string[]; readonly days: readonly Day[] } {
  const days = [...new Set([...Object.keys(now.occurrences), ...Object.keys(seen.occurrences)])].sort() as Day[];
  return {
    fields: Object.keys(now.fields).filter((f) => f in seen.fields && !sameJson(now.fields[f], seen.fields[f])),
    days: days.filter((d) => !sameJson(now.occurrences[d], seen.occurrences[d])),
  };
}

/** A snapshot that knows of no occurrence; see `TypedMerge.before`. */
export const withoutOccurrences = ({ fields, onTheirWay }: Shown): Shown => ({
  fields,
  occurrences: {},
  ...(onTheirWay === undefined ? {} : { onTheirWay: { ...onTheirWay, occurrences: {} } }),
});

/** Equal whatever the order of keys: stores may change it. `undefined`: nothing there. */
export const sameJson = (a: Json | undefined, b: Json | undefined): boolean => a === b || jsonText(a) === jsonText(b);

/** Whether two values of `when` are the same times, in whichever way servers write their zones. */
export const sameTimes = (a: Json | undefined, b: Json | undefined): boolean =>
  isRecord(a) && isRecord(b) && ['start', 'end', 'isAllDay'].every((part) => a[part] === b[part]);

function jsonText(value: Json | undefined): string {
  return JSON.stringify(value, (_, v: unknown) => (isRecord(v) ? sortedRecord(v) : v)) ?? '';
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sortedRecord = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** A canonical value as a snapshot holds it. */
export const held = (value: Json, row: TypedRow<unknown>): Json => {
  if (!row.large && (typeof value !== 'object' || value === null)) {
    if (typeof value !== 'string' || value.length <= heldMax) return value;
  }
  const text = jsonText(value);
  return row.large || text.length > heldMax ? `#${hash128(text)}` : value;
};

/** True for what stands in a snapshot in place of a large value: its elements are unknown. */
export const isHeldAsHash = (value: Json | undefined): boolean => typeof value === 'string' && value.startsWith('#');

/** Elements as a snapshot holds them, by key, some on their way; null: unknown, because there is none or it holds a hash. */
export type ElementBase = ReadonlyMap<string, Json> | null;

/** Elements of a field's base, as `shown` wrote it. */
export function elementBase(base: Json | undefined, aliasOf = (key: string) => key): ElementBase {
  if (base === undefined || base === null || isHeldAsHash(base)) return null;
  if (Array.isArray(base)) return new Map(base.map((key) => [String(key), null]));
  if (typeof base !== 'object') return null;
  return new Map(Object.entries(base as Readonly<Record<string, Json>>).map(([key, value]) => [aliasOf(key), value]));
}

/** The canonical value of a field, complete: what `shown` holds, before large values are hashed. */
export function canonical(field: string, row: TypedRow<unknown>, value: unknown): Json {
  if (value === null || value === undefined) return null;
  switch (row.merge) {
    case 'attendees':
      return canonicalAttendees(value as readonly Attendee[]);
    case 'attachments':
      return attachmentKeys(value as readonly AttachmentHead[]);
    case 'set':
      return [...new Set(value as readonly string[])].sort();
    case 'record':
      return canonicalRecord(value as Readonly<Record<string, unknown>>);
    case 'scalar':
      return canonicalScalar(field, row, value);
  }
}

function canonicalScalar(field: string, row: TypedRow<unknown>, value: unknown): Json {
  switch (row.codec) {
    case 'when':
      return canonicalWhen(value as When);
    case 'body':
      return canonicalBody(value as Body);
    case 'reminder':
      return (value as Reminder).isSet ? (value as Reminder).minutesBefore : null;
    case 'recurrence':
      return canonicalRecurrence(value as Recurrence);
  }
  if (typeof value === 'string') return normalLines(value);
  if (typeof value === 'number' && field.endsWith('At')) return wholeSecond(value);
  return value as Json;
}

const wholeSecond = (instant: number): number => Math.floor(instant / 1000) * 1000;
const normalLines = (text: string): string => text.replace(/\r\n?/g, '\n');

function canonicalWhen({ start, end, isAllDay, startZone, endZone }: When): Json {
  return {
    start: wholeSecond(start),
    end: wholeSecond(end),
    isAllDay,
    startZone: canonicalZone(startZone),
    endZone: canonicalZone(endZone),
  };
}

const canonicalZone = (zone: Zone | null): Json =>
  zone && (zone.rules ? `${zone.id} #${hash128(JSON.stringify(zone.rules)).slice(0, 8)}` : zone.id);

/** Empty bodies are equal whatever their type. */
function canonicalBody(body: Body): Json {
  if (visibleText(body) === '') return '';
  return `${body.type}:${body.type === 'html' ? normalHtml(body.text) : normalLines(body.text).trimEnd()}`;
}

/** Each run of white space as one space. Those that are one already, millions in a large body, are passed over. */
const singleSpaced = (text: string): string => text.replace(/[^\S ]\s*| \s+/g, ' ');
const normalHtml = (html: string): string => singleSpaced(html).replace(/> </g, '><').trim();

/** What a reader sees of a body, roughly: pictures count, mark-up and white space do not. Linear in its length, whatever it holds. */
export function visibleText({ type, text }: Body): string {
  const plain = type === 'html' ? withoutMarkup(text).replace(/&nbsp;|&#160;|&#xa0;/gi, ' ') : text;
  return singleSpaced(plain).trim();
}

/** Elements whose content is not shown. */
const hidden = /^<(head|style|script|title)\b/;

function withoutMarkup(html: string): string {
  const lower = html.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  const shownParts: string[] = [];
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open < 0) break;
    shownParts.push(html.slice(at, open), lower.startsWith('<img', open) ? ' \u{1f5bc} ' : ' ');
    const element = hidden.exec(lower.slice(open, open + 8))?.[1];
    const closer = lower.startsWith('<!--', open) ? '-->' : element ? `</${element}>` : '>';
    const end = lower.indexOf(closer, open);
    // What is never closed is shown.
    at = end < 0 ? open + 1 : end + closer.length;
    if (end < 0) break;
  }
  return shownParts.join('') + html.slice(at);
}

function canonicalRecurrence({ pattern, range }: Recurrence): Json {
  return { pattern: sortedRecord(canonicalPattern(pattern)), range: sortedRecord<Json>({ ...range }) };
}

function canonicalPattern(pattern: RecurrencePattern): Record<string, Json> {
  if (pattern.kind !== 'weekly') return { ...pattern };
  const { firstDayOfWeek, ...rest } = pattern;
  const days = weekdays.filter((d) => pattern.days.includes(d));
  return pattern.interval > 1 ? { ...rest, days, firstDayOfWeek } : { ...rest, days };
}

function canonicalAttendees(attendees: readonly Attendee[]): Json {
  return sortedRecord(
    Object.fromEntries([...byKey(attendees, attendeeKey)].map(([key, attendee]) => [key, attendeePayload(attendee)])),
  );
}

/** What may change about an attendee: `role response respondedAt`. */
export const attendeePayload = (a: Attendee): string =>
  `${a.role} ${a.response} ${a.respondedAt === null ? '-' : wholeSecond(a.respondedAt)}`;

/** What an attendee is known by: the address, or the name of one without. */
export const attendeeKey = (attendee: Attendee): string =>
  attendee.address === '' ? `name:${attendee.name.trim().toLowerCase()}` : attendee.address.toLowerCase();

export const attachmentKey = (head: AttachmentHead): string => (head.kind === 'item' ? `item:${head.name}` : head.hash);

const attachmentKeys = (heads: readonly AttachmentHead[]): readonly string[] =>
  [...byKey(heads, attachmentKey).keys()].sort();

/** By key, each of several equal ones under a number of its own, so that two equal ones stay two. */
export function byKey<T>(elements: readonly T[], keyOf: (element: T) => string): ReadonlyMap<string, T> {
  const map = new Map<string, T>();
  for (const element of elements) {
    const key = keyOf(element);
    let numbered = key;
    for (let n = 2; map.has(numbered); n++) numbered = `${key}#${n}`;
    map.set(numbered, element);
  }
  return map;
}

function canonicalRecord(record: Readonly<Record<string, unknown>>): Json {
  const entries: Record<string, Json> = {};
  for (const [key, value] of Object.entries(record)) {
    const entry = canonicalEntry(value);
    if (entry !== null) entries[key] = entry;
  }
  return sortedRecord(entries);
}

/** One entry of a record: a text, or texts by name. Null: nothing in it. */
export function canonicalEntry(value: unknown): Json {
  if (typeof value === 'string') return value.trim() === '' ? null : normalLines(value.trim());
  if (!isRecord(value)) return (value ?? null) as Json;
  const parts: Record<string, Json> = {};
  for (const [name, part] of Object.entries(value)) {
    const text = normalLines(String(part).trim());
    parts[name] = name === 'address' ? text.toLowerCase() : text;
  }
  return Object.values(parts).every((p) => p === '') ? null : sortedRecord(parts);
}
