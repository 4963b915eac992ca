import iconv from 'iconv-lite';
import type { OccurrenceFields } from '#model/appointment.ts';
import type { Recurrence } from '#model/recurrence.ts';
import { type Day, dayOfWall, type WallTime } from '#model/wall-time.ts';
import { ByteReader, type ByteWriter } from './byte-reader.ts';
import {
  type BlobMinutes,
  dayOfMinutes,
  minutesOfWall,
  patternOfRecurrence,
  type RecurrencePatternBlob,
  readPatternBlob,
  recurrenceOfPattern,
  wallOfMinutes,
  writePatternBlob,
} from './recurrence-pattern.ts';

const where = 'PidLidAppointmentRecur';

/** ExceptionInfo and ExtendedException of one modified occurrence, field by field ([MS-OXOCAL] 2.2.1.44.2, 2.2.1.44.4). */
export interface ExceptionBlob {
  readonly start: BlobMinutes;
  readonly end: BlobMinutes;
  readonly originalStart: BlobMinutes;
  readonly flags: number;
  /** In the code page of whoever wrote it. */
  readonly subject: Buffer | null;
  readonly meetingType: number | null;
  readonly reminderDelta: number | null;
  readonly reminderSet: number | null;
  readonly location: Buffer | null;
  readonly busyStatus: number | null;
  readonly attachment: number | null;
  readonly subType: number | null;
  readonly color: number | null;
  readonly extended: ExtendedBlob | null;
}
export interface ExtendedBlob {
  /** Null: written by a version that has none. */
  readonly changeHighlight: Buffer | null;
  readonly reserved1: Buffer;
  readonly times: readonly [start: BlobMinutes, end: BlobMinutes, originalStart: BlobMinutes] | null;
  readonly wideSubject: string | null;
  readonly wideLocation: string | null;
  readonly reserved2: Buffer;
}

/** The whole structure ([MS-OXOCAL] 2.2.1.44.5). `formatRecur(parseRecur(bytes))` are the same bytes. */
export interface RecurBlob {
  readonly pattern: RecurrencePatternBlob;
  readonly readerVersion2: number;
  readonly writerVersion2: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly exceptions: readonly ExceptionBlob[];
  /** Null: it ends with the exceptions, as old writers had it. */
  readonly reserved: { readonly before: Buffer; readonly after: Buffer | null } | null;
  /** What follows the structure; nobody ought to write any. */
  readonly rest: Buffer;
}

/** OverrideFlags ([MS-OXOCAL] 2.2.1.44.2). */
const overrides = {
  subject: 0x0001,
  meetingType: 0x0002,
  reminderDelta: 0x0004,
  reminder: 0x0008,
  location: 0x0010,
  busyStatus: 0x0020,
  attachment: 0x0040,
  subType: 0x0080,
  color: 0x0100,
  body: 0x0200,
} as const;
/** From this version on exceptions have a change highlight. */
const highlightSince = 0x3009;

/** @throws BlobError */
export function parseRecur(bytes: Uint8Array): RecurBlob {
  const reader = new ByteReader(bytes, where);
  const pattern = readPatternBlob(reader);
  const [readerVersion2, writerVersion2] = [reader.u32(), reader.u32()];
  const [startOffset, endOffset] = [reader.u32(), reader.u32()];
  const infos = Array.from({ length: reader.count(reader.u16(), 14) }, () => readInfo(reader));
  const head = { pattern, readerVersion2, writerVersion2, startOffset, endOffset };
  if (reader.left === 0) return { ...head, exceptions: infos, reserved: null, rest: Buffer.alloc(0) };
  const before = reader.bytes(reader.u32());
  const exceptions = infos.map((info) => ({ ...info, extended: readExtended(reader, info.flags, writerVersion2) }));
  const after = reader.left === 0 ? null : reader.bytes(reader.u32());
  return { ...head, exceptions, reserved: { before, after }, rest: reader.bytes(reader.left) };
}

function readInfo(reader: ByteReader): ExceptionBlob {
  const [start, end, originalStart, flags] = [reader.u32(), reader.u32(), reader.u32(), reader.u16()];
  const when = <T>(flag: number, read: () => T): T | null => ((flags & flag) === 0 ? null : read());
  const number = () => reader.u32();
  const text = () => {
    // Length with and without a zero that is not there.
    reader.u16();
    return reader.bytes(reader.u16());
  };
  return {
    ...{ start, end, originalStart, flags },
    subject: when(overrides.subject, text),
    meetingType: when(overrides.meetingType, number),
    reminderDelta: when(overrides.reminderDelta, number),
    reminderSet: when(overrides.reminder, number),
    location: when(overrides.location, text),
    busyStatus: when(overrides.busyStatus, number),
    attachment: when(overrides.attachment, number),
    subType: when(overrides.subType, number),
    color: when(overrides.color, number),
    extended: null,
  };
}

