import { hash } from 'node:crypto';
import { must } from '#kit/assert.ts';
import type { Random } from '#kit/random.ts';
import { cleanIdOf, datedId, idDayOf, numberOf, propertyText, propertyValue } from '#lab/meetings/meeting-view.ts';
import type { Meetings } from '#lab/meetings/meetings.ts';
import { showing } from '#lab/meetings/occurrences.ts';
import { deleteOccurrence, occurrenceItem, patternTimes, updateOccurrence } from '#lab/world/appointment.ts';
import { calendarKey } from '#lab/world/calendar-keys.ts';
import { type CalendarException, responses } from '#lab/world/calendar-part.ts';
import type { Folder } from '#lab/world/folder.ts';
import { folderIdOf, itemIdOf } from '#lab/world/ids.ts';
import type { Item, ItemContent } from '#lab/world/item.ts';
import type { Hand, Mailbox } from '#lab/world/mailbox.ts';
import { appointmentOf } from '#lab/world/make-appointment.ts';
import { key, messageFlag, type Property, type PropertyKey } from '#lab/world/property.ts';
import { dayNumber } from '#lab/world/recurrence.ts';
import { utc, wallOf, windowsZone, type Zone } from '#lab/world/zone.ts';
import type { Attendee, EventFields, EventIdentity, MeetingResponse, OccurrenceFields } from '#model/appointment.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { SimulatedCalendar, SimulatedEvent } from '../calendar/simulated-calendar.ts';
import { modelRecurrence, serverRecurrence } from './lab-recurrence.ts';

const DAY_MS = 86_400_000;
const showAsWords = ['free', 'tentative', 'busy', 'oof', 'working-elsewhere'] as const;
const sensitivities = ['normal', 'personal', 'private', 'confidential'] as const;
const importances = ['low', 'normal', 'high'] as const;
const responseWords = ['unknown', 'organizer', 'tentative', 'accept', 'decline', 'none'] as const;

const bool = (value: boolean): Property => ({ type: 'Boolean', value });
const integer = (value: number): Property => ({ type: 'Integer', value });
const text = (value: string): Property => ({ type: 'String', value });
const time = (value: number): Property => ({ type: 'SystemTime', value });
const timeOrNone = (value: number | null): Property | null => (value === null ? null : time(value));

type Write<T> = (value: T) => Readonly<Record<PropertyKey, Property | null>>;

/** Where the store keeps each plain field, written down a second time: what is checked must not check itself. */
const places: { readonly [F in keyof EventFields]?: Write<EventFields[F]> } = {
  subject: (value) => ({ [key.subject]: text(value), [key.normalizedSubject]: text(value) }),
  location: (value) => ({ [calendarKey.location]: text(value) }),
  reminder: ({ isSet, minutesBefore }) => ({
    [key.reminderSet]: bool(isSet),
    [calendarKey.reminderMinutes]: integer(minutesBefore),
  }),
  showAs: (value) => ({ [calendarKey.busyStatus]: integer(showAsWords.indexOf(value)) }),
  sensitivity: (value) => ({ [key.sensitivity]: integer(sensitivities.indexOf(value)) }),
  importance: (value) => ({ [key.importance]: integer(importances.indexOf(value)) }),
  categories: (value) => ({ [key.keywords]: value.length === 0 ? null : { type: 'StringArray', value: [...value] } }),
  myResponse: (value) => ({ [calendarKey.response]: integer(responseWords.indexOf(value)) }),
  myResponseAt: (value) => ({ [calendarKey.repliedAt]: timeOrNone(value) }),
  responseRequested: (value) => ({ [calendarKey.responseRequested]: bool(value) }),
  allowNewTimeProposal: (value) => ({ [calendarKey.noCounterProposal]: bool(!value) }),
  stateFlags: (value) => ({ [calendarKey.stateFlags]: integer(value) }),
  invited: (value) => ({ [calendarKey.fInvited]: bool(value) }),
  sequence: (value) => ({ [calendarKey.sequence]: integer(value) }),
  ownerCriticalChangeAt: (value) => ({ [calendarKey.ownerCriticalChange]: timeOrNone(value) }),
  attendeeCriticalChangeAt: (value) => ({ [calendarKey.attendeeCriticalChange]: timeOrNone(value) }),
  intendedShowAs: (value) => ({
    [calendarKey.intendedBusyStatus]: value === null ? null : integer(showAsWords.indexOf(value)),
  }),
};

