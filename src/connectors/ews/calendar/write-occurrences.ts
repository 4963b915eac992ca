import { isDeepStrictEqual } from 'node:util';
import { occurrenceSpan } from '#formats/occurrences.ts';
import { rawXml } from '#formats/text/xml-write.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { AttachmentContent, AttachmentHead, EventFields, OccurrenceOverrides } from '#model/appointment.ts';
import { indexOfDay } from '#model/expand-recurrence.ts';
import type { ItemId, Version } from '#model/ids.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { Day } from '#model/wall-time.ts';
import type { Context, Written } from '../../contract.ts';
import { missing } from '../answer-faults.ts';
import { eachInPlace, parts } from '../batches.ts';
import { deleteItem } from '../operations/delete-item.ts';
import type { OccurrenceRef } from '../operations/ids.ts';
import { type ItemChange, updateItems } from '../operations/update-item.ts';
import { type AttachmentReader, putAttachments } from '../typed/attachments.ts';
import type { CalendarTools } from './calendar-tools.ts';
import { writeEventUpdates, writeParts } from './event-codec.ts';
import { seeEvents, seeOccurrences } from './read-events.ts';

/** What is done to the occurrences of one series, which is on the server with this pattern. */
export interface SeriesWork {
  readonly master: ItemId;
  readonly fields: EventFields;
  readonly recurrence: Recurrence;
  /** Nothing is done when the series is no longer at this version; null: it was written just now. */
  readonly expect: Version | null;
  readonly deletes: readonly Day[];
  /** Values that the occurrence is to have for itself, whatever it has now. */
  readonly modifies: readonly { readonly day: Day; readonly set: OccurrenceOverrides }[];
  /** Attachments that days are to have afterwards. */
  readonly attachments: ReadonlyMap<Day, readonly AttachmentHead[]>;
  /** By hash, for those that are not there yet. */
  readonly contents: ReadonlyMap<string, AttachmentContent>;
}

/** Days of a work that its pattern does not have, so that the server has no place for them. */
export const strayDaysOf = ({ recurrence, deletes, modifies }: SeriesWork): readonly Day[] =>
  [...deletes, ...modifies.map(({ day }) => day)].filter((day) => indexOfDay(recurrence, day) === null);

/** Writes of one request. */
const writesMax = 50;

interface Step {
  /** Place of the series in the batch. */
  readonly at: number;
  readonly ref: OccurrenceRef;
}

/** What became of a series. */
export interface SeriesWritten {
  /** Where the last of its writes left it, which it shares with its occurrences; null: that write was answered without one. */
  readonly version: Version | null;
}

/**
 * Deletes and modifies occurrences of several series, in as few requests as there are kinds of writes. In place of each series the first
 * thing that went wrong with it, if any; its other writes may have been done.
 */
export async function writeOccurrences(
  tools: CalendarTools,
  attachments: AttachmentReader,
  works: readonly SeriesWork[],
  context: Context,
): Promise<readonly (SeriesWritten | Fault)[]> {
  const faults: (null | Fault)[] = works.map(() => null);
  const versions: (null | Version)[] = works.map(() => null);
  const open = (at: number) => faults[at] === null;
  const note = (
    steps: readonly Step[],
    answers: readonly (Written | null | Fault)[],
    forgiven: (fault: Fault) => boolean,
  ) => {
    for (const [n, { at }] of steps.entries()) {
      const answer = answers[n] ?? null;
      if (isFault(answer) && !forgiven(answer)) faults[at] ??= answer;
      versions[at] = answer === null || isFault(answer) ? null : answer.version;
    }
  };
  const never = () => false;

  const changesOf = (work: SeriesWork, at: number): readonly (Step & { readonly change: ItemChange })[] =>
    inOrder(work).flatMap(({ day, set }) => {
      const ref = refOf(work, day);
      const updates = ref === null ? null : updatesOf(tools, work, set);
      return ref === null || updates === null ? [] : [{ at, ref, change: { ref, expect: null, updates } }];
    });
  const all = works.map(changesOf);

  // The first write of a series carries the version; where that is a deletion, which knows none, the series is looked at just before.
  const first = works.flatMap((work, at) => {
    const [step] = all[at] ?? [];
    const { expect } = work;
    const fits = work.deletes.length === 0 || work.modifies.every(({ set }) => set.when === undefined);
    return expect !== null && step !== undefined && fits ? [{ ...step, change: { ...step.change, expect } }] : [];
  });
  const guarded = new Set(first.map(({ at }) => at));
  await checkVersions(
    tools,
    works.flatMap(({ master, expect }, at) => (expect === null || guarded.has(at) ? [] : [{ at, master, expect }])),
    faults,
    context,
  );
  for (const some of parts(first, writesMax)) note(some, await update(tools, some, true, context), never);

  const deletions = works.flatMap((work, at) =>
    open(at)
      ? work.deletes.flatMap((day): readonly Step[] => {
          const ref = refOf(work, day);
          return ref === null ? [] : [{ at, ref }];
        })
      : [],
  );
  for (const some of parts(deletions, writesMax)) {
    const refs = some.map(({ ref }) => ref);
    // One that is gone already is what was wanted.
    note(
      some,
      await eachInPlace(refs, (each) => tools.call(deleteItem, each, context)),
      (fault) => fault.kind === 'gone',
    );
  }
  const rest = all.flatMap((steps, at) => (open(at) ? steps.slice(guarded.has(at) ? 1 : 0) : []));
  for (const some of parts(rest, writesMax)) note(some, await update(tools, some, false, context), never);

  for (const [at, work] of works.entries()) {
    if (!open(at) || work.attachments.size === 0) continue;
    versions[at] = null;
    try {
      await putOccurrenceAttachments(tools, attachments, work, context);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      faults[at] = error.fault;
    }
  }
  return works.map((_, at) => faults[at] ?? { version: versions[at] ?? null });
}

