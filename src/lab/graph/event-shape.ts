import { endMsOf, isMaster, occurrenceItem, startMsOf } from '../world/appointment.ts';
import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import type { Attendee, CalendarPart, Response } from '../world/calendar-part.ts';
import { cleanOf, uidOf } from '../world/global-object-id.ts';
import type { Item } from '../world/item.ts';
import { key } from '../world/property.ts';
import { utc, type Zone } from '../world/zone.ts';
import { attachmentJson } from './attachment-shape.ts';
import { subjectOf, texts } from './collection.ts';
import type { Context } from './context.ts';
import { extendedJson, withExtended } from './extended-json.ts';
import {
  attachmentsOfItem,
  bodyFor,
  bodyJson,
  changeKeyOf,
  etagOf,
  flagOf,
  isoTime,
  previewOf,
  propertyOfItem,
  recipientJson,
  textsOf,
} from './item-values.ts';
import { importances } from './message-shape.ts';
import type { FilterSubject } from './odata-filter.ts';
import type { Query } from './odata-query.ts';
import { recurrenceJson } from './recurrence-json.ts';
import type { Json } from './route.ts';
import { zonedJson, zoneOf } from './zoned-time.ts';

export const showAs = ['free', 'tentative', 'busy', 'oof', 'workingElsewhere'] as const;
export const sensitivities = ['normal', 'personal', 'private', 'confidential'] as const;
/** By `Response`. (responseStatus resource) */
const responses: Readonly<Record<Response, string>> = {
  Unknown: 'none',
  Organizer: 'organizer',
  Tentative: 'tentativelyAccepted',
  Accept: 'accepted',
  Decline: 'declined',
  NoResponseReceived: 'notResponded',
};
const ownResponses = ['none', 'organizer', 'tentativelyAccepted', 'accepted', 'declined', 'notResponded'] as const;
const noTime = '0001-01-01T00:00:00Z';

export const isEvent = (item: Item): boolean =>
  item.content.calendar !== undefined && /^ipm\.(?:appointment|ole\.class)/i.test(item.itemClass);
const partOf = (item: Item): CalendarPart =>
  item.content.calendar ?? {
    startZone: utc,
    endZone: utc,
    attendees: [],
    recurrence: null,
    exceptions: [],
    deletedDays: [],
  };

const isReceived = (item: Item): boolean => ((item.number(calendarKey.stateFlags) ?? 0) & stateFlag.received) !== 0;

const typeOf = (item: Item): string =>
  item.occurrence !== null
    ? item.occurrence.isException
      ? 'exception'
      : 'occurrence'
    : isMaster(item.content)
      ? 'seriesMaster'
      : 'singleInstance';

/** With the day of an occurrence in it. (FACTS §7: different for each) */
function uidFor(item: Item, clean: boolean): string {
  const value = item.text(clean ? calendarKey.cleanGlobalObjectId : calendarKey.globalObjectId);
  const bytes = Buffer.from(value ?? '', 'base64');
  return bytes.length < 40 ? '' : uidOf(clean ? cleanOf(bytes) : bytes);
}

const attendeeJson = (one: Attendee): Json => ({
  type: one.role,
  status: {
    response: responses[one.response],
    time: one.respondedAtMs === null ? noTime : isoTime(one.respondedAtMs),
  },
  ...(recipientJson(one) as object),
});

const locationJson = (name: string): Json =>
  name === ''
    ? { displayName: '', locationType: 'default', uniqueIdType: 'unknown', address: {}, coordinates: {} }
    : { displayName: name, locationType: 'default', uniqueId: name, uniqueIdType: 'private' };

/** `OID.{master}.{day}` (event: occurrenceId, cancelledOccurrences) */
const oid = (context: Context, master: Item, day: string): string => `OID.${context.idOf(master)}.${day}`;

/** Times of an event are shown in UTC unless the request prefers another zone. (event: start) */
const zoneFor = (context: Context): Zone => (context.prefer.timeZone === null ? utc : zoneOf(context.prefer.timeZone));