function readExtended(reader: ByteReader, flags: number, version: number): ExtendedBlob {
  const changeHighlight = version >= highlightSince ? reader.bytes(reader.u32()) : null;
  const reserved1 = reader.bytes(reader.u32());
  const [hasSubject, hasLocation] = [(flags & overrides.subject) !== 0, (flags & overrides.location) !== 0];
  if (!hasSubject && !hasLocation)
    return {
      changeHighlight,
      reserved1,
      times: null,
      wideSubject: null,
      wideLocation: null,
      reserved2: Buffer.alloc(0),
    };
  const times = [reader.u32(), reader.u32(), reader.u32()] as const;
  const wideSubject = hasSubject ? reader.utf16(reader.u16()) : null;
  const wideLocation = hasLocation ? reader.utf16(reader.u16()) : null;
  return { changeHighlight, reserved1, times, wideSubject, wideLocation, reserved2: reader.bytes(reader.u32()) };
}

export function formatRecur(blob: RecurBlob): Buffer {
  const writer = writePatternBlob(blob.pattern);
  writer.u32(blob.readerVersion2).u32(blob.writerVersion2).u32(blob.startOffset).u32(blob.endOffset);
  writer.u16(blob.exceptions.length);
  for (const info of blob.exceptions) writeInfo(writer, info);
  if (blob.reserved !== null) {
    const block = (bytes: Buffer) => writer.u32(bytes.length).bytes(bytes);
    block(blob.reserved.before);
    for (const { extended } of blob.exceptions) {
      if (extended === null) continue;
      if (extended.changeHighlight !== null) block(extended.changeHighlight);
      block(extended.reserved1);
      if (extended.times === null) continue;
      for (const minutes of extended.times) writer.u32(minutes);
      for (const wide of [extended.wideSubject, extended.wideLocation]) {
        if (wide !== null) writer.u16(wide.length).bytes(Buffer.from(wide, 'utf16le'));
      }
      block(extended.reserved2);
    }
    if (blob.reserved.after !== null) block(blob.reserved.after);
  }
  return writer.bytes(blob.rest).done();
}

function writeInfo(writer: ByteWriter, info: ExceptionBlob): void {
  writer.u32(info.start).u32(info.end).u32(info.originalStart).u16(info.flags);
  const text = (bytes: Buffer | null) =>
    bytes !== null &&
    writer
      .u16(bytes.length + 1)
      .u16(bytes.length)
      .bytes(bytes);
  const number = (value: number | null) => value !== null && writer.u32(value);
  text(info.subject);
  number(info.meetingType);
  number(info.reminderDelta);
  number(info.reminderSet);
  text(info.location);
  for (const value of [info.busyStatus, info.attachment, info.subType, info.color]) number(value);
}

/** What the blob says of one modified occurrence; undefined: as the series. The rest stands in its embedded message. */
export interface BlobException {
  readonly day: Day;
  /** By the clock of the series. */
  readonly start: WallTime;
  readonly end: WallTime;
  readonly subject?: string;
  readonly location?: string;
  readonly reminderMinutes?: number;
  readonly reminderIsSet?: boolean;
  readonly showAs?: OccurrenceFields['showAs'];
  readonly isAllDay?: boolean;
  readonly stateFlags?: number;
  readonly hasAttachments?: boolean;
  /** The embedded message has a body of its own. */
  readonly hasBody: boolean;
}

/** A series as PidLidAppointmentRecur has it. */
export interface AppointmentRecur {
  readonly recurrence: Recurrence;
  /** After midnight of each day; the end may be on a later one. */
  readonly startMinutes: number;
  readonly endMinutes: number;
  /** Deleted, not modified; ordered. */
  readonly deletedDays: readonly Day[];
  /** Ordered by day. */
  readonly exceptions: readonly BlobException[];
}

/** PidLidBusyStatus ([MS-OXOCAL] 2.2.1.2). */
export const busyStatuses = ['free', 'tentative', 'busy', 'oof', 'working-elsewhere'] as const;

/** Subjects and locations without a wide form are in the code page of the writer, which nobody names: Western, mostly. */
const ansi = 'windows-1252';

