import { isDeepStrictEqual } from 'node:util';
import { writeTypedStream } from '#formats/fast-transfer/typed-stream.ts';
import { BlobError } from '#formats/mapi/byte-reader.ts';
import { strayDays } from '#formats/occurrences.ts';
import { type Fault, isFault } from '#kit/fault.ts';
import type { Payload } from '#kit/payload.ts';
import type { EventFields } from '#model/appointment.ts';
import type { FolderId } from '#model/ids.ts';
import type { TypedDraft, TypedItem } from '#model/typed-item.ts';
import type { Context, TypedWritten } from '../../contract.ts';
import { missing } from '../answer-faults.ts';
import { eachInPlace, faultsInPlace } from '../batches.ts';
import { uploadItems } from '../operations/upload-items.ts';
import { atLeast, type SchemaVersion } from '../server-version.ts';
import type { AttachmentReader } from '../typed/attachments.ts';
import { takeAway, thereAllTheSame } from '../typed/take-away.ts';
import type { CalendarTools } from './calendar-tools.ts';
import { readEvents } from './read-events.ts';
import { removeEvents } from './remove-events.ts';
import { unkeptOf } from './unkept.ts';

type Draft = TypedDraft<'calendar'>;

/** What an organization's servers made of streams so far. */
export interface StreamHabits {
  accepted: boolean;
  /** Streams that no Exchange made are refused, or something else came of them than they said: not tried again. */
  refused: boolean;
}

/** Not made a second time while it is there. */
const stays: Fault = {
  kind: 'transient',
  detail: 'what came of a stream is not what it said, and could not be taken away',
  mayHaveHappened: true,
};

/** 2010 SP1 takes 25 MB of base64 in a request; bytes of a batch, so that it is far from that. */
const batchMaxBytes = 8 * 1024 * 1024;

/**
 * Bytes of one stream. 2010 takes 25 MB of base64, later servers requests of 64 MB; a text is twice as long in a stream. What is larger
 * is created field by field, which takes the mailbox's owner for its organizer.
 */
const streamMaxBytes = (version: SchemaVersion): number =>
  atLeast(version, 'Exchange2013') ? 44 * 1024 * 1024 : 17 * 1024 * 1024;

/**
 * Whether a stream says what no other request can: who really organizes, and what attendees answered. Everything else goes by CreateItem,
 * which is documented; streams of our own making are not.
 */
export function needsStream({ version, address, streams }: CalendarTools, { item }: Draft): boolean {
  if (streams.refused || !atLeast(version, 'Exchange2010_SP1')) return false;
  const { organizer, attendees } = item.fields;
  const isElsewhere = organizer !== null && organizer.address.toLowerCase() !== address.toLowerCase();
  return isElsewhere || attendees.some(({ response }) => response !== 'unknown');
}

/**
 * Creates events out of streams and looks at what has become of them. `null` in the place of one that is to be created in the other
 * way: it was refused, or what came of it was not what the stream said and has been taken away again.
 */
export async function uploadEvents(
  tools: CalendarTools,
  reader: AttachmentReader,
  folder: FolderId,
  drafts: readonly Draft[],
  context: Context,
): Promise<readonly (TypedWritten | Fault | null)[]> {
  const results: (TypedWritten | Fault | null)[] = drafts.map(() => null);
  const streams = streamsOf(tools, drafts);
  let isFirst = true;
  for (const batch of batchesOf(streams)) {
    if (tools.streams.refused) break;
    const upload = () =>
      eachInPlace(batch, (some) =>
        tools.call(uploadItems, { folder, streams: some.map(({ bytes }) => bytes) }, context),
      );
    const answers = isFirst ? await upload() : await faultsInPlace(batch, upload);
    isFirst = false;
    for (const [n, { at }] of batch.entries()) {
      const answer = answers[n] ?? missing;
      if (!isFault(answer)) results[at] = { ...answer, unkept: {} };
      else if (answer.kind !== 'poison' && !(answer.kind === 'fatal' && answer.code === 'unsupported'))
        results[at] = answer;
      // Too large for a stream says nothing about streams.
      else if (!tools.streams.accepted && !(answer.kind === 'poison' && answer.reason === 'too-large'))
        tools.streams.refused = true;
    }
  }
  const made = results.flatMap((result, at) => {
    const draft = drafts[at];
    return result === null || isFault(result) || draft === undefined ? [] : [{ at, written: result, draft }];
  });
  const ids = made.map(({ written }) => written.id);
  const seen = await faultsInPlace(ids, async () => {
    const read = await readEvents(tools, reader, ids, context);
    return ids.map((id) => read.get(id) ?? missing);
  });
  const others = made.filter(({ at, written, draft }, n) => {
    const item = seen[n] ?? missing;
    // Not to be seen for now: it is there with its stamp, and the next look decides.
    if (isFault(item) && item.kind !== 'poison') {
      results[at] = thereAllTheSame(item);
      return false;
    }
    if (isFault(item) || !isWhatWasSaid(item, draft)) return true;
    tools.streams.accepted = true;
    // The version of the upload, and not of this look: what somebody wrote in between is theirs, and is told from ours by it.
    results[at] = { ...written, unkept: lossesOf(tools, item, draft) };
    return false;
  });
  if (others.length === 0) return results;
  const isAsUploaded = ({ written }: (typeof others)[number]): boolean => {
    const item = seen[ids.indexOf(written.id)] ?? missing;
    return isFault(item) || item.head.version === written.version;
  };
  // Where streams were understood before, one that somebody wrote into says nothing of what servers make of them.
  if (!tools.streams.accepted || others.some(isAsUploaded)) tools.streams.refused = true;
  const gone = await takeAway(
    removeEvents(tools),
    others.map(({ written }) => written),
    context,
  );
  for (const [n, { at }] of others.entries()) results[at] = gone[n] ? null : stays;
  return results;
}

