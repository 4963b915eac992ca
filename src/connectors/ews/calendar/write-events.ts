import {
  cleanGlobalObjectId as cleanIdOf,
  globalObjectId as idOf,
  uidOfIdentity,
} from '#formats/mapi/global-object-id.ts';
import { occurrenceSpan, reminderTimes } from '#formats/occurrences.ts';
import { escapeText, rawXml } from '#formats/text/xml-write.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { AttachmentContent, AttachmentHead, EventFields, OccurrenceOverrides } from '#model/appointment.ts';
import { clientIntent, isReceived, keptInStep } from '#model/client-intent.ts';
import { eventProperties } from '#model/event-properties.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { Instant, RawProperty } from '#model/mail.ts';
import type { TypedDraft, TypedEdit, TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { Context, TypedWritten, Written } from '../../contract.ts';
import { missing, noId } from '../answer-faults.ts';
import { eachInPlace, faultsInPlace } from '../batches.ts';
import { propertyKey } from '../extended-fields.ts';
import { itemIdOf, stampProperty } from '../mail-codec.ts';
import { createItems } from '../operations/create-item.ts';
import { updateItems } from '../operations/update-item.ts';
import { type AttachmentReader, putAttachments } from '../typed/attachments.ts';
import { getItems } from '../typed/get-items.ts';
import { extendedPart, type Part, receiptParts, typedPart } from '../typed/parts.ts';
import { keptRecurrence } from '../typed/recurrence-codec.ts';
import { isPassing, takeAway, thereAllTheSame } from '../typed/take-away.ts';
import type { CalendarTools } from './calendar-tools.ts';
import { intentPart } from './client-intent.ts';
import { writeEvent, writeEventUpdates, writeParts } from './event-codec.ts';
import { cleanGlobalObjectId, globalObjectId } from './identity.ts';
import { seeEvents } from './read-events.ts';
import { removeEvents } from './remove-events.ts';
import { unkeptOf } from './unkept.ts';
import { needsStream, uploadEvents } from './upload-events.ts';
import { type SeriesWork, strayDaysOf, writeOccurrences } from './write-occurrences.ts';

type Draft = TypedDraft<'calendar'>;
type Item = TypedItem<'calendar'>;
type Edit = TypedEdit<'calendar'>;

/** What follows the first write of an item: its attachments, then its occurrences. */
interface FollowUp {
  /** Where the item is after the first write. */
  readonly written: Written;
  readonly attachments: {
    readonly wanted: readonly AttachmentHead[];
    readonly contents: ReadonlyMap<string, AttachmentContent>;
    /** Then it has none yet. */
    readonly isNew: boolean;
  } | null;
  readonly work: SeriesWork | null;
}

const byHash = (contents: readonly AttachmentContent[]) =>
  new Map(contents.map((one) => [one.head.hash, one] as const));

/** Creates events, each whole: by stream what only a stream can say, everything else field by field. */
export async function createEvents(
  tools: CalendarTools,
  reader: AttachmentReader,
  folder: FolderId,
  wanted: readonly Draft[],
  context: Context,
): Promise<readonly (TypedWritten | Fault)[]> {
  await tools.knowVersion(context);
  const drafts = wanted.map(withIntent);
  const streamed = drafts.filter((draft) => needsStream(tools, draft));
  const uploaded = await uploadEvents(tools, reader, folder, streamed, context);
  const byDraft = new Map(streamed.map((draft, at) => [draft, uploaded[at] ?? null] as const));
  const rest = drafts.filter((draft) => (byDraft.get(draft) ?? null) === null);
  const create = () => createByFields(tools, reader, folder, rest, context);
  // With some uploaded, the others fail by themselves, or all would be taken for undone.
  const created = rest.length < drafts.length ? await faultsInPlace(rest, create) : await create();
  for (const [at, draft] of rest.entries()) byDraft.set(draft, created[at] ?? missing);
  return drafts.map((draft) => byDraft.get(draft) ?? missing);
}

/** Differences between somebody else's meeting and this copy of it are none that an assistant should undo. */
function withIntent(draft: Draft): Draft {
  const { item } = draft;
  const intent = { property: clientIntent, values: [String(keptInStep)] };
  return isReceived(item.fields) ? { ...draft, item: { ...item, extras: [...item.extras, intent] } } : draft;
}

/**
 * What is refused before it is whole is taken away again, recoverably, unless somebody wrote into it. What failed for a passing reason
 * stays, to be completed. The fault is in its place.
 */
async function createByFields(
  tools: CalendarTools,
  reader: AttachmentReader,
  folder: FolderId,
  drafts: readonly Draft[],
  context: Context,
): Promise<readonly (TypedWritten | Fault)[]> {
  const answers = await eachInPlace(drafts, (some) =>
    tools.call(createItems, { folder, items: some.map((draft) => rawXml(createXml(tools, draft))) }, context),
  );
  const made = drafts.map((draft, at): FollowUp | Fault => {
    const written = answers[at] ?? noId;
    return isFault(written) ? written : followUpOfDraft(tools, written, draft);
  });
  const finished = await finish(tools, reader, made, context);
  const refused = made.flatMap((up, at) => {
    const now = finished[at] ?? missing;
    return !isFault(up) && isFault(now) && !isPassing(now) ? [up.written] : [];
  });
  await takeAway(removeEvents(tools), refused, context);
  return drafts.map(({ item }, at) => {
    const [up = missing, now = missing] = [made[at], finished[at]];
    if (isFault(up)) return up;
    if (!isFault(now)) return { ...now, unkept: lossesOf(tools, item.fields, up.work) };
    return thereAllTheSame(now);
  });
}

/** Properties that the table has; extras are what is beside it. */
const ownProperties = new Set(
  Object.values(eventProperties).flatMap(({ mapi }) => mapi.map((property) => propertyKey(property))),
);

/** Everything that makes the item what it is, in one request: identity, stamp, relation to the organizer. */
function createXml(tools: CalendarTools, { item, stamp }: Draft): string {
  const { head, fields, extras } = item;
  const { identity } = head;
  const parts: readonly Part[] = [
    // A class of its own may be a form that the other side lacks; it is an appointment all the same.
    ...(/^ipm\.appointment\../i.test(head.itemClass) ? [typedPart('item:ItemClass', escapeText(head.itemClass))] : []),
    extendedPart(stampProperty, stamp),
    ...(identity === null
      ? []
      : [
          typedPart('calendar:UID', escapeText(uidOfIdentity(identity))),
          extendedPart(globalObjectId, idOf(identity, null).toString('base64')),
          extendedPart(cleanGlobalObjectId, cleanIdOf(identity).toString('base64')),
        ]),
    ...writeParts(fields, { version: tools.version, isOccurrence: false, signalAt: signalAt(item, tools.nowMs()) }),
    ...extras.flatMap(extraPart),
  ];
  return writeEvent(parts);
}

/** Named properties that no field stands for. Tags are the server's own business, and what could not be read is not written. */
function extraPart({ property, values }: RawProperty): readonly Part[] {
  if ('tag' in property || ownProperties.has(propertyKey(property))) return [];
  if (property.type === 'strings') return [extendedPart(property, values)];
  const [value] = values;
  return value === undefined || values.length > 1 ? [] : [extendedPart(property, value)];
}

/** PidLidReminderSignalTime of a reminder that never rings again. [MS-OXORMDR] 2.2.1.4 */
const neverAgain: Instant = Date.UTC(4501, 0, 1);

/** When the reminder rings next: one of the past does not, or a first logon would ring them all. */
function signalAt(item: Pick<Item, 'fields' | 'occurrences' | 'deletedDays'>, nowMs: number): Instant | null {
  const { isSet, minutesBefore } = item.fields.reminder;
  if (!isSet) return null;
  const { start, signal } = reminderTimes(item, minutesBefore, nowMs);
  return start < nowMs ? neverAgain : signal;
}

function followUpOfDraft({ version }: CalendarTools, written: Written, draft: Draft): FollowUp {
  const { fields, occurrences, deletedDays } = draft.item;
  const contents = byHash(draft.attachments);
  const { recurrence } = fields;
  const attachments = fields.attachments.length === 0 ? null : { wanted: fields.attachments, contents, isNew: true };
  if (recurrence === null || (occurrences.length === 0 && deletedDays.length === 0))
    return { written, attachments, work: null };
  const modifies = occurrences.map(({ day, overrides }) => ({ day, set: overrides }));
  return {
    written,
    attachments,
    work: {
      master: written.id,
      fields,
      recurrence: keptRecurrence(recurrence, version),
      expect: null,
      deletes: deletedDays,
      modifies,
      attachments: attachmentsOfDays(fields, modifies),
      contents: new Map([
        ...contents,
        ...[...draft.occurrenceAttachments.values()].flatMap((some) => [...byHash(some)]),
      ]),
    },
  };
}

/**
 * Attachments that modified days are to have. Whether an exception begins with those of its series is not documented, so with any in
 * play all days are made sure of.
 */
function attachmentsOfDays(
  fields: EventFields,
  modifies: SeriesWork['modifies'],
): ReadonlyMap<Day, readonly AttachmentHead[]> {
  return new Map(
    modifies.flatMap(({ day, set }) =>
      set.attachments !== undefined || (fields.attachments.length > 0 && Object.keys(set).length > 0)
        ? [[day, set.attachments ?? fields.attachments] as const]
        : [],
    ),
  );
}

/** Carries out what follows; in place where each item is now, or the first thing that went wrong with it. */
async function finish(
  tools: CalendarTools,
  reader: AttachmentReader,
  ups: readonly (FollowUp | Fault)[],
  context: Context,
): Promise<readonly (Written | Fault)[]> {
  const results: (Written | Fault)[] = ups.map((up) => (isFault(up) ? up : up.written));
  /** Whose version only the server knows. */
  const moved = new Set<number>();
  for (const [at, up] of ups.entries()) {
    if (isFault(up) || up.attachments === null) continue;
    const { wanted, contents, isNew } = up.attachments;
    await orFault(results, [at], async () => {
      const present = isNew ? [] : await presentAttachments(tools, reader, up.written.id, context);
      if ((await putAttachments(tools.call, up.written, present, wanted, contents, context)) !== null) moved.add(at);
    });
  }
  const working = ups.flatMap((up, at) =>
    isFault(up) || up.work === null || isFault(results[at]) ? [] : [{ at, work: up.work }],
  );
  await orFault(
    results,
    working.map(({ at }) => at),
    async () => {
      const answers = await writeOccurrences(
        tools,
        reader,
        working.map(({ work, at }) => (moved.has(at) ? { ...work, expect: null } : work)),
        context,
      );
      for (const [n, { at, work }] of working.entries()) {
        const answer = answers[n] ?? missing;
        moved.add(at);
        if (isFault(answer)) results[at] = answer;
        else if (answer.version !== null) {
          moved.delete(at);
          results[at] = { id: work.master, version: answer.version };
        }
      }
    },
  );
  const changed = [...moved].filter((at) => !isFault(results[at]));
  await orFault(results, changed, async () => {
    const ids = changed.flatMap((at) => {
      const result = results[at];
      return result === undefined || isFault(result) ? [] : [result.id];
    });
    const now = await getItems(tools.call, ids, '<t:FieldURI FieldURI="item:ItemClass"/>', context);
    for (const [n, at] of changed.entries()) {
      const answer = now[n] ?? missing;
      results[at] = isFault(answer) ? answer : (itemIdOf(answer.item) ?? noId);
    }
  });
  return results;
}

/** A request that fails as a whole after others were done has its fault in the place of each item, so that nobody repeats the others. */
async function orFault(results: (Written | Fault)[], at: readonly number[], work: () => Promise<void>): Promise<void> {
  if (at.length === 0) return;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    for (const one of at) if (!isFault(results[one])) results[one] = error.fault;
  }
}

