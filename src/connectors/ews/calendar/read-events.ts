import { isDeepStrictEqual } from 'node:util';
import { dayOfOriginalStart, occurrenceSpan, zoneOfSeries } from '#formats/occurrences.ts';
import { child, children, childText, type XmlElement } from '#formats/text/xml-read.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import {
  type AttachmentHead,
  type EventFields,
  type ModifiedOccurrence,
  type OccurrenceOverrides,
  occurrenceStateFlags,
  type When,
} from '#model/appointment.ts';
import type { ItemId, Version } from '#model/ids.ts';
import type { Instant } from '#model/mail.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TypedHead, TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { Context, Written } from '../../contract.ts';
import { headless, missing } from '../answer-faults.ts';
import { readTime } from '../ews-time.ts';
import { itemIdOf } from '../mail-codec.ts';
import { typesNamespace } from '../namespaces.ts';
import type { GotItem } from '../operations/get-item.ts';
import type { SchemaVersion } from '../server-version.ts';
import {
  type AttachmentReader,
  attachmentsPath,
  type ListedAttachment,
  listedAttachments,
  type ReadAttachment,
} from '../typed/attachments.ts';
import { getItems } from '../typed/get-items.ts';
import { shownItem } from '../typed/shown-item.ts';
import { eventHeadPaths, readTypedHead } from '../typed-heads.ts';
import type { CalendarTools } from './calendar-tools.ts';
import { eventPaths, occurrencePlainFields, type ReadFields, readFields } from './event-codec.ts';

const exceptionPaths = ['ModifiedOccurrences', 'DeletedOccurrences']
  .map((name) => `<t:FieldURI FieldURI="calendar:${name}"/>`)
  .join('');
const masterPaths = (version: SchemaVersion): string =>
  eventHeadPaths + eventPaths(version) + exceptionPaths + attachmentsPath;
const occurrencePaths = (version: SchemaVersion): string => eventPaths(version) + attachmentsPath;

/** An item before its occurrences and attachments are looked at. */
export interface SeenEvent {
  readonly head: TypedHead;
  readonly read: ReadFields;
  readonly modified: readonly { readonly id: ItemId; readonly originalStart: Instant }[];
  readonly deleted: readonly Instant[];
  readonly listed: readonly ListedAttachment[];
}

/** A modified occurrence as the server has it now. */
export interface SeenOccurrence {
  readonly day: Day;
  /** Its own id, under which it is read and its attachments are written. */
  readonly at: Written;
  readonly listed: readonly ListedAttachment[];
}

const corrupt = (detail: string): Fault => ({ kind: 'poison', reason: 'corrupt', detail });

/** Masters and singles, one request a batch. */
export async function seeEvents(
  tools: CalendarTools,
  ids: readonly ItemId[],
  context: Context,
): Promise<readonly (SeenEvent | Fault)[]> {
  await tools.knowVersion(context);
  const got = await getItems(tools.call, ids, masterPaths(tools.version), context);
  return got.map((answer) => (isFault(answer) ? answer : seenEvent(answer.item)));
}

function seenEvent(item: XmlElement): SeenEvent | Fault {
  const head = readTypedHead(item, null);
  if (head === null) return headless;
  const read = readFields(shownItem(item));
  const [unreadable] = read.unreadable;
  if (unreadable !== undefined) return corrupt(`the server shows no ${unreadable} that can be read`);
  const { recurrence, when } = read.fields;
  // A single event is where it is, whatever its zone says; of a series nobody could tell when it takes place.
  if (recurrence !== null && clockOf(zoneOfSeries(when)).problem === 'broken-rules')
    return corrupt('the rules of the time zone in which it repeats make no sense');
  return {
    head,
    read,
    modified: listIn(item, 'ModifiedOccurrences', 'Occurrence').flatMap((one) => {
      const ids = itemIdOf(one);
      const originalStart = readTime(childText(one, typesNamespace, 'OriginalStart') ?? '');
      return ids === null || originalStart === undefined ? [] : [{ id: ids.id, originalStart }];
    }),
    deleted: listIn(item, 'DeletedOccurrences', 'DeletedOccurrence').flatMap(
      (one) => readTime(childText(one, typesNamespace, 'Start') ?? '') ?? [],
    ),
    listed: listedAttachments(item, head.version),
  };
}