/** @throws BlobError for bytes that are no such blob, or a pattern that a recurrence cannot say */
export function readAppointmentRecur(bytes: Uint8Array): AppointmentRecur {
  const blob = parseRecur(bytes);
  const recurrence = recurrenceOfPattern(blob.pattern, where);
  const exceptions = blob.exceptions.map(exceptionOf).sort((a, b) => (a.day < b.day ? -1 : 1));
  const modified = new Set(exceptions.map(({ day }) => day));
  const deleted = new Set(blob.pattern.deletedDates.map(dayOfMinutes));
  return {
    recurrence,
    startMinutes: blob.startOffset,
    endMinutes: blob.endOffset,
    deletedDays: [...deleted].filter((day) => !modified.has(day)).sort(),
    exceptions,
  };
}

function exceptionOf(info: ExceptionBlob): BlobException {
  const { extended } = info;
  const given = <K extends string, T>(key: K, value: T | null | undefined) =>
    value === null || value === undefined ? {} : ({ [key]: value } as Record<K, T>);
  const text = (wide: string | null | undefined, narrow: Buffer | null) =>
    wide ?? (narrow === null ? null : iconv.decode(narrow, ansi));
  const flag = (value: number | null) => (value === null ? null : value !== 0);
  return {
    day: dayOfMinutes(info.originalStart),
    start: wallOfMinutes(info.start),
    end: wallOfMinutes(info.end),
    ...given('subject', text(extended?.wideSubject, info.subject)),
    ...given('location', text(extended?.wideLocation, info.location)),
    ...given('reminderMinutes', info.reminderDelta === null ? null : info.reminderDelta | 0),
    ...given('reminderIsSet', flag(info.reminderSet)),
    ...given('showAs', info.busyStatus === null ? null : busyStatuses[info.busyStatus]),
    ...given('isAllDay', flag(info.subType)),
    ...given('stateFlags', info.meetingType),
    ...given('hasAttachments', flag(info.attachment)),
    hasBody: (info.flags & overrides.body) !== 0,
  };
}

const noBytes = Buffer.alloc(0);
/** Lengths are numbers of two bytes. */
const textMax = 0xfffe;

export function writeAppointmentRecur(series: AppointmentRecur): Buffer {
  const exceptions = [...series.exceptions].sort((a, b) => a.start - b.start);
  const pattern = patternOfRecurrence(series.recurrence, {
    deleted: [...new Set([...series.deletedDays, ...exceptions.map(({ day }) => day)])],
    modified: exceptions.map(({ start }) => dayOfWall(start)),
  });
  return formatRecur({
    pattern,
    readerVersion2: 0x3006,
    writerVersion2: 0x3009,
    startOffset: series.startMinutes,
    endOffset: series.endMinutes,
    exceptions: exceptions.map((exception) => exceptionBlob(exception, series.startMinutes)),
    reserved: { before: noBytes, after: noBytes },
    rest: noBytes,
  });
}

function exceptionBlob(exception: BlobException, startMinutes: number): ExceptionBlob {
  const subject = exception.subject?.slice(0, textMax) ?? null;
  const location = exception.location?.slice(0, textMax) ?? null;
  const numbers = {
    meetingType: exception.stateFlags ?? null,
    reminderDelta: exception.reminderMinutes ?? null,
    reminderSet: exception.reminderIsSet === undefined ? null : Number(exception.reminderIsSet),
    busyStatus: exception.showAs === undefined ? null : busyStatuses.indexOf(exception.showAs),
    attachment: exception.hasAttachments === undefined ? null : Number(exception.hasAttachments),
    subType: exception.isAllDay === undefined ? null : Number(exception.isAllDay),
    color: null,
  };
  const { meetingType, reminderDelta, reminderSet, busyStatus, attachment, subType } = numbers;
  const present: readonly (readonly [unknown, number])[] = [
    [subject, overrides.subject],
    [meetingType, overrides.meetingType],
    [reminderDelta, overrides.reminderDelta],
    [reminderSet, overrides.reminder],
    [location, overrides.location],
    [busyStatus, overrides.busyStatus],
    [attachment, overrides.attachment],
    [subType, overrides.subType],
    [exception.hasBody ? true : null, overrides.body],
  ];
  const [start, end] = [minutesOfWall(exception.start), minutesOfWall(exception.end)];
  const originalStart = minutesOfWall(Date.parse(`${exception.day}T00:00:00Z`)) + startMinutes;
  return {
    ...{ start, end, originalStart },
    flags: present.reduce((bits, [value, flag]) => (value === null ? bits : bits | flag), 0),
    subject: subject === null ? null : iconv.encode(subject, ansi).subarray(0, textMax),
    location: location === null ? null : iconv.encode(location, ansi).subarray(0, textMax),
    ...numbers,
    extended: {
      changeHighlight: Buffer.alloc(4),
      reserved1: noBytes,
      times: subject === null && location === null ? null : [start, end, originalStart],
      wideSubject: subject,
      wideLocation: location,
      reserved2: noBytes,
    },
  };
}
