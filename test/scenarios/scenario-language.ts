/**
 * The language of scenarios: lines that a calendar expert can read. `README.md` beside it lists them; this file reads them and knows nothing
 * of any backend.
 */

import { Temporal } from 'temporal-polyfill';
import { assert, must } from '#kit/assert.ts';
import type {
  AttachmentHead,
  Attendee,
  EventFields,
  MeetingResponse,
  OccurrenceOverrides,
  When,
} from '#model/appointment.ts';
import { isOccurrenceDay, nthDay } from '#model/expand-recurrence.ts';
import type { DayOfWeek, Recurrence, RecurrencePattern, RecurrenceRange, Weekday } from '#model/recurrence.ts';
import { weekdays } from '#model/recurrence.ts';
import { hash128 } from '#model/stamp.ts';
import type { Day } from '#model/wall-time.ts';

/** Words of a line; what stands in quotes is one word, also after `=`. */
export function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:[^\s"]|"[^"]*")+/g)].map(([word]) => word);
}
export const unquoted = (word: string): string => word.replaceAll('"', '');

export interface Settings {
  /** `key=value`, `+key`… are kept apart from words without a value. */
  readonly values: ReadonlyMap<string, string>;
  readonly flags: readonly string[];
}
export function settingsOf(words: readonly string[]): Settings {
  const values = new Map<string, string>();
  const flags: string[] = [];
  for (const word of words) {
    const at = word.indexOf('=');
    if (at > 0) values.set(word.slice(0, at), unquoted(word.slice(at + 1)));
    else flags.push(word);
  }
  return { values, flags };
}

const zones: Readonly<Record<string, string>> = {
  'Europe/Vienna': 'W. Europe Standard Time',
  'Europe/London': 'GMT Standard Time',
};
const ianaOf = (windows: string): string =>
  must(
    Object.keys(zones).find((iana) => zones[iana] === windows),
    `no zone of these scenarios: ${windows}`,
  );

const toInstant = (day: Day, time: string, iana: string): number =>
  Temporal.PlainDateTime.from(`${day}T${time}`).toZonedDateTime(iana).epochMilliseconds;

const wallOf = (instant: number, iana: string): { readonly day: Day; readonly time: string } => {
  const wall = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(iana).toPlainDateTime();
  return { day: wall.toPlainDate().toString() as Day, time: wall.toPlainTime().toString().slice(0, 5) };
};

const minutesOf = (length: string): number => {
  const [, count = '', unit] = /^(\d+)(h|m|d)$/.exec(length) ?? [];
  assert(count !== '', `no length: ${length}`);
  return Number(count) * (unit === 'h' ? 60 : unit === 'd' ? 1440 : 1);
};

const dayPattern = /^\d{4}-\d\d-\d\d$/;
const timePattern = /^\d\d:\d\d$/;

const dayNames: Readonly<Record<string, Weekday>> = Object.fromEntries(weekdays.map((d) => [d.slice(0, 3), d]));
const weekdayOf = (name: string): Weekday => must(dayNames[name], `no weekday: ${name}`);

/** `weekly mon,wed every 2 x10 from 2024-03-04`: the words that say how it repeats, and the others. */
export function readPattern(
  words: readonly string[],
  startDay: Day,
): { readonly recurrence: Recurrence; readonly rest: readonly string[] } {
  const rest = [...words];
  const take = (test: (word: string) => boolean): string | undefined => {
    const at = rest.findIndex(test);
    return at < 0 ? undefined : rest.splice(at, 1)[0];
  };
  const after = (word: string): string | undefined => {
    const at = rest.indexOf(word);
    return at < 0 ? undefined : rest.splice(at, 2)[1];
  };
  const from = (after('from') ?? startDay) as Day;
  const interval = Number(after('every') ?? 1);
  const until = after('until');
  const count = take((w) => /^x\d+$/.test(w));
  const range: RecurrenceRange = until
    ? { end: 'date', startDay: from, lastDay: until as Day }
    : count
      ? { end: 'count', startDay: from, count: Number(count.slice(1)) }
      : { end: 'never', startDay: from };
  take((w) => w === 'forever');
  const kind = take((w) => ['daily', 'weekly', 'monthly', 'yearly'].includes(w));
  const argument = kind === 'daily' ? '' : (rest.shift() ?? '');
  return { recurrence: { pattern: patternOf(must(kind, 'a series repeats'), argument, interval, rest), range }, rest };
}

