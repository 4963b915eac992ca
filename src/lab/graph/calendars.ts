import { busySource, busyTimes, mergedStream } from '../meetings/free-busy.ts';
import type { Folder } from '../world/folder.ts';
import { utc } from '../world/zone.ts';
import { page, select, subjectOf } from './collection.ts';
import type { Context } from './context.ts';
import { showAs } from './event-shape.ts';
import { badRequest, GraphError, notFound } from './graph-error.ts';
import { workingHoursJson } from './mailbox-settings.ts';
import type { Query } from './odata-query.ts';
import { idOfFolder } from './rest-ids.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';
import { readZoned, zonedJson, zoneOf } from './zoned-time.ts';

// learn.microsoft.com/graph/api/resources/calendar

const isCalendar = (folder: Folder): boolean =>
  folder.kind === 'folder' && (folder.containerClass ?? '').startsWith('IPF.Appointment');

/** The calendar of a path; without a name it is the one that everybody has. */
export function calendarOf(context: Context, parameters: Parameters): Folder {
  const id = parameters['calendar'];
  if (id === undefined) return context.mailbox.folder('calendar');
  const folder = context.folder(id);
  if (!isCalendar(folder)) throw notFound();
  return folder;
}

function calendarJson(context: Context, folder: Folder, query: Query): Json {
  const { displayName, address } = context.mailbox;
  const isDefault = folder.role === 'calendar';
  return select(
    {
      id: idOfFolder(folder),
      name: folder.name,
      color: 'auto',
      hexColor: '',
      isDefaultCalendar: isDefault,
      changeKey: String(folder.cn),
      canShare: true,
      canViewPrivateItems: true,
      canEdit: true,
      allowedOnlineMeetingProviders: [],
      defaultOnlineMeetingProvider: 'unknown',
      isTallyingResponses: isDefault,
      isRemovable: !isDefault,
      owner: { name: displayName, address },
    },
    query,
  );
}

function* allOf(context: Context): Generator<Folder> {
  const { mailbox } = context;
  const trash = mailbox.folder('deleteditems');
  for (const folder of mailbox.below(mailbox.folder('msgfolderroot')))
    if (isCalendar(folder) && !folder.isInside(trash)) yield folder;
}

const entity = (context: Context, folder: Folder): Json => ({
  '@odata.context': context.contextOf(`${context.userTail}/calendars/$entity`),
  ...calendarJson(context, folder, context.query),
});

function nameIn(context: Context): string | null {
  const { name } = context.json();
  if (name !== undefined && (typeof name !== 'string' || name.trim() === '')) throw badRequest('A name is a text.');
  return name ?? null;
}

function change(context: Context, folder: Folder): Reply {
  const name = nameIn(context);
  context.mailbox.updateFolder(folder, name === null ? {} : { name }, context.hand());
  return ok(entity(context, folder));
}

/** When people are taken. (learn.microsoft.com/graph/api/calendar-getschedule) */
function getSchedule(context: Context): Reply {
  const json = context.json();
  const field = (name: string): unknown => json[name] ?? json[name.charAt(0).toUpperCase() + name.slice(1)];
  const schedules = field('schedules');
  if (!Array.isArray(schedules) || schedules.length === 0) throw badRequest('Schedules are a list of addresses.');
  // (calendar-getschedule: 20 at a time)
  if (schedules.length > 20) throw new GraphError(400, 'ErrorInvalidRequest', 'No more than 20 schedules at a time.');
  const from = readZoned(field('startTime'), 'startTime').ms;
  const to = readZoned(field('endTime'), 'endTime').ms;
  const minutes = Number(field('availabilityViewInterval') ?? 30);
  if (!(minutes >= 5 && minutes <= 1440)) throw badRequest('availabilityViewInterval has 5 to 1440 minutes.');
  if (to <= from || to - from > 62 * 86_400_000)
    throw new GraphError(400, 'ErrorInvalidTimeInterval', 'The time window is empty or longer than 62 days.');
  const zone = context.prefer.timeZone === null ? utc : zoneOf(context.prefer.timeZone);
  const value = schedules.map((one): Json => {
    const address = String(one);
    const source = busySource(context.organization, address, null, () => true);
    if (source === null)
      return {
        scheduleId: address,
        error: {
          message: 'The recipient could not be resolved.',
          responseCode: 'ErrorMailRecipientNotFound',
        },
      };
    const times = busyTimes(source, null, from, to);
    return {
      scheduleId: address,
      availabilityView: mergedStream(times, from, to, minutes * 60_000),
      scheduleItems: times.map(({ startMs, endMs, busyStatus, details }) => ({
        ...(details === null
          ? {}
          : {
              isPrivate: details.isPrivate,
              subject: details.subject,
              location: details.location,
            }),
        status: showAs[busyStatus] ?? 'busy',
        start: zonedJson(startMs, zone),
        end: zonedJson(endMs, zone),
      })),
      workingHours: workingHoursJson,
    };
  });
  return ok({ '@odata.context': context.contextOf('Collection(microsoft.graph.scheduleInformation)'), value });
}

export const calendarRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: 'users/{user}/calendars',
    needs: 'calendarRead',
    run: (context) =>
      ok(
        page(
          context,
          `${context.userTail}/calendars`,
          [...allOf(context)].map((folder) => ({
            subject: subjectOf({ name: () => folder.name, id: () => idOfFolder(folder) }),
            json: (query: Query) => calendarJson(context, folder, query),
          })),
        ),
      ),
  },
  {
    method: 'POST',
    path: 'users/{user}/calendars',
    needs: 'calendarWrite',
    run(context) {
      const name = nameIn(context);
      if (name === null) throw badRequest('A name is needed.');
      const { mailbox } = context;
      const parent = mailbox.folder('calendar');
      return created(entity(context, mailbox.createFolder(parent, name, 'IPF.Appointment', context.hand())));
    },
  },
  ...['users/{user}/calendar', 'users/{user}/calendars/{calendar}'].flatMap((path): readonly Route[] => [
    {
      method: 'GET',
      path,
      needs: 'calendarRead',
      run: (context, parameters) => ok(entity(context, calendarOf(context, parameters))),
    },
    {
      method: 'PATCH',
      path,
      needs: 'calendarWrite',
      run: (context, parameters) => change(context, calendarOf(context, parameters)),
    },
    { method: 'POST', path: `${path}/getSchedule`, needs: 'calendarRead', run: getSchedule },
  ]),
  {
    method: 'DELETE',
    path: 'users/{user}/calendars/{calendar}',
    needs: 'calendarWrite',
    run(context, parameters) {
      context.mailbox.removeFolder(calendarOf(context, parameters), 'MoveToDeletedItems', context.hand());
      return noContent;
    },
  },
  {
    method: 'POST',
    path: 'users/{user}/calendars/{calendar}/permanentDelete',
    needs: 'calendarWrite',
    run(context, parameters) {
      context.mailbox.removeFolder(calendarOf(context, parameters), 'HardDelete', context.hand());
      return noContent;
    },
  },
];
