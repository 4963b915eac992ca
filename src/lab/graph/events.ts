import {
  deleteOccurrence,
  endMsOf,
  isMaster,
  occurrenceItem,
  occurrencesBetween,
  overlaps,
  startMsOf,
  updateOccurrence,
} from '../world/appointment.ts';
import type { CalendarWrite, MeetingAnswer } from '../world/calendar-hooks.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Folder } from '../world/folder.ts';
import type { Item, ItemContent } from '../world/item.ts';
import { dayNumber } from '../world/recurrence.ts';
import { type AttachmentHolder, attachmentRoutes } from './attachments.ts';
import { calendarOf } from './calendars.ts';
import { type Entry, page } from './collection.ts';
import type { Context } from './context.ts';
import { linkOf, roundOf } from './delta-token.ts';
import { EventDraft } from './event-draft.ts';
import { eventJson, eventSubject, exceptionsOf, isEvent, occurrenceJson, transactionKey } from './event-shape.ts';
import { badRequest, GraphError, notFound } from './graph-error.ts';
import { entriesOf, type ItemFamily, itemFeed } from './item-feed.ts';
import { checkMatch, touchLater } from './messages.ts';
import type { Query } from './odata-query.ts';
import { idOfDay } from './rest-ids.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';

// learn.microsoft.com/graph/api/resources/event

const family: ItemFamily = {
  name: 'events',
  type: '#microsoft.graph.event',
  has: (item) => isEvent(item) && !item.associated,
  json: eventJson,
  subject: eventSubject,
};

/** The event of a path: an item, or an occurrence of one. */
function eventOf(context: Context, parameters: Parameters): Item {
  const item = context.item(parameters['event'] ?? '');
  if (!isEvent(item)) throw notFound();
  return item;
}

const entity = (context: Context, item: Item): Json => ({
  '@odata.context': context.contextOf(`${context.userTail}/events/$entity`),
  ...eventJson(context, item, context.query),
});

/** Tells the machinery of meetings: there is no way to write a meeting here without its people being told. (FACTS §4) */
function tell(
  context: Context,
  kind: CalendarWrite['kind'],
  item: Item,
  before: ItemContent | null,
  after: ItemContent | null,
): void {
  context.organization.world.meetings?.written({
    kind,
    mailbox: item.folder.mailbox,
    item: item.occurrence?.master ?? item,
    day: item.occurrence?.day ?? null,
    before,
    after,
    choice: 'SendToAllAndSaveCopy',
    by: context.hand(),
  });
}

function create(context: Context, folder: Folder): Reply {
  const { mailbox } = context;
  const json = context.json();
  const transaction = json['transactionId'];
  // The same create again is the one that was made. (event: transactionId)
  if (typeof transaction === 'string')
    for (const item of folder.items())
      if (item.text(transactionKey) === transaction)
        throw new GraphError(409, 'ErrorDuplicateTransactionId', 'The event has already been created.');
  const draft = new EventDraft(context, null);
  draft.take(json);
  const item = mailbox.create(
    folder,
    { content: draft.content(mailbox), messageFlags: 1, isRead: true },
    context.hand(),
  );
  touchLater(context, item);
  tell(context, 'created', item, null, item.content);
  return created(entity(context, item));
}

function change(context: Context, item: Item): Reply {
  checkMatch(context, item);
  const draft = new EventDraft(context, item);
  draft.take(context.json());
  const { mailbox } = item.folder;
  const { content: before, occurrence } = item;
  const next = draft.content(mailbox);
  let written = item;
  if (occurrence === null) mailbox.update(item, next, context.hand());
  else written = updateOccurrence(item, next, context.hand());
  touchLater(context, occurrence?.master ?? item);
  tell(context, 'updated', item, before, written.content);
  return ok(entity(context, occurrence === null ? item : occurrenceItem(occurrence.master, occurrence.day)));
}

function remove(context: Context, item: Item, how: 'MoveToDeletedItems' | 'HardDelete'): Reply {
  checkMatch(context, item);
  const { content: before, occurrence } = item;
  if (occurrence !== null) deleteOccurrence(item, context.hand());
  else item.folder.mailbox.remove(item, how, context.hand());
  tell(context, 'deleted', item, before, null);
  return noContent;
}

