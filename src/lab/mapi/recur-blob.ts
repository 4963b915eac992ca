import type { Day } from '../world/calendar-part.ts';
import {
  type DayKind,
  dayNumber,
  dayOfNumber,
  firstDayOf,
  lastDayOf,
  occurrenceDays,
  type Pattern,
  type Range,
  type Recurrence,
} from '../world/recurrence.ts';
import type { WallMs } from '../world/zone.ts';
import { ByteCursor, Malformed, u16, u32 } from './byte-cursor.ts';

// PidLidAppointmentRecur. [MS-OXOCAL] 2.2.1.44

/** What the blob itself says of a changed occurrence; undefined: as the series. */
export interface BlobException {
  readonly day: Day;
  /** On the clock of the series. */
  readonly startWall: WallMs;
  readonly endWall: WallMs;
  readonly subject?: string;
  readonly location?: string;
  readonly stateFlags?: number;
  readonly reminderMinutes?: number;
  readonly reminderSet?: boolean;
  readonly busyStatus?: number;
  readonly allDay?: boolean;
  /** Said when the occurrence has others than its series, also when it has none. */
  readonly hasAttachments?: boolean;
  /** The message inside of the series has a body of its own. */
  readonly ownBody: boolean;
}

export interface SeriesBlob {
  readonly recurrence: Recurrence;
  /** Not those of exceptions. */
  readonly deletedDays: readonly Day[];
  readonly exceptions: readonly BlobException[];
}

const epochMs = Date.UTC(1601, 0, 1);
const minuteMs = 60_000;
const dayMinutes = 1440;
const epochDay = dayNumber('1601-01-01');
const minutesOf = (wall: WallMs): number => Math.floor((wall - epochMs) / minuteMs);
const wallOfMinutes = (minutes: number): WallMs => epochMs + minutes * minuteMs;
const minutesOfDay = (day: number): number => (day - epochDay) * dayMinutes;
const dayOfMinutes = (minutes: number): number => Math.floor(minutes / dayMinutes) + epochDay;

const frequency = { daily: 0x200a, weekly: 0x200b, monthly: 0x200c, yearly: 0x200d } as const;
const patternType = { day: 0, week: 1, month: 2, monthNth: 3, monthEnd: 4 } as const;
const endType = { date: 0x2021, count: 0x2022, never: 0x2023 } as const;
/** What stands for the end of a series without one. */
const endlessDate = 0x5ae980df;

const override = {
  subject: 0x1,
  meetingType: 0x2,
  reminderDelta: 0x4,
  reminderSet: 0x8,
  location: 0x10,
  busyStatus: 0x20,
  attachment: 0x40,
  allDay: 0x80,
  color: 0x100,
  body: 0x200,
} as const;

const kinds: readonly (readonly [DayKind, number])[] = [
  ...([0, 1, 2, 3, 4, 5, 6] as const).map((day) => [day, 1 << day] as const),
  ['day', 0x7f],
  ['weekday', 0x3e],
  ['weekend', 0x41],
];

interface Rule {
  readonly frequency: number;
  readonly type: number;
  readonly firstDateTime: number;
  readonly period: number;
  readonly specific: readonly number[];
  readonly firstDay: number;
}

function patternOf(rule: Rule): Pattern {
  const { period, specific } = rule;
  const [first = 0, second = 0] = specific;
  if (rule.type === patternType.day) {
    if (period === 0 || period % dayMinutes !== 0) throw new Malformed('a daily pattern of parts of days');
    return { kind: 'daily', interval: period / dayMinutes };
  }
  if (rule.type === patternType.week) {
    const days = [0, 1, 2, 3, 4, 5, 6].filter((day) => (first & (1 << day)) !== 0);
    if (days.length === 0 || rule.firstDay > 6) throw new Malformed('a weekly pattern without a day');
    return { kind: 'weekly', interval: period, days, firstDay: rule.firstDay };
  }
  const isYearly = rule.frequency === frequency.yearly && period === 12;
  const month = new Date(wallOfMinutes(rule.firstDateTime)).getUTCMonth() + 1;
  if (rule.type === patternType.monthNth) {
    const day = kinds.find(([, mask]) => mask === (first & 0x7f))?.[0];
    if (day === undefined || second < 1 || second > 5) throw new Malformed('a day of a month that has no name');
    const nth = second === 5 ? -1 : second;
    return isYearly ? { kind: 'yearly-nth', month, day, nth } : { kind: 'monthly-nth', interval: period, day, nth };
  }
  const day = rule.type === patternType.monthEnd ? 31 : first;
  if (day < 1 || day > 31) throw new Malformed('a day that no month has');
  return isYearly ? { kind: 'yearly', month, day } : { kind: 'monthly', interval: period, day };
}