async function presentAttachments(tools: CalendarTools, reader: AttachmentReader, id: ItemId, context: Context) {
  const [event = missing] = await seeEvents(tools, [id], context);
  if (isFault(event)) throw new FaultError(event);
  return (await reader.heads(event.listed, context)).map((one) => {
    if (isFault(one)) throw new FaultError(one);
    return one;
  });
}

function lossesOf(
  { version, address }: CalendarTools,
  written: Partial<EventFields>,
  work: SeriesWork | null,
): TypedWritten['unkept'] {
  const to = { version, owner: address };
  const unkept: Record<string, string> = { ...unkeptOf(written, to) };
  for (const { set } of work?.modifies ?? [])
    for (const [field, what] of Object.entries(unkeptOf(set, to))) unkept[field] ??= what;
  const stray = work === null ? 0 : strayDaysOf(work).length;
  return stray === 0 ? unkept : { ...unkept, occurrences: `${stray} days that the pattern does not have` };
}

/** The organizer is written at creation and never after; invitations that were sent stay sent ([MS-OXOCAL] 2.2.4.4). */
const isSettled = (field: string, item: Item): boolean =>
  field === 'organizer' || (field === 'invited' && item.fields.invited);

/** Changes events that are at the version expected; `stale` in place of others. */
export async function updateEvents(
  tools: CalendarTools,
  reader: AttachmentReader,
  edits: readonly { readonly item: Item; readonly edit: Edit }[],
  context: Context,
): Promise<readonly (TypedWritten | Fault)[]> {
  await tools.knowVersion(context);
  const plans = edits.map(({ item, edit }) => planOf(tools, item, edit));
  const writing = plans.flatMap((plan, at) => (plan.parts.length === 0 ? [] : [{ at, plan }]));
  const answers = await eachInPlace(writing, (some) =>
    tools.call(
      updateItems,
      {
        onlyExpected: true,
        changes: some.map(({ plan: { item, parts } }) => ({
          ref: item.head.id,
          expect: item.head.version,
          updates: rawXml(writeEventUpdates(parts)),
        })),
      },
      context,
    ),
  );
  const first: (Written | Fault)[] = plans.map(({ item }) => ({ id: item.head.id, version: item.head.version }));
  for (const [n, { at }] of writing.entries()) first[at] = answers[n] ?? noId;
  const finished = await finish(
    tools,
    reader,
    plans.map(({ attachments, work }, at) => {
      const written = first[at] ?? missing;
      if (isFault(written)) return written;
      // What this call wrote itself is no reason to stop; what somebody wrote after it is.
      return { written, attachments, work: work && { ...work, expect: written.version } };
    }),
    context,
  );
  return plans.map(({ written, parts, work }, at) => {
    const now = finished[at] ?? missing;
    if (!isFault(now)) return { ...now, unkept: lossesOf(tools, written, work) };
    return parts.length > 0 && !isFault(first[at]) ? thereAllTheSame(now) : now;
  });
}