/** The window of a view, with at most five years. (user-list-calendarview: ErrorInvalidRequest beyond 1825 days) */
function windowOf(query: Query): readonly [number, number] {
  const read = (name: string): number => {
    const text = query.own.get(name.toLowerCase());
    if (text === undefined)
      throw badRequest(
        `This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.`,
      );
    const ms = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
    if (Number.isNaN(ms)) throw badRequest(`'${name}' is no time.`);
    return ms;
  };
  const [from, to] = [read('startDateTime'), read('endDateTime')];
  if (to < from) throw badRequest('EndDateTime is before StartDateTime.');
  if (to - from > 1825 * 86_400_000)
    throw new GraphError(400, 'ErrorCalendarViewRangeTooBig', 'Your request can not span more than 1825 days.');
  return [from, to];
}

/** What of an item is inside of a window: itself, or its occurrences. */
function within(item: Item, from: number, to: number): readonly Item[] {
  const { content } = item;
  if (isMaster(content)) return occurrencesBetween(content, from, to).map(({ day }) => occurrenceItem(item, day));
  return overlaps(startMsOf(content), endMsOf(content), from, to) ? [item] : [];
}

function view(context: Context, folder: Folder): Reply {
  const [from, to] = windowOf(context.query);
  const items = [...folder.items()].filter(isEvent).flatMap((item) => within(item, from, to));
  items.sort((a, b) => startMsOf(a.content) - startMsOf(b.content));
  return ok(page(context, `${context.userTail}/calendarView`, entriesOf(context, items, family)));
}

/**
 * Changes inside of a window that stays the same for as long as the tokens are handed on. Series come with their masters, and
 * plain occurrences show when they are and whose. (learn.microsoft.com/graph/delta-query-events)
 */
function viewDelta(context: Context, folder: Folder): Reply {
  const { token, query } = roundOf(context, 'calendarView', folder.no);
  const [from, to] = windowOf(query);
  const size = context.prefer.maxPageSize ?? 10;
  const state = token === null ? null : { base: token.base, position: token.position, initialTo: token.initialTo };
  const { changes, state: next, complete } = folder.changes(state, size, family.has);
  const isFirst = token === null || token.initialTo !== null;
  const gone = (id: string, reason: 'deleted' | 'changed'): Json => ({
    '@odata.type': family.type,
    id,
    '@removed': { reason },
  });
  const value = changes.flatMap(({ kind, item }): readonly Json[] => {
    if (kind === 'delete') return [gone(context.idOf(item), 'deleted')];
    const inside = within(item, from, to);
    if (!isMaster(item.content)) {
      if (inside.length > 0) return [eventJson(context, item, query)];
      return isFirst ? [] : [gone(context.idOf(item), 'changed')];
    }
    const deleted = isFirst
      ? []
      : (item.content.calendar?.deletedDays ?? []).filter((day) => {
          const ms = dayNumber(day) * 86_400_000;
          return ms >= from - 86_400_000 && ms <= to;
        });
    if (inside.length === 0 && deleted.length === 0) return [];
    return [
      eventJson(context, item, query),
      ...inside.map((one) =>
        one.occurrence?.isException === true ? eventJson(context, one, query) : occurrenceJson(context, one),
      ),
      ...deleted.map((day) => gone(idOfDay(item, day, context.immutable), 'deleted')),
    ];
  });
  return ok({
    '@odata.context': context.contextOf('Collection(event)'),
    value,
    ...linkOf(
      context,
      { kind: 'calendarView', folder: folder.no, query: token?.query ?? context.query.raw, ...next },
      complete,
    ),
  });
}

function instances(context: Context, item: Item): Reply {
  if (item.occurrence !== null || !isMaster(item.content))
    throw new GraphError(400, 'ErrorInvalidRequest', 'The event is no series master.');
  const [from, to] = windowOf(context.query);
  return ok(page(context, `${context.userTail}/events`, entriesOf(context, within(item, from, to), family)));
}

const answers: Readonly<Record<string, MeetingAnswer['kind']>> = {
  accept: 'AcceptItem',
  tentativelyAccept: 'TentativelyAcceptItem',
  decline: 'DeclineItem',
  cancel: 'CancelCalendarItem',
};

function answer(context: Context, item: Item, kind: MeetingAnswer['kind']): Reply {
  const json = context.json();
  const comment = json['comment'] ?? json['Comment'];
  const { meetings } = context.organization.world;
  if (meetings === null) throw new GraphError(400, 'ErrorInvalidRequest', 'There is nothing to be answered.');
  meetings.answer({
    kind,
    item: item.occurrence?.master ?? item,
    day: item.occurrence?.day ?? null,
    disposition: json['sendResponse'] === false ? 'SaveOnly' : 'SendAndSaveCopy',
    body: typeof comment === 'string' ? comment : null,
    by: context.hand(),
  });
  return { status: 202 };
}