function patternOf(kind: string, argument: string, interval: number, rest: string[]): RecurrencePattern {
  const indexes: Readonly<Record<string, 1 | 2 | 3 | 4 | 5>> = { first: 1, second: 2, third: 3, fourth: 4, last: 5 };
  switch (kind) {
    case 'daily':
      return { kind: 'daily', interval };
    case 'weekly':
      return { kind: 'weekly', interval, days: argument.split(',').map(weekdayOf), firstDayOfWeek: 'monday' };
    case 'monthly': {
      const index = indexes[argument];
      if (index === undefined) return { kind: 'monthly', interval, dayOfMonth: Number(argument) };
      return { kind: 'monthly-relative', interval, index, day: weekdayOf(rest.shift() ?? '') satisfies DayOfWeek };
    }
    default: {
      const [month = 1, dayOfMonth = 1] = argument.split('-').map(Number);
      return { kind: 'yearly', interval, month, dayOfMonth };
    }
  }
}

const owner = { name: 'Ana', address: 'ana@source.example' };
const addressOf = (name: string): string => (name.includes('@') ? name : `${name}@source.example`);

const attendeeOf = (text: string): Attendee => {
  const [name = '', response = 'unknown', at] = text.split(':');
  return {
    name,
    address: addressOf(name),
    role: 'required',
    response: response as MeetingResponse,
    respondedAt: at === undefined ? null : Date.UTC(2024, 1, Number(at)),
  };
};

const attachmentOf = (name: string): AttachmentHead => ({
  name,
  contentType: 'application/octet-stream',
  contentId: null,
  isInline: false,
  sizeBytes: name.length,
  hash: hash128(name),
  kind: 'file',
});

/** The list after `a,b`, or `+a,-b` for what is added and removed. */
function listAfter<T>(
  before: readonly T[],
  text: string,
  read: (word: string) => T,
  keyOf: (item: T) => string,
): readonly T[] {
  if (text === '') return [];
  const parts = text.split(',');
  if (!/^[+-]/.test(text)) return parts.map(read);
  let list = [...before];
  for (const part of parts) {
    const item = read(part.slice(1));
    list = list.filter((other) => keyOf(other) !== keyOf(item));
    if (part.startsWith('+')) list.push(item);
  }
  return list;
}

/** When something is after a change: `start`, `length`, `zone`, `all-day`; on `day` when the start has only a time. */
function whenAfter(before: When, values: Settings['values'], flags: readonly string[], day: Day | null): When | null {
  const start = values.get('start');
  const length = values.get('length');
  const zone = values.get('zone');
  if (start === undefined && length === undefined && zone === undefined && !flags.includes('all-day')) return null;
  const iana = zone ?? ianaOf(before.startZone?.id ?? 'W. Europe Standard Time');
  const was = wallOf(before.start, ianaOf(before.startZone?.id ?? 'W. Europe Standard Time'));
  const [date, time] = (start ?? '').includes('T') ? (start ?? '').split('T') : [day ?? was.day, start];
  const isAllDay = before.isAllDay || flags.includes('all-day');
  const from = toInstant(date as Day, isAllDay ? '00:00' : (time ?? was.time), iana);
  const minutes = length ? minutesOf(length) : (before.end - before.start) / 60_000;
  const zoneOf = { id: must(zones[iana], `no zone of these scenarios: ${iana}`), rules: null };
  return {
    start: from,
    end: from + (isAllDay && !length ? 1440 : minutes) * 60_000,
    isAllDay,
    startZone: zoneOf,
    endZone: zoneOf,
  };
}

const scalar = new Set(['subject', 'location', 'sensitivity', 'importance']);