interface UpdatePlan {
  readonly item: Item;
  readonly written: Partial<EventFields>;
  readonly parts: readonly Part[];
  readonly attachments: FollowUp['attachments'];
  readonly work: SeriesWork | null;
}

function planOf(tools: CalendarTools, item: Item, edit: Edit): UpdatePlan {
  const { attachments, ...set } = edit.set;
  const after: EventFields = { ...item.fields, ...edit.set };
  const wasSeries = item.fields.recurrence !== null;
  const bringsBack = edit.occurrences.some(({ day, do: what }) => what === 'modify' && item.deletedDays.includes(day));
  // A deleted occurrence comes back only with a new pattern, even when that says the same.
  const reshapes =
    after.recurrence !== null && (set.recurrence !== undefined || (wasSeries && set.when !== undefined) || bringsBack);
  const wanted =
    reshapes && bringsBack && set.recurrence === undefined && set.when === undefined
      ? everyDay(item, edit)
      : edit.occurrences;
  const rings = set.reminder !== undefined || set.when !== undefined || set.recurrence !== undefined;
  const written: Partial<EventFields> = {
    ...Object.fromEntries(Object.entries(set).filter(([field]) => !isSettled(field, item))),
    ...(reshapes ? { when: after.when, recurrence: after.recurrence } : {}),
    ...(rings && after.reminder.isSet ? { reminder: after.reminder } : {}),
  };
  const parts = [
    ...writeParts(written, {
      version: tools.version,
      isOccurrence: false,
      signalAt: signalAt({ ...item, fields: after }, tools.nowMs()),
    }),
    ...receiptParts(edit),
  ];
  const isMeant = isReceived(item.fields) && (parts.length > 0 || edit.occurrences.length > 0);
  return {
    item,
    written: edit.set,
    parts: isMeant ? [...parts, intentPart(keptInStep)] : parts,
    attachments: attachments === undefined ? null : { wanted: attachments, contents: edit.attachments, isNew: false },
    work: workOfEdit(tools, {
      item,
      after,
      wanted,
      reshapes,
      edit,
    }),
  };
}