const holder: AttachmentHolder = {
  path: 'users/{user}/events/{event}',
  reads: 'calendarRead',
  writes: 'calendarWrite',
  item: eventOf,
  replace(context, item, attachments) {
    const { content: before, occurrence } = item;
    const next = { ...before, attachments };
    const { mailbox } = item.folder;
    if (occurrence === null) mailbox.update(item, next, context.hand());
    else updateOccurrence(item, next, context.hand());
    // Organizers' files go out with an update, too. (assumed)
    tell(context, 'updated', item, before, next);
  },
};
export const eventHolder = holder;

function exceptions(context: Context, item: Item): Reply {
  if (item.occurrence !== null || !isMaster(item.content)) throw notFound();
  const entries = exceptionsOf(item).map(
    (one): Entry => ({ subject: eventSubject(one), json: (query) => eventJson(context, one, query) }),
  );
  return ok(page(context, `${context.userTail}/events`, entries));
}

const lists = ['users/{user}/events', 'users/{user}/calendar/events', 'users/{user}/calendars/{calendar}/events'];
const views = [
  'users/{user}/calendarView',
  'users/{user}/calendar/calendarView',
  'users/{user}/calendars/{calendar}/calendarView',
];
const one = 'users/{user}/events/{event}';

/** The same events in their default and in their other order. */
const startOf = (item: Item): number => item.number(calendarKey.start) ?? 0;

export const eventRoutes: readonly Route[] = [
  ...lists.flatMap((path): readonly Route[] => [
    {
      method: 'GET',
      path,
      needs: 'calendarRead',
      run(context, parameters) {
        const items = [...calendarOf(context, parameters).items()].sort((a, b) => startOf(b) - startOf(a));
        return ok(page(context, `${context.userTail}/events`, entriesOf(context, items, family)));
      },
    },
    {
      method: 'POST',
      path,
      needs: 'calendarWrite',
      run: (context, parameters) => create(context, calendarOf(context, parameters)),
    },
    {
      method: 'GET',
      path: `${path}/delta`,
      needs: 'calendarRead',
      run(context, parameters) {
        const folder = calendarOf(context, parameters);
        // With a window it is the view's feed, without one series come as their masters. (FACTS §4)
        return context.query.own.has('startdatetime') ? viewDelta(context, folder) : itemFeed(context, folder, family);
      },
    },
  ]),
  ...views.flatMap((path): readonly Route[] => [
    {
      method: 'GET',
      path,
      needs: 'calendarRead',
      run: (context, parameters) => view(context, calendarOf(context, parameters)),
    },
    {
      method: 'GET',
      path: `${path}/delta`,
      needs: 'calendarRead',
      run: (context, parameters) => viewDelta(context, calendarOf(context, parameters)),
    },
  ]),
  {
    method: 'GET',
    path: one,
    needs: 'calendarRead',
    run: (context, parameters) => ok(entity(context, eventOf(context, parameters))),
  },
  {
    method: 'PATCH',
    path: one,
    needs: 'calendarWrite',
    run: (context, parameters) => change(context, eventOf(context, parameters)),
  },
  {
    method: 'DELETE',
    path: one,
    needs: 'calendarWrite',
    run: (context, parameters) => remove(context, eventOf(context, parameters), 'MoveToDeletedItems'),
  },
  {
    method: 'POST',
    path: `${one}/permanentDelete`,
    needs: 'calendarWrite',
    run: (context, parameters) => remove(context, eventOf(context, parameters), 'HardDelete'),
  },
  {
    method: 'GET',
    path: `${one}/instances`,
    needs: 'calendarRead',
    run: (context, parameters) => instances(context, eventOf(context, parameters)),
  },
  {
    method: 'GET',
    path: `${one}/exceptionOccurrences`,
    needs: 'calendarRead',
    run: (context, parameters) => exceptions(context, eventOf(context, parameters)),
  },
  ...Object.entries(answers).map(
    ([name, kind]): Route => ({
      method: 'POST',
      path: `${one}/${name}`,
      needs: 'calendarWrite',
      run: (context, parameters) => answer(context, eventOf(context, parameters), kind),
    }),
  ),
  ...attachmentRoutes(holder),
];