const zoneOf = (zone: { readonly id: string } | null | undefined): Zone => windowsZone(zone?.id ?? '') ?? utc;

/** What an appointment, or an occurrence of one, shows. */
function fieldsOf(content: ItemContent): EventFields {
  const part = must(content.calendar, 'an appointment');
  const number = (at: PropertyKey) => numberOf(content, at);
  const flag = (at: PropertyKey, absent: boolean) => (propertyValue(content, at) ?? absent) === true;
  const start = number(calendarKey.start) ?? 0;
  const intended = number(calendarKey.intendedBusyStatus);
  return {
    subject: propertyText(content, key.subject),
    location: propertyText(content, calendarKey.location),
    when: {
      start,
      end: number(calendarKey.end) ?? start,
      isAllDay: flag(calendarKey.allDay, false),
      startZone: { id: part.startZone.id, rules: null },
      endZone: { id: part.endZone.id, rules: null },
    },
    body: { type: content.body?.type === 'HTML' ? 'html' : 'text', text: content.body?.text ?? '' },
    reminder: { isSet: flag(key.reminderSet, false), minutesBefore: number(calendarKey.reminderMinutes) ?? 0 },
    showAs: showAsWords[number(calendarKey.busyStatus) ?? 2] ?? 'busy',
    sensitivity: sensitivities[number(key.sensitivity) ?? 0] ?? 'normal',
    importance: importances[number(key.importance) ?? 1] ?? 'normal',
    categories: (propertyValue(content, key.keywords) ?? []) as readonly string[],
    attendees: part.attendees.map(
      ({ name, address, role, response, respondedAtMs }): Attendee => ({
        name,
        address,
        role,
        response: modelResponse(responses.indexOf(response)),
        respondedAt: respondedAtMs,
      }),
    ),
    attachments: (content.attachments ?? []).map(
      ({ name, contentType, contentId, isInline, content: bytes, itemXml }) => ({
        name,
        contentType,
        contentId,
        isInline,
        sizeBytes: bytes.length,
        hash: hash('sha256', bytes, 'hex').slice(0, 32),
        kind: itemXml === null ? 'file' : 'item',
      }),
    ),
    myResponse: modelResponse(number(calendarKey.response) ?? 0),
    myResponseAt: number(calendarKey.repliedAt),
    recurrence: part.recurrence === null ? null : modelRecurrence(part.recurrence),
    organizer: content.from,
    responseRequested: flag(calendarKey.responseRequested, true),
    allowNewTimeProposal: !flag(calendarKey.noCounterProposal, false),
    onlineMeetingUrl: null,
    stateFlags: number(calendarKey.stateFlags) ?? 0,
    invited: flag(calendarKey.fInvited, false),
    sequence: number(calendarKey.sequence) ?? 0,
    ownerCriticalChangeAt: number(calendarKey.ownerCriticalChange),
    attendeeCriticalChangeAt: number(calendarKey.attendeeCriticalChange),
    intendedShowAs: intended === null ? null : (showAsWords[intended] ?? null),
  };
}

const modelResponse = (number: number): MeetingResponse => responseWords[number] ?? 'unknown';

/** What a person's client writes for these fields; `when` and `recurrence` of a series are the caller's. */
function withFields(content: ItemContent, set: Partial<EventFields>): ItemContent {
  const part = must(content.calendar, 'an appointment');
  const properties = new Map(content.properties);
  const put = (at: PropertyKey, property: Property | null): void => {
    if (property === null) properties.delete(at);
    else properties.set(at, property);
  };
  for (const [field, value] of Object.entries(set) as [keyof EventFields, never][])
    for (const [at, property] of Object.entries(places[field]?.(value) ?? {})) put(at, property);
  const { when, body, attendees, organizer, attachments } = set;
  if (attachments !== undefined && attachments.length > 0) throw new Error('people of the lab attach nothing');
  if (when !== undefined) {
    put(calendarKey.start, time(when.start));
    put(calendarKey.end, time(when.end));
    put(calendarKey.allDay, bool(when.isAllDay));
  }
  return {
    ...content,
    properties,
    from: organizer === undefined ? content.from : organizer,
    body: body === undefined ? content.body : { type: body.type === 'html' ? 'HTML' : 'Text', text: body.text },
    calendar: {
      ...part,
      ...(attendees === undefined
        ? {}
        : {
            attendees: attendees.map(({ name, address, role, response, respondedAt }) => ({
              name,
              address,
              role,
              response: must(responses[responseWords.indexOf(response)], 'a response'),
              respondedAtMs: respondedAt,
            })),
          }),
    },
  };
}