function fieldsOf(context: Context, item: Item): Readonly<Record<string, () => unknown>> {
  const { content } = item;
  const part = partOf(item);
  const zone = zoneFor(context);
  const received = isReceived(item);
  const state = item.number(calendarKey.stateFlags) ?? 0;
  const repliedAt = item.number(calendarKey.repliedAt);
  const allDay = flagOf(item, calendarKey.allDay);
  // An all-day event is of its own zone: shown elsewhere it would not begin at midnight.
  const when = (ms: number, own: Zone): unknown => {
    if (!allDay || context.prefer.timeZone !== null) return zonedJson(ms, zone);
    return { ...zonedJson(ms, own), timeZone: 'UTC' };
  };
  const master = item.occurrence?.master ?? null;
  return {
    createdDateTime: () => isoTime(item.createdAtMs),
    lastModifiedDateTime: () => isoTime(item.modifiedAtMs),
    changeKey: () => changeKeyOf(item),
    categories: () => textsOf(item, key.keywords),
    transactionId: () => item.text(transactionKey),
    originalStartTimeZone: () => part.startZone.id,
    originalEndTimeZone: () => part.endZone.id,
    iCalUId: () => uidFor(item, false),
    ...(context.version === 'beta' ? { uid: () => uidFor(item, true) } : {}),
    reminderMinutesBeforeStart: () => item.number(calendarKey.reminderMinutes) ?? 15,
    isReminderOn: () => flagOf(item, key.reminderSet),
    hasAttachments: () => attachmentsOfItem(item).some(({ isInline }) => !isInline),
    subject: () => item.text(key.subject) ?? '',
    bodyPreview: () => previewOf(item),
    importance: () => importances[item.number(key.importance) ?? 1] ?? 'normal',
    sensitivity: () => sensitivities[item.number(key.sensitivity) ?? 0] ?? 'normal',
    isAllDay: () => allDay,
    isCancelled: () => (state & stateFlag.cancelled) !== 0,
    isOrganizer: () => !received,
    responseRequested: () => content.properties.get(calendarKey.responseRequested)?.value !== false,
    seriesMasterId: () => (master === null ? null : context.idOf(master)),
    showAs: () => showAs[item.number(calendarKey.busyStatus) ?? 2] ?? 'busy',
    type: () => typeOf(item),
    webLink: () =>
      `https://outlook.office365.com/owa/?itemid=${encodeURIComponent(context.idOf(item))}&exvsurl=1&path=/calendar/item`,
    onlineMeetingUrl: () => null,
    isOnlineMeeting: () => false,
    onlineMeetingProvider: () => 'unknown',
    allowNewTimeProposals: () => content.properties.get(calendarKey.noCounterProposal)?.value !== true,
    ...(item.occurrence === null || master === null
      ? {}
      : { originalStart: () => isoTime(item.number(calendarKey.replacedStart) ?? startMsOf(content)) }),
    isDraft: () => !flagOf(item, calendarKey.fInvited) && part.attendees.length > 0 && !received,
    hideAttendees: () => false,
    responseStatus: () => ({
      response: ownResponses[item.number(calendarKey.response) ?? 0] ?? 'none',
      time: repliedAt === null ? noTime : isoTime(repliedAt),
    }),
    body: () => bodyJson(bodyFor(item, context.prefer.bodyType ?? 'html')),
    start: () => when(startMsOf(content), part.startZone),
    end: () => when(endMsOf(content), part.endZone),
    location: () => locationJson(item.text(calendarKey.location) ?? ''),
    locations: () => {
      const name = item.text(calendarKey.location) ?? '';
      return name === '' ? [] : [locationJson(name)];
    },
    recurrence: () => (part.recurrence === null ? null : recurrenceJson(part.recurrence, part.startZone)),
    attendees: () => part.attendees.map(attendeeJson),
    organizer: () => (content.from === null ? null : recipientJson(content.from)),
    onlineMeeting: () => null,
  };
}

/** What a client gave to make a create happen once. */
export const transactionKey = '9d1c3b52-6f40-4d1e-8a57-6c6162000001/TransactionId';

/** An event as JSON, as far as the query asks for it. */
export function eventJson(context: Context, item: Item, query: Query): Json {
  const wanted = query.select === null ? null : new Set([...query.select].map((name) => name.toLowerCase()));
  const json: Record<string, unknown> = { '@odata.etag': etagOf(item), id: context.idOf(item) };
  for (const [name, value] of Object.entries(fieldsOf(context, item)))
    if (wanted === null || wanted.has(name.toLowerCase())) json[name] = value();
  const isSeries = item.occurrence === null && isMaster(item.content);
  // Only when they are selected by name. (event: cancelledOccurrences)
  if (isSeries && wanted?.has('cancelledoccurrences'))
    json['cancelledOccurrences'] = partOf(item).deletedDays.map((day) => oid(context, item, day));
  if (wanted?.has('occurrenceid') && item.occurrence !== null)
    json['occurrenceId'] = oid(context, item.occurrence.master, item.occurrence.day);
  if (query.expand.has('attachments'))
    json['attachments'] = attachmentsOfItem(item).map((one) =>
      attachmentJson(context, item, one, query.expand.get('attachments')?.select ?? null),
    );
  if (isSeries && query.expand.has('exceptionOccurrences'))
    json['exceptionOccurrences'] = exceptionsOf(item).map((one) =>
      eventJson(context, one, {
        ...query,
        expand: new Map(),
        select: query.expand.get('exceptionOccurrences')?.select ?? null,
      }),
    );
  return { ...json, ...extendedJson(query.expand, (at) => propertyOfItem(item, at)) };
}

/** Changed occurrences of a series. */
export const exceptionsOf = (master: Item): readonly Item[] =>
  partOf(master).exceptions.map(({ day }) => occurrenceItem(master, day));

/** What an occurrence of a feed shows: little, the rest is its series'. (learn.microsoft.com/graph/delta-query-events) */
export const occurrenceJson = (context: Context, item: Item): Json => ({
  '@odata.type': '#microsoft.graph.event',
  '@odata.etag': etagOf(item),
  id: context.idOf(item),
  seriesMasterId: item.occurrence === null ? null : context.idOf(item.occurrence.master),
  type: 'occurrence',
  start: zonedJson(startMsOf(item.content), zoneFor(context)),
  end: zonedJson(endMsOf(item.content), zoneFor(context)),
});

export function eventSubject(item: Item): FilterSubject {
  return withExtended(
    item,
    subjectOf(
      {
        subject: () => item.text(key.subject) ?? '',
        'start/dateTime': () => isoTime(startMsOf(item.content)),
        'end/dateTime': () => isoTime(endMsOf(item.content)),
        createdDateTime: () => isoTime(item.createdAtMs),
        lastModifiedDateTime: () => isoTime(item.modifiedAtMs),
        iCalUId: () => uidFor(item, false),
        uid: () => uidFor(item, true),
        isAllDay: () => flagOf(item, calendarKey.allDay),
        isCancelled: () => ((item.number(calendarKey.stateFlags) ?? 0) & stateFlag.cancelled) !== 0,
        isOrganizer: () => !isReceived(item),
        type: () => typeOf(item),
        showAs: () => showAs[item.number(calendarKey.busyStatus) ?? 2] ?? 'busy',
        transactionId: () => item.text(transactionKey),
        'organizer/emailAddress/address': () => item.content.from?.address ?? null,
      },
      { categories: () => texts(textsOf(item, key.keywords)) },
    ),
  );
}