function listIn(item: XmlElement, list: string, name: string): readonly XmlElement[] {
  const found = child(item, typesNamespace, list);
  return found === null ? [] : children(found, typesNamespace, name);
}

/** Reads of a series that somebody goes on writing. */
const readsMax = 3;

/**
 * Complete items: what `seeEvents` shows, all modified occurrences of the batch in one more request, and hashes of attachments. A series that
 * somebody wrote between the two requests is read again: its own values of before with occurrences of now are what it never was.
 */
export async function readEvents(
  tools: CalendarTools,
  attachments: AttachmentReader,
  ids: readonly ItemId[],
  context: Context,
): Promise<ReadonlyMap<ItemId, TypedItem<'calendar'> | Fault>> {
  const found = new Map<ItemId, TypedItem<'calendar'> | Fault>();
  const versions = new Map<ItemId, Version>();
  let wanted = ids;
  for (let n = 0; n < readsMax && wanted.length > 0; n++) {
    const torn: ItemId[] = [];
    for (const [id, { item, tornAt }] of await readOnce(tools, attachments, wanted, context)) {
      // Not changed since the last look, whatever its occurrences bear: then that is how this server shows them.
      const isTorn = tornAt !== null && tornAt !== versions.get(id);
      if (isTorn) {
        torn.push(id);
        versions.set(id, tornAt);
      }
      found.set(id, isTorn ? { kind: 'stale', detail: 'a series was changed while its occurrences were read' } : item);
    }
    wanted = torn;
  }
  return found;
}

interface OnceRead {
  readonly item: TypedItem<'calendar'> | Fault;
  /** Version of a series whose occurrences are at another one; null: all are at the same, as they are unless somebody writes in between. */
  readonly tornAt: Version | null;
}

async function readOnce(
  tools: CalendarTools,
  attachments: AttachmentReader,
  ids: readonly ItemId[],
  context: Context,
): Promise<ReadonlyMap<ItemId, OnceRead>> {
  const seen = await seeEvents(tools, ids, context);
  const wanted = seen.flatMap((event) => (isFault(event) ? [] : event.modified));
  const got = await getItems(
    tools.call,
    wanted.map(({ id }) => id),
    occurrencePaths(tools.version),
    context,
  );
  const occurrences = new Map(wanted.map(({ id }, at) => [id, got[at] ?? missing] as const));

  const listed = [
    ...seen.flatMap((event) => (isFault(event) ? [] : event.listed)),
    ...got.flatMap((answer) => (isFault(answer) ? [] : listedAttachments(answer.item, versionIn(answer.item)))),
  ];
  const heads = await attachments.heads(listed, context);
  const byMark = new Map(listed.map(({ mark }, at) => [mark, heads[at] ?? missing] as const));
  return new Map(
    ids.map((id, at): readonly [ItemId, OnceRead] => {
      const event = seen[at] ?? missing;
      if (isFault(event)) return [id, { item: event, tornAt: null }];
      const tornAt = isTorn(event, occurrences) ? event.head.version : null;
      return [id, { item: assembled(event, occurrences, byMark), tornAt }];
    }),
  );
}

/**
 * A series and its occurrences have the same change key, which changes with any of them.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/occurrenceitemid
 */
const isTorn = ({ head, modified }: SeenEvent, got: ReadonlyMap<ItemId, GotItem | Fault>): boolean =>
  modified.some(({ id }) => {
    const answer = got.get(id) ?? missing;
    return isFault(answer) ? answer.kind === 'gone' : versionIn(answer.item) !== head.version;
  });

const versionIn = (item: XmlElement): Version => itemIdOf(item)?.version ?? ('' as Version);