/** A content with another time or pattern. A series loses what differed from the old one. [MS-OXOCAL] 3.1.4.7.3.5 */
function repeated(content: ItemContent, { when, recurrence }: Partial<EventFields>): ItemContent {
  const part = must(content.calendar, 'an appointment');
  const was = fieldsOf(content);
  const [nextWhen, next] = [when ?? was.when, recurrence === undefined ? was.recurrence : recurrence];
  const startZone = when === undefined ? part.startZone : zoneOf(when.startZone);
  const endZone = when === undefined ? part.endZone : zoneOf(when.endZone ?? when.startZone);
  if (next === null)
    return { ...content, calendar: { ...part, startZone, endZone, recurrence: null, exceptions: [], deletedDays: [] } };
  const midnight = Math.floor(wallOf(startZone, nextWhen.start) / DAY_MS) * DAY_MS;
  const made = serverRecurrence(next, {
    startOffsetMs: wallOf(startZone, nextWhen.start) - midnight,
    endOffsetMs: wallOf(startZone, nextWhen.end) - midnight,
  });
  const [start, end] = patternTimes(startZone, made, dayNumber(made.startDay));
  const timed = withFields(content, { when: { ...nextWhen, start, end } });
  return { ...timed, calendar: { ...part, startZone, endZone, recurrence: made, exceptions: [], deletedDays: [] } };
}

const ofOccurrence = [
  'subject',
  'location',
  'body',
  'reminder',
  'showAs',
  'sensitivity',
  'importance',
  'categories',
  'attendees',
  'attachments',
  'myResponse',
  'myResponseAt',
] as const satisfies readonly (keyof OccurrenceFields)[];

/** What an exception has for itself, where it is not what the series has. */
function overridesOf(series: ItemContent, exception: CalendarException): Partial<OccurrenceFields> {
  const own = fieldsOf(must(showing(series, exception.day), 'an exception is an occurrence'));
  const usual = fieldsOf(series);
  const part = must(series.calendar, 'an appointment');
  const found: Record<string, unknown> = {};
  for (const field of ofOccurrence)
    if (JSON.stringify(own[field]) !== JSON.stringify(usual[field])) found[field] = own[field];
  const [start, end] = patternTimes(part.startZone, must(part.recurrence, 'a series'), dayNumber(exception.day));
  if (own.when.start !== start || own.when.end !== end || own.when.isAllDay !== usual.when.isAllDay)
    found['when'] = own.when;
  return found;
}

function shown(item: Item): TypedItem<'calendar'> {
  const { content } = item;
  const cleanId = cleanIdOf(content);
  // Occurrences that are there without their series are events of their own, each of its day.
  const identity =
    cleanId === null
      ? null
      : Buffer.from(datedId(cleanId, idDayOf(content)), 'base64')
          .toString('hex')
          .toUpperCase();
  return {
    kind: 'calendar',
    head: {
      id: itemIdOf(item) as ItemId,
      version: String(item.cn) as Version,
      folder: folderIdOf(item.folder) as FolderId,
      itemClass: item.itemClass,
      identity: identity as EventIdentity | null,
      stamp: null,
      receipt: null,
      searchKey: item.searchKey,
      sizeBytes: item.sizeBytes,
      createdAt: item.createdAtMs,
      modifiedAt: item.modifiedAtMs,
    },
    fields: fieldsOf(content),
    occurrences: (content.calendar?.exceptions ?? []).flatMap((exception) => {
      const overrides = overridesOf(content, exception);
      return Object.keys(overrides).length === 0 ? [] : [{ day: exception.day as Day, overrides }];
    }),
    deletedDays: (content.calendar?.deletedDays ?? []) as readonly Day[],
    extras: [],
  };
}

/** Appointments that live in a folder, by arrival. */
const appointmentsIn = (folder: Folder): readonly Item[] =>
  [...folder.items()].filter((item) => /^ipm\.appointment(?:\.|$)/i.test(item.itemClass));

/** Calendars of a mailbox as its owner has them open: the default one first. */
function calendarFolders(box: Mailbox): readonly Folder[] {
  const root = box.folder('msgfolderroot');
  const trash = box.folder('deleteditems');
  return [...box.below(root)]
    .filter((one) => one.containerClass === 'IPF.Appointment' && one.kind === 'folder' && !one.isInside(trash))
    .sort((a, b) => Number(b.role === 'calendar') - Number(a.role === 'calendar') || a.no - b.no);
}

