import type { Recurrence } from '#model/recurrence.ts';
import { ByteReader } from './byte-reader.ts';
import { patternOfRecurrence, readPatternBlob, recurrenceOfPattern, writePatternBlob } from './recurrence-pattern.ts';

/**
 * PidLidTaskRecurrence: the pattern alone, without times and exceptions ([MS-OXOTASK] 2.2.2.2.15).
 *
 * @throws BlobError
 */
export function readTaskRecurrence(bytes: Uint8Array): Recurrence {
  const where = 'PidLidTaskRecurrence';
  return recurrenceOfPattern(readPatternBlob(new ByteReader(bytes, where)), where);
}

export const writeTaskRecurrence = (recurrence: Recurrence): Buffer =>
  writePatternBlob(patternOfRecurrence(recurrence)).done();