const specificCount: Readonly<Record<number, number>> = { 0: 0, 1: 1, 2: 1, 3: 2, 4: 1 };

/** @throws Malformed for bytes that are no series, or one that this store has no pattern for */
export function readSeriesBlob(bytes: Buffer): SeriesBlob {
  const cursor = new ByteCursor(bytes);
  const [reader, writer] = [cursor.u16(), cursor.u16()];
  if (reader !== 0x3004 || writer !== 0x3004) throw new Malformed('no recurrence pattern');
  const [freq, type] = [cursor.u16(), cursor.u16()];
  cursor.u16();
  const [firstDateTime, period, sliding] = [cursor.u32(), cursor.u32(), cursor.u32()];
  const count = specificCount[type];
  if (count === undefined || sliding !== 0 || period === 0) throw new Malformed('a pattern of another calendar');
  const specific = Array.from({ length: count }, () => cursor.u32());
  const [end, occurrences, firstDay] = [cursor.u32(), cursor.u32(), cursor.u32()];
  const dates = (): number[] => cursor.times(cursor.u32(), 4, () => cursor.u32());
  const [deleted] = [dates(), dates()];
  const [startDate, endDate] = [cursor.u32(), cursor.u32()];
  cursor.u32();
  const version = cursor.u32();
  const [startOffset, endOffset] = [cursor.u32(), cursor.u32()];
  const infos = cursor.times(cursor.u16(), 14, () => readException(cursor));
  const exceptions = cursor.left === 0 ? infos : readWide(cursor, infos, version);
  const range: Range =
    end === endType.date
      ? { kind: 'until', lastDay: dayOfNumber(dayOfMinutes(endDate)) }
      : end === endType.count
        ? { kind: 'count', count: occurrences }
        : { kind: 'endless' };
  const changed = new Set(exceptions.map(({ day }) => day));
  return {
    recurrence: {
      pattern: patternOf({ frequency: freq, type, firstDateTime, period, specific, firstDay }),
      range,
      startDay: dayOfNumber(dayOfMinutes(startDate)),
      startOffsetMs: startOffset * minuteMs,
      endOffsetMs: endOffset * minuteMs,
    },
    deletedDays: [...new Set(deleted.map((date) => dayOfNumber(dayOfMinutes(date))))]
      .filter((day) => !changed.has(day))
      .sort(),
    exceptions: exceptions.map(({ flags: _, ...exception }) => exception),
  };
}

type Info = BlobException & { readonly flags: number };

function readException(cursor: ByteCursor): Info {
  const [start, end, original, flags] = [cursor.u32(), cursor.u32(), cursor.u32(), cursor.u16()];
  const text = (): string => {
    cursor.u16();
    return cursor.take(cursor.u16()).toString('latin1');
  };
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const subject = has(override.subject) ? { subject: text() } : {};
  const stateFlags = has(override.meetingType) ? { stateFlags: cursor.u32() } : {};
  const reminderMinutes = has(override.reminderDelta) ? { reminderMinutes: cursor.u32() | 0 } : {};
  const reminderSet = has(override.reminderSet) ? { reminderSet: cursor.u32() !== 0 } : {};
  const location = has(override.location) ? { location: text() } : {};
  const busyStatus = has(override.busyStatus) ? { busyStatus: cursor.u32() } : {};
  const hasAttachments = has(override.attachment) ? { hasAttachments: cursor.u32() !== 0 } : {};
  const allDay = has(override.allDay) ? { allDay: cursor.u32() !== 0 } : {};
  if (has(override.color)) cursor.u32();
  return {
    ...{
      flags,
      day: dayOfNumber(dayOfMinutes(original)),
      startWall: wallOfMinutes(start),
      endWall: wallOfMinutes(end),
    },
    ...{ ...subject, ...stateFlags, ...reminderMinutes, ...reminderSet, ...location, ...busyStatus, ...allDay },
    ...hasAttachments,
    ownBody: has(override.body),
  };
}