/** Copies of a meeting in any calendar of a mailbox. */
export const copiesOf = (box: Mailbox, cleanId: string): readonly Item[] =>
  calendarFolders(box)
    .flatMap(appointmentsIn)
    .filter(({ content }) => cleanIdOf(content) === cleanId);

/**
 * The calendars of a mailbox of the lab. Whatever their owner does is told to the machinery of meetings, as of somebody who sends nothing:
 * what leaves the mailbox because of it is somebody else's doing.
 */
export function labCalendar(box: Mailbox, meetings: Meetings, random: Random): SimulatedCalendar {
  const by: Hand = { caller: 'people', displayName: box.displayName };
  const { world } = box.organization;
  const folder = (id: FolderId): Folder => {
    const read = box.ids.read(id);
    return must(read === null ? null : box.folderByNo(read.no), 'a folder that is there');
  };
  const item = (id: ItemId): Item => {
    const read = box.ids.read(id);
    return must(read === null ? null : box.itemByNo(read.no), 'an item that is there');
  };
  const tell = (
    kind: 'created' | 'updated' | 'deleted',
    about: Item,
    day: Day | null,
    before: ItemContent | null,
    after: ItemContent | null,
  ): void => meetings.written({ kind, mailbox: box, item: about, day, before, after, choice: 'SendToNone', by });
  let counted = 0;
  let read = 0;
  return {
    address: box.address,
    folders: () => calendarFolders(box).map((one) => folderIdOf(one) as FolderId),
    events: () =>
      calendarFolders(box)
        .flatMap(appointmentsIn)
        .flatMap((one): SimulatedEvent[] => {
          const { head, ...rest } = shown(one);
          if (head.identity === null) return [];
          return [{ id: head.id, folder: head.folder, identity: head.identity, item: { head, ...rest } }];
        }),
    sent: () =>
      world.outbox
        .filter(({ doing, organization }) => doing === 'api' && organization === box.organization.name)
        .map(
          ({ cause, from, to, through }) => `${cause} from ${from} to ${to.join(', ')} through ${through ?? 'a call'}`,
        ),
    get commits() {
      for (const { mailbox } of world.journal.since(read)) if (mailbox === box.address) counted++;
      read = world.journal.length;
      return counted;
    },
    book(to, fields, identity) {
      const when = fields.when ?? { start: box.nowMs, end: box.nowMs, isAllDay: false, startZone: null, endZone: null };
      const zone = zoneOf(when.startZone);
      const plain = appointmentOf({
        subject: '',
        startMs: when.start,
        endMs: when.end,
        zone,
        organizer: { name: box.displayName, address: box.address },
        idFor: [box.guid, box.lastCn + 1, box.nowMs],
        ...(identity === null ? {} : { id: Buffer.from(identity, 'hex') }),
      });
      const content = repeated(withFields(plain, fields), { when, recurrence: fields.recurrence ?? null });
      const made = box.create(folder(to), { content, messageFlags: messageFlag.read, isRead: true }, by);
      tell('created', made, null, null, content);
      return itemIdOf(made) as ItemId;
    },
    edit(id, set) {
      const edited = item(id);
      const before = edited.content;
      const isRepeated = set.recurrence !== undefined || set.when !== undefined;
      const plain = withFields(before, set);
      const after = isRepeated ? repeated(plain, set) : plain;
      box.update(edited, after, by);
      tell('updated', edited, null, before, after);
    },
    editOccurrence(id, day, overrides) {
      const series = item(id);
      const view = occurrenceItem(series, day);
      const before = view.content;
      updateOccurrence(view, withFields(before, overrides), by);
      tell('updated', series, day, before, showing(series.content, day));
    },
    deleteOccurrence(id, day) {
      const series = item(id);
      const view = occurrenceItem(series, day);
      deleteOccurrence(view, by);
      tell('deleted', series, day, view.content, null);
    },
    move: (id, to) => itemIdOf(box.move(item(id), folder(to), by)) as ItemId,
    remove(id) {
      const doomed = item(id);
      const before = doomed.content;
      box.remove(doomed, random.int(2) === 0 ? 'MoveToDeletedItems' : 'SoftDelete', by);
      tell('deleted', doomed, null, before, null);
    },
    touch: (id) => box.touch(item(id)),
  };
}