function assembled(
  event: SeenEvent,
  got: ReadonlyMap<ItemId, GotItem | Fault>,
  byMark: ReadonlyMap<string, ReadAttachment | Fault>,
): TypedItem<'calendar'> | Fault {
  const own = headsOf(event.listed, byMark);
  if (isFault(own)) return own;
  const fields: EventFields = { ...event.read.fields, attachments: own };
  const extras = [...event.read.extras];
  const { recurrence } = fields;
  const base = { kind: 'calendar', head: event.head, fields } as const;
  if (recurrence === null) return { ...base, occurrences: [], deletedDays: [], extras };
  const series = { when: fields.when, recurrence };
  const occurrences = new Map<Day, ModifiedOccurrence>();
  for (const { id, originalStart } of event.modified) {
    const answer = got.get(id) ?? missing;
    if (isFault(answer)) {
      // An occurrence that is not there says nothing about its series.
      if (answer.kind === 'gone') return { kind: 'stale', detail: 'an occurrence of a series was not to be read' };
      return answer;
    }
    const read = readFields(shownItem(answer.item));
    if (read.unreadable.includes('when')) return corrupt('an occurrence shows no times that can be read');
    const listed = headsOf(listedAttachments(answer.item, versionIn(answer.item)), byMark);
    if (isFault(listed)) return listed;
    const day = dayOfOriginalStart(series, originalStart);
    extras.push(...read.extras);
    occurrences.set(day, {
      day,
      overrides: overridesOf(
        fields,
        {
          ...read.fields,
          attachments: listed,
          stateFlags: occurrenceStateFlags(fields.stateFlags, read.fields.stateFlags),
        },
        { day, originalStart },
      ),
    });
  }
  const deleted = new Set(event.deleted.map((start) => dayOfOriginalStart(series, start)));
  return {
    ...base,
    occurrences: [...occurrences.values()].sort((a, b) => (a.day < b.day ? -1 : 1)),
    deletedDays: [...deleted].filter((day) => !occurrences.has(day)).sort(),
    extras,
  };
}

function headsOf(
  listed: readonly ListedAttachment[],
  byMark: ReadonlyMap<string, ReadAttachment | Fault>,
): readonly AttachmentHead[] | Fault {
  const heads: AttachmentHead[] = [];
  for (const { mark } of listed) {
    const found = byMark.get(mark) ?? missing;
    if (isFault(found)) return found;
    heads.push(found.head);
  }
  return heads;
}

/** What an occurrence has that its series has not. */
function overridesOf(
  series: EventFields,
  own: EventFields,
  place: { readonly day: Day; readonly originalStart: Instant },
): OccurrenceOverrides {
  const overrides: Record<string, unknown> = {};
  for (const field of [...occurrencePlainFields, 'attachments'] as const) {
    if (field === 'when') continue;
    if (!isDeepStrictEqual(own[field], series[field])) overrides[field] = own[field];
  }
  if (!isInPlace(series.when, own.when, place))
    overrides['when'] = {
      ...own.when,
      startZone: own.when.startZone ?? series.when.startZone,
      endZone: own.when.endZone ?? series.when.endZone,
    };
  return overrides;
}

/** Whether an occurrence takes place when the pattern says. Servers count nights of a clock change by their own rules. */
function isInPlace(
  series: When,
  own: When,
  { day, originalStart }: { readonly day: Day; readonly originalStart: Instant },
): boolean {
  const same = (a: unknown, b: unknown) => a === null || isDeepStrictEqual(a, b);
  if (own.isAllDay !== series.isAllDay || !same(own.startZone, series.startZone) || !same(own.endZone, series.endZone))
    return false;
  const span = occurrenceSpan(series, day);
  return (
    (own.start === span.start && own.end === span.end) ||
    (own.start === originalStart && own.end - own.start === series.end - series.start)
  );
}

/** Modified occurrences of one series by their ids, with their attachments. `gone` ones are left out. */
export async function seeOccurrences(
  tools: CalendarTools,
  event: SeenEvent,
  recurrence: Recurrence,
  days: ReadonlySet<Day>,
  context: Context,
): Promise<readonly SeenOccurrence[]> {
  const series = { when: event.read.fields.when, recurrence };
  const wanted = event.modified
    .map(({ id, originalStart }) => ({ id, day: dayOfOriginalStart(series, originalStart) }))
    .filter(({ day }) => days.has(day));
  const got = await getItems(
    tools.call,
    wanted.map(({ id }) => id),
    attachmentsPath,
    context,
  );
  return wanted.flatMap(({ day, id }, at) => {
    const answer = got[at] ?? missing;
    if (isFault(answer)) {
      if (answer.kind === 'gone') return [];
      throw new FaultError(answer);
    }
    const version = versionIn(answer.item);
    return [{ day, at: { id, version }, listed: listedAttachments(answer.item, version) }];
  });
}