/** Fields after a change, as an edit: only those that are named. `day`: of the occurrence they belong to. */
export function fieldsAfter(before: EventFields, { values, flags }: Settings, day: Day | null): Partial<EventFields> {
  const set: { -readonly [F in keyof EventFields]?: EventFields[F] } = {};
  const when = whenAfter(before.when, values, flags, day);
  if (when) set.when = when;
  for (const [key, value] of values) {
    if (scalar.has(key)) Object.assign(set, { [key]: value });
    else if (key === 'body') set.body = { type: value.startsWith('<') ? 'html' : 'text', text: value };
    else if (key === 'show-as') set.showAs = value as EventFields['showAs'];
    else if (key === 'reminder') set.reminder = reminderOf(value);
    else if (key === 'categories')
      set.categories = listAfter(
        before.categories,
        value,
        (w) => w,
        (w) => w,
      );
    else if (key === 'attendees')
      set.attendees = listAfter(before.attendees, value, attendeeOf, (a) => a.address.toLowerCase());
    else if (key === 'attachments') set.attachments = listAfter(before.attachments, value, attachmentOf, (a) => a.hash);
    else if (key === 'response') Object.assign(set, responseOf(value));
    else if (key === 'sequence') set.sequence = Number(value);
    else if (key === 'critical') set.ownerCriticalChangeAt = Date.UTC(2024, 1, Number(value));
    else assert(['start', 'length', 'zone'].includes(key), `no such setting: ${key}`);
  }
  for (const flag of flags) Object.assign(set, flagFields(flag, { ...before, ...set }));
  return set;
}

const reminderOf = (value: string) =>
  value === 'off' ? { isSet: false, minutesBefore: 0 } : { isSet: true, minutesBefore: Number(value) };

/** `accept:3`: accepted on the third of February. */
function responseOf(value: string): Pick<EventFields, 'myResponse' | 'myResponseAt'> {
  const [response, at] = value.split(':');
  return {
    myResponse: response as MeetingResponse,
    myResponseAt: at === undefined ? null : Date.UTC(2024, 1, Number(at)),
  };
}

function flagFields(flag: string, fields: EventFields): Partial<EventFields> {
  switch (flag) {
    case 'all-day':
      return {};
    case 'meeting':
      return { stateFlags: 1, invited: true, myResponse: 'organizer' };
    case 'invitation':
      return {
        stateFlags: 3,
        invited: true,
        myResponse: fields.myResponse,
        organizer: { name: 'Cy', address: 'cy@source.example' },
      };
    case 'cancelled':
      return { stateFlags: fields.stateFlags | 4 };
    default:
      throw new Error(`no such word: ${flag}`);
  }
}

/** A new event: `single` or `series`, a day, a time, a length, a pattern, settings. */
export function newEvent(kind: string, subject: string, words: readonly string[]): EventFields {
  const { values, flags } = settingsOf(words);
  const iana = values.get('zone') ?? flags.find((f) => f in zones) ?? 'Europe/Vienna';
  const plain = flags.filter((f) => f !== iana);
  const time = plain.find((f) => timePattern.test(f)) ?? '09:00';
  const length = plain.find((f) => /^\d+[hmd]$/.test(f)) ?? '1h';
  const day = (plain.find(
    (f) => dayPattern.test(f) && plain[plain.indexOf(f) - 1] !== 'until' && plain[plain.indexOf(f) - 1] !== 'from',
  ) ?? '2024-03-04') as Day;
  let others = plain.filter((f) => f !== time && f !== length && f !== day);
  let recurrence: Recurrence | null = null;
  let first = day;
  if (kind === 'series') {
    const read = readPattern(others, day);
    recurrence = read.recurrence;
    others = [...read.rest];
    first = must(nthDay(recurrence, 0), `the series ${subject} has no occurrence`);
  }
  const isAllDay = others.includes('all-day');
  const zone = { id: must(zones[iana], `no zone of these scenarios: ${iana}`), rules: null };
  const start = toInstant(first, isAllDay ? '00:00' : time, iana);
  const base: EventFields = {
    subject,
    location: '',
    when: {
      start,
      end: start + (isAllDay ? 1440 : minutesOf(length)) * 60_000,
      isAllDay,
      startZone: zone,
      endZone: zone,
    },
    body: { type: 'text', text: '' },
    reminder: { isSet: false, minutesBefore: 0 },
    showAs: 'busy',
    sensitivity: 'normal',
    importance: 'normal',
    categories: [],
    attendees: [],
    attachments: [],
    myResponse: 'none',
    myResponseAt: null,
    recurrence,
    organizer: owner,
    responseRequested: true,
    allowNewTimeProposal: true,
    onlineMeetingUrl: null,
    stateFlags: 0,
    invited: false,
    sequence: 0,
    ownerCriticalChangeAt: null,
    attendeeCriticalChangeAt: null,
    intendedShowAs: null,
  };
  const isMeeting = values.has('attendees') && !others.includes('invitation');
  const settings = {
    values: new Map([...values].filter(([key]) => key !== 'zone')),
    flags: isMeeting ? ['meeting', ...others] : others,
  };
  return { ...base, ...fieldsAfter(base, settings, null), when: base.when };
}