/** Texts once more, this time in Unicode. [MS-OXOCAL] 2.2.1.44.4 */
function readWide(cursor: ByteCursor, infos: readonly Info[], version: number): readonly Info[] {
  const skip = (): Buffer => cursor.take(cursor.u32());
  skip();
  return infos.map((info) => {
    if (version >= 0x3009) skip();
    skip();
    const [subject, location] = [(info.flags & override.subject) !== 0, (info.flags & override.location) !== 0];
    if (!subject && !location) return info;
    cursor.take(12);
    const text = (): string => cursor.take(2 * cursor.u16()).toString('utf16le');
    const wide = { ...(subject ? { subject: text() } : {}), ...(location ? { location: text() } : {}) };
    skip();
    return { ...info, ...wide };
  });
}

function ruleOf({ pattern, startDay }: Recurrence, first: number): Rule {
  const start = dayNumber(startDay);
  const base = { firstDay: 0, specific: [] };
  const monthsSince1601 = (day: number): number => {
    const date = new Date(day * 86_400_000);
    return (date.getUTCFullYear() - 1601) * 12 + date.getUTCMonth();
  };
  const ofMonths = (months: number): number => minutesOf(Date.UTC(1601, months, 1));
  const mask = (day: DayKind): number => kinds.find(([kind]) => kind === day)?.[1] ?? 0;
  const nthSpecific = (one: { readonly day: DayKind; readonly nth: number }): readonly number[] => [
    mask(one.day),
    one.nth < 0 ? 5 : one.nth,
  ];
  const monthly = (interval: number) => ({
    ...base,
    frequency: frequency.monthly,
    period: interval,
    firstDateTime: ofMonths(monthsSince1601(start) % interval),
  });
  const yearly = (month: number) => ({
    ...base,
    frequency: frequency.yearly,
    period: 12,
    firstDateTime: ofMonths(month - 1),
  });
  const ofDay = (day: number) => (day === 31 ? patternType.monthEnd : patternType.month);
  switch (pattern.kind) {
    case 'daily': {
      const period = pattern.interval * dayMinutes;
      return {
        ...base,
        frequency: frequency.daily,
        type: patternType.day,
        period,
        firstDateTime: minutesOfDay(start) % period,
      };
    }
    case 'weekly': {
      const weekday = (((first + 4) % 7) + 7) % 7;
      const weekStart = first - ((weekday - pattern.firstDay + 7) % 7);
      return {
        frequency: frequency.weekly,
        type: patternType.week,
        period: pattern.interval,
        firstDateTime: minutesOfDay(weekStart) % (pattern.interval * 7 * dayMinutes),
        specific: [pattern.days.reduce((bits, day) => bits | (1 << day), 0)],
        firstDay: pattern.firstDay,
      };
    }
    case 'monthly':
      return { ...monthly(pattern.interval), type: ofDay(pattern.day), specific: [pattern.day] };
    case 'monthly-nth':
      return { ...monthly(pattern.interval), type: patternType.monthNth, specific: nthSpecific(pattern) };
    case 'yearly':
      return { ...yearly(pattern.month), type: ofDay(pattern.day), specific: [pattern.day] };
    case 'yearly-nth':
      return { ...yearly(pattern.month), type: patternType.monthNth, specific: nthSpecific(pattern) };
  }
}

/** How many occurrences a series has; 10 stands for no end. [MS-OXOCAL] 2.2.1.44.1: OccurrenceCount */
function countOf(recurrence: Recurrence): number {
  const { range } = recurrence;
  if (range.kind === 'count') return range.count;
  if (range.kind === 'endless') return 10;
  let count = 0;
  for (const _ of occurrenceDays(recurrence)) if (++count === 0xffff) break;
  return count;
}