interface Stream {
  readonly at: number;
  readonly bytes: Payload;
}

function streamsOf(tools: CalendarTools, drafts: readonly Draft[]): readonly Stream[] {
  const streams: Stream[] = [];
  const max = streamMaxBytes(tools.version);
  for (const [at, draft] of drafts.entries()) {
    const attached = draft.attachments.reduce((sum, { bytes }) => sum + bytes.sizeBytes, 0);
    if (attached > max) continue;
    try {
      const bytes = writeTypedStream('calendar', draft, { now: tools.nowMs() });
      if (bytes.sizeBytes <= max) streams.push({ at, bytes });
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
    }
  }
  return streams;
}

function* batchesOf(streams: readonly Stream[]): Generator<readonly Stream[]> {
  let batch: Stream[] = [];
  let sizeBytes = 0;
  for (const stream of streams) {
    if (batch.length > 0 && sizeBytes + stream.bytes.sizeBytes > batchMaxBytes) {
      yield batch;
      [batch, sizeBytes] = [[], 0];
    }
    batch.push(stream);
    sizeBytes += stream.bytes.sizeBytes;
  }
  if (batch.length > 0) yield batch;
}

/** Identity, stamp, people, times and days of an event: where these are right, the stream was understood. */
function isWhatWasSaid(item: TypedItem<'calendar'>, { item: given, stamp }: Draft): boolean {
  const stray = new Set(strayDays(given));
  const days = ({ occurrences, deletedDays }: Pick<typeof given, 'occurrences' | 'deletedDays'>) =>
    [occurrences.map(({ day }) => day), deletedDays].map((some) => some.filter((day) => !stray.has(day)));
  const address = ({ organizer }: EventFields) => organizer?.address.toLowerCase() ?? '';
  const { when } = item.fields;
  const own = given.fields;
  return (
    item.head.stamp === stamp &&
    (given.head.identity === null || item.head.identity === given.head.identity) &&
    (own.organizer === null || address(item.fields) === address(own)) &&
    Math.abs(when.start - own.when.start) < 60_000 &&
    Math.abs(when.end - own.when.end) < 60_000 &&
    when.isAllDay === own.when.isAllDay &&
    (item.fields.recurrence === null) === (own.recurrence === null) &&
    isDeepStrictEqual(days(item), days(given))
  );
}

/** What CreateItem would have lost, and is not there now either. */
function lossesOf(
  { version, address }: CalendarTools,
  item: TypedItem<'calendar'>,
  { item: given }: Draft,
): TypedWritten['unkept'] {
  const lost = Object.entries(unkeptOf(given.fields, { version, owner: address })).filter(
    // Whoever organizes was looked at by address; under which name is for the directory to say.
    ([field]) =>
      field !== 'organizer' &&
      !isDeepStrictEqual(item.fields[field as keyof EventFields], given.fields[field as keyof EventFields]),
  );
  const stray = strayDays(given).length;
  const days = stray === 0 ? [] : [['occurrences', `${stray} days that the pattern does not have`]];
  return Object.fromEntries([...lost, ...days]);
}