/** What an occurrence of a series has: its own values, else those of the series, at its place in the pattern. */
export function occurrenceFields(series: EventFields, overrides: OccurrenceOverrides, day: Day): EventFields {
  const iana = ianaOf(series.when.startZone?.id ?? 'W. Europe Standard Time');
  const start = toInstant(day, wallOf(series.when.start, iana).time, iana);
  const when = { ...series.when, start, end: start + (series.when.end - series.when.start) };
  return { ...series, when, ...overrides };
}

export const hasOccurrence = (series: EventFields, day: Day): boolean =>
  series.recurrence !== null && isOccurrenceDay(series.recurrence, day);

/** A value as a line would name it: what `expect` compares. */
export function spoken(fields: EventFields, key: string): string {
  const iana = fields.when.startZone ? ianaOf(fields.when.startZone.id) : 'Europe/Vienna';
  switch (key) {
    case 'start': {
      const { day, time } = wallOf(fields.when.start, iana);
      return `${day}T${time}`;
    }
    case 'length':
      return `${(fields.when.end - fields.when.start) / 60_000}m`;
    case 'zone':
      return iana;
    case 'body':
      return fields.body.text;
    case 'show-as':
      return fields.showAs;
    case 'reminder':
      return fields.reminder.isSet ? `${fields.reminder.minutesBefore}` : 'off';
    case 'categories':
      return [...fields.categories].sort().join(',');
    case 'attendees':
      return fields.attendees
        .map((a) => `${a.address.split('@')[0]}${a.response === 'unknown' ? '' : `:${a.response}`}`)
        .sort()
        .join(',');
    case 'attachments':
      return fields.attachments
        .map((a) => a.name)
        .sort()
        .join(',');
    case 'response':
      return fields.myResponse;
    case 'sequence':
      return `${fields.sequence}`;
    case 'meeting':
      return fields.stateFlags & 1 ? (fields.stateFlags & 2 ? 'received' : 'organized') : 'no';
    case 'cancelled':
      return fields.stateFlags & 4 ? 'yes' : 'no';
    case 'invited':
      return fields.invited ? 'yes' : 'no';
    case 'organizer':
      return fields.organizer?.address.split('@')[0] ?? '';
    case 'subject':
    case 'location':
    case 'sensitivity':
    case 'importance':
      return fields[key];
    default:
      throw new Error(`nothing to expect of ${key}`);
  }
}

/** A value that a line expects, in the form of `spoken`: a time alone means the day that it already is on. */
export function expected(fields: EventFields, key: string, value: string, day: Day | null): string {
  if (key === 'start' && timePattern.test(value)) return `${day ?? spoken(fields, 'start').slice(0, 10)}T${value}`;
  if (key === 'length') return `${minutesOf(value)}m`;
  if (key === 'categories' || key === 'attendees' || key === 'attachments') return value.split(',').sort().join(',');
  return value;
}
