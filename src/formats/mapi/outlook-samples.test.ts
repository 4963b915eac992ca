import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import MsgReaderModule, { type FieldsData } from '@kenjiuno/msgreader';
import { Reader } from '@kenjiuno/msgreader/lib/Reader';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import { dayOfWall } from '#model/wall-time.ts';
import { clockOf } from '../zones/zone-clock.ts';
import { formatRecur, parseRecur, readAppointmentRecur } from './appointment-recur.ts';
import { identityOfBytes } from './global-object-id.ts';
import { wallOfMinutes } from './recurrence-pattern.ts';
import { readTimeZoneStruct, readZoneDefinition, writeTimeZoneStruct, writeZoneDefinition } from './zone-blobs.ts';

// The package is written for CommonJS: its class arrives inside of its default.
const MsgReader = (MsgReaderModule as unknown as { default?: typeof MsgReaderModule }).default ?? MsgReaderModule;

interface Sample {
  readonly name: string;
  /** What the other reader makes of it. */
  readonly theirs: FieldsData;
  /** Bytes of a named property of the message itself; null: it has none. */
  readonly bytes: (lid: number) => Buffer | null;
}

const folder = reference('peers/samples/msg/msgreader');

/** Appointments that Outlook saved. */
function samples(): readonly Sample[] {
  if (folder === null) return [];
  return readdirSync(folder).flatMap((name) => {
    if (!name.endsWith('.msg')) return [];
    const file = readFileSync(join(folder, name));
    const content = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
    const reader = new MsgReader(content);
    reader.parserConfig = { includeRawProps: true };
    const theirs = reader.getFileData();
    if (theirs.messageClass !== 'IPM.Appointment') return [];
    const container = new Reader(content);
    container.parse();
    const streams = new Map(
      container
        .rootFolder()
        .fileNameSets()
        .map((entry) => [entry.name, entry]),
    );
    const bytes = (lid: number) => {
      const text = lid.toString(16).padStart(8, '0');
      const tag = theirs.rawProps?.find(({ propertyLid }) => propertyLid === text)?.propertyTag;
      const stream = tag === undefined ? undefined : streams.get(`__substg1.0_${tag.toUpperCase()}`);
      return stream === undefined ? null : Buffer.from(stream.provider());
    };
    return [{ name, theirs, bytes }];
  });
}

describe.skipIf(folder === null)('appointments that Outlook saved', () => {
  const all = samples();
  const series = all.filter(({ theirs }) => theirs.apptRecur !== undefined);
  test('there are some', () => {
    expect(all.length).toBeGreaterThanOrEqual(13);
    expect(series.length).toBeGreaterThanOrEqual(9);
  });

  test.each(series)('$name: the recurrence is read as another reader reads it, and written byte for byte', ({
    theirs,
    bytes,
  }) => {
    const blob = bytes(0x8216) ?? Buffer.alloc(0);
    const parsed = parseRecur(blob);
    expect(formatRecur(parsed)).toEqual(blob);
    const other = theirs.apptRecur;
    const pattern = other?.recurrencePattern;
    expect(parsed.pattern).toMatchObject({
      frequency: pattern?.recurFrequency,
      patternType: pattern?.patternType,
      firstDateTime: pattern?.firstDateTime,
      period: pattern?.period,
      endType: pattern?.endType,
      occurrenceCount: pattern?.occurrenceCount,
      deletedDates: pattern?.deletedInstanceDates,
      modifiedDates: pattern?.modifiedInstanceDates,
      startDate: pattern?.startDate,
      endDate: pattern?.endDate,
    });
    const ours = readAppointmentRecur(blob);
    expect(ours.startMinutes).toBe(other?.startTimeOffset);
    expect(ours.endMinutes).toBe(other?.endTimeOffset);
    const shown = ours.exceptions.map(({ day, start, end, subject, location }) => ({
      day,
      start,
      end,
      subject,
      location,
    }));
    expect(shown).toEqual(
      (other?.exceptionInfo ?? []).map((one) => ({
        day: dayOfWall(wallOfMinutes(one.originalStartTime)),
        start: wallOfMinutes(one.startDateTime),
        end: wallOfMinutes(one.endDateTime),
        subject: one.subject,
        location: one.location,
      })),
    );
    // What Outlook says the series begins with, by the clock of its zone.
    const zone = readZoneDefinition(bytes(0x8260) ?? Buffer.alloc(0)).zone;
    const start = Date.parse(theirs.apptStartWhole ?? '');
    expect(clockOf(zone).toWall(start) % 86_400_000).toBe(ours.startMinutes * 60_000);
  });

  test.each(all)('$name: zones and identity', ({ theirs, bytes }) => {
    const definition = bytes(0x825e);
    if (definition !== null) {
      const { zone } = readZoneDefinition(definition);
      expect(zone.id).toBe(theirs.apptTZDefStartDisplay?.keyName);
      expect(zone.rules?.map(({ biasMinutes }) => biasMinutes)).toEqual(
        theirs.apptTZDefStartDisplay?.rules.map(({ bias }) => bias),
      );
      const again = writeZoneDefinition(zone, 2023, false);
      expect(readZoneDefinition(again ?? Buffer.alloc(0)).zone).toEqual(zone);
    }
    const struct = bytes(0x8233);
    if (struct !== null) expect(writeTimeZoneStruct(readTimeZoneStruct(struct))).toEqual(struct);
    const id = bytes(0x0003);
    if (id !== null) expect(identityOfBytes(id)?.toLowerCase()).toContain('040000008200e00074c5b7101a82e008');
  });
});