/** All days that an item is to have for itself after an edit that names only some. */
function everyDay(item: Item, edit: Edit): Edit['occurrences'] {
  const named = new Set(edit.occurrences.map(({ day }) => day));
  return [
    ...item.deletedDays.filter((day) => !named.has(day)).map((day) => ({ day, do: 'delete' as const })),
    ...item.occurrences
      .filter(({ day }) => !named.has(day))
      .map(({ day, overrides }) => ({ day, do: 'modify' as const, overrides })),
    ...edit.occurrences,
  ];
}

function workOfEdit(
  { version }: CalendarTools,
  {
    item,
    after,
    wanted,
    reshapes,
    edit,
  }: {
    readonly item: Item;
    readonly after: EventFields;
    readonly wanted: Edit['occurrences'];
    readonly reshapes: boolean;
    readonly edit: Edit;
  },
): SeriesWork | null {
  const { recurrence } = after;
  if (recurrence === null || wanted.length === 0) return null;
  const modifies = wanted.flatMap((one) =>
    one.do === 'delete'
      ? []
      : [{ day: one.day, set: reshapes ? one.overrides : withReturns(item, after, one.day, one.overrides) }],
  );
  return {
    master: item.head.id,
    fields: after,
    recurrence: keptRecurrence(recurrence, version),
    expect: item.head.version,
    deletes: wanted.flatMap((one) => (one.do === 'delete' ? [one.day] : [])),
    modifies,
    attachments: attachmentsOfDays(after, modifies),
    contents: edit.attachments,
  };
}

/** What was different before and is not any more takes the value of the series: EWS has no way to say "as the series". */
function withReturns(item: Item, after: EventFields, day: Day, overrides: OccurrenceOverrides): OccurrenceOverrides {
  const before = item.occurrences.find((one) => one.day === day)?.overrides ?? {};
  const returned = Object.fromEntries(
    Object.keys(before)
      .filter((field) => !(field in overrides))
      .map((field) => [
        field,
        field === 'when' ? { ...after.when, ...occurrenceSpan(after.when, day) } : after[field as keyof EventFields],
      ]),
  );
  return { ...returned, ...overrides };
}