/**
 * An occurrence must not cross its neighbours on the way either (ErrorOccurrenceCrossingBoundary): those that move later go from the
 * last one on, those that move earlier from the first one on, so that each finds its place free.
 */
function inOrder({ fields, modifies }: SeriesWork): SeriesWork['modifies'] {
  const shift = ({ day, set }: SeriesWork['modifies'][number]): number =>
    set.when === undefined ? 0 : Math.sign(set.when.start - occurrenceSpan(fields.when, day).start);
  const days = [...modifies].sort((a, b) => (a.day < b.day ? -1 : 1));
  return [
    ...days.filter((one) => shift(one) > 0).reverse(),
    ...days.filter((one) => shift(one) < 0),
    ...days.filter((one) => shift(one) === 0),
  ];
}

function refOf({ master, recurrence }: SeriesWork, day: Day): OccurrenceRef | null {
  const index = indexOfDay(recurrence, day);
  return index === null ? null : { master, index: index + 1 };
}

function updatesOf({ version }: CalendarTools, { fields, attachments }: SeriesWork, set: OccurrenceOverrides) {
  const { attachments: own, when, ...plain } = set;
  const { startZone, endZone } = fields.when;
  // An occurrence is in the zone of its series, unless it says otherwise.
  const times =
    when === undefined || !isDeepStrictEqual([when.startZone, when.endZone], [startZone, endZone])
      ? when
      : { ...when, startZone: null, endZone: null };
  const written = times === undefined ? plain : { ...plain, when: times };
  const asIt = Object.keys(written).length === 0 && (own !== undefined || attachments.size > 0);
  // Only what is an exception can have attachments of its own.
  const updated = writeParts(asIt ? { subject: fields.subject } : written, {
    version,
    isOccurrence: true,
    signalAt: null,
  });
  return updated.length === 0 ? null : rawXml(writeEventUpdates(updated));
}

const update = (
  tools: CalendarTools,
  steps: readonly { readonly change: ItemChange }[],
  onlyExpected: boolean,
  context: Context,
): Promise<readonly (Written | null | Fault)[]> =>
  eachInPlace(
    steps.map(({ change }) => change),
    (changes) => tools.call(updateItems, { changes, onlyExpected }, context),
  );

async function checkVersions(
  tools: CalendarTools,
  wanted: readonly { readonly at: number; readonly master: ItemId; readonly expect: Version }[],
  faults: (null | Fault)[],
  context: Context,
): Promise<void> {
  const seen = await seeEvents(
    tools,
    wanted.map(({ master }) => master),
    context,
  );
  for (const [n, { at, expect }] of wanted.entries()) {
    const now = seen[n] ?? missing;
    if (isFault(now)) faults[at] = now;
    else if (now.head.version !== expect)
      faults[at] = { kind: 'stale', detail: 'the series is at another version than expected' };
  }
}

async function putOccurrenceAttachments(
  tools: CalendarTools,
  reader: AttachmentReader,
  work: SeriesWork,
  context: Context,
): Promise<void> {
  const [event = missing] = await seeEvents(tools, [work.master], context);
  if (isFault(event)) throw new FaultError(event);
  const days = new Set(work.attachments.keys());
  for (const { day, at, listed } of await seeOccurrences(tools, event, work.recurrence, days, context)) {
    const present = (await reader.heads(listed, context)).map((one) => {
      if (isFault(one)) throw new FaultError(one);
      return one;
    });
    await putAttachments(tools.call, at, present, work.attachments.get(day) ?? [], work.contents, context);
  }
}