export function writeSeriesBlob({ recurrence, deletedDays, exceptions }: SeriesBlob): Buffer {
  const { range } = recurrence;
  const first = firstDayOf(recurrence) ?? dayNumber(recurrence.startDay);
  const rule = ruleOf(recurrence, first);
  const sorted = [...exceptions].sort((a, b) => a.startWall - b.startWall);
  const gone = [...new Set([...deletedDays, ...exceptions.map(({ day }) => day)])].sort();
  const moved = sorted.map(({ startWall }) => minutesOfDay(Math.floor(startWall / 86_400_000))).sort((a, b) => a - b);
  const last =
    range.kind === 'endless'
      ? endlessDate
      : minutesOfDay(range.kind === 'until' ? dayNumber(range.lastDay) : (lastDayOf(recurrence) ?? first));
  const end = range.kind === 'endless' ? endType.never : range.kind === 'until' ? endType.date : endType.count;
  const dates = (minutes: readonly number[]): readonly Buffer[] => [u32(minutes.length), ...minutes.map(u32)];
  return Buffer.concat([
    ...[0x3004, 0x3004, rule.frequency, rule.type, 0].map(u16),
    ...[rule.firstDateTime, rule.period, 0, ...rule.specific, end, countOf(recurrence), rule.firstDay].map(u32),
    ...dates(gone.map((day) => minutesOfDay(dayNumber(day)))),
    ...dates(moved),
    ...[minutesOfDay(dayNumber(recurrence.startDay)), last, 0x3006, 0x3009].map(u32),
    ...[recurrence.startOffsetMs / minuteMs, recurrence.endOffsetMs / minuteMs].map(u32),
    u16(sorted.length),
    ...sorted.map((one) => writeException(one, recurrence.startOffsetMs)),
    u32(0),
    ...sorted.map((one) => writeWide(one, recurrence.startOffsetMs)),
    u32(0),
  ]);
}

const timesOf = ({ startWall, endWall, day }: BlobException, startOffsetMs: number): readonly number[] => [
  minutesOf(startWall),
  minutesOf(endWall),
  minutesOfDay(dayNumber(day)) + startOffsetMs / minuteMs,
];

function writeException(exception: BlobException, startOffsetMs: number): Buffer {
  const { subject, location, stateFlags, reminderMinutes, reminderSet, busyStatus, allDay, hasAttachments } = exception;
  const number = (flag: number, value: number | undefined): readonly [number, readonly Buffer[]] =>
    value === undefined ? [0, []] : [flag, [u32(value)]];
  const text = (flag: number, value: string | undefined): readonly [number, readonly Buffer[]] => {
    if (value === undefined) return [0, []];
    const bytes = Buffer.from(value.replace(/[^\u0000-\u00ff]/g, '?'), 'latin1').subarray(0, 0xfffe);
    return [flag, [u16(bytes.length + 1), u16(bytes.length), bytes]];
  };
  const parts = [
    text(override.subject, subject),
    number(override.meetingType, stateFlags),
    number(override.reminderDelta, reminderMinutes),
    number(override.reminderSet, reminderSet === undefined ? undefined : Number(reminderSet)),
    text(override.location, location),
    number(override.busyStatus, busyStatus),
    number(override.attachment, hasAttachments === undefined ? undefined : Number(hasAttachments)),
    number(override.allDay, allDay === undefined ? undefined : Number(allDay)),
  ];
  const flags = parts.reduce((bits, [flag]) => bits | flag, exception.ownBody ? override.body : 0);
  return Buffer.concat([
    ...timesOf(exception, startOffsetMs).map(u32),
    u16(flags),
    ...parts.flatMap(([, bytes]) => bytes),
  ]);
}

function writeWide(exception: BlobException, startOffsetMs: number): Buffer {
  const texts = [exception.subject, exception.location].filter((text) => text !== undefined);
  const wide =
    texts.length === 0
      ? []
      : [
          ...timesOf(exception, startOffsetMs).map(u32),
          ...texts.flatMap((text) => {
            const cut = text.slice(0, 0xffff);
            return [u16(cut.length), Buffer.from(cut, 'utf16le')];
          }),
          u32(0),
        ];
  // A change highlight of four bytes that highlights nothing, and no reserved block.
  return Buffer.concat([u32(4), u32(0), u32(0), ...wide]);
}
