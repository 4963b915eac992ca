import { bytesOf, numberOf, type PropertyBag, textOf } from '../mapi/message.ts';
import { messageOfItem } from '../mapi/message-of-item.ts';
import { tag } from '../mapi/tags.ts';
import type { Item } from '../world/item.ts';
import { key, lidKey, sets } from '../world/property.ts';
import { utc } from '../world/zone.ts';
import { page, select, subjectOf } from './collection.ts';
import type { Context } from './context.ts';
import { badRequest, notFound } from './graph-error.ts';
import { entriesOf, type ItemFamily, itemFeed } from './item-feed.ts';
import { etagOf, isoTime, textsOf } from './item-values.ts';
import { MapiEdit } from './mapi-edit.ts';
import { readBody } from './message-draft.ts';
import { importances } from './message-shape.ts';
import { checkMatch, touchLater } from './messages.ts';
import type { Query } from './odata-query.ts';
import { idOfFolder } from './rest-ids.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';
import { type FolderFamily, typedFolderOf, typedFolderRoutes } from './typed-folders.ts';
import { readZoned, zonedJson } from './zoned-time.ts';

// learn.microsoft.com/graph/api/resources/todotask: a task of Outlook without its work, mileage, owner and contacts.
// [MS-OXOTASK] 2.2.2.2

const task = (lid: number): string => lidKey(sets.Task, lid);
const lids = {
  status: task(0x8101),
  percent: task(0x8102),
  start: task(0x8104),
  due: task(0x8105),
  completed: task(0x810f),
  complete: task(0x811c),
  reminderAt: lidKey(sets.Common, 0x8502),
  commonStart: lidKey(sets.Common, 0x8516),
  commonEnd: lidKey(sets.Common, 0x8517),
} as const;
const statuses = ['notStarted', 'inProgress', 'completed', 'waitingOnOthers', 'deferred'] as const;

const isTask = (item: Item): boolean => !item.associated && /^ipm\.task(?:\.|$)/i.test(item.itemClass);

function bodyOf(bag: PropertyBag): unknown {
  const html = bytesOf(bag, tag.html);
  return html === null
    ? { content: textOf(bag, tag.body) ?? '', contentType: 'text' }
    : { content: html.toString(), contentType: 'html' };
}

function taskJson(context: Context, item: Item, query: Query): Json {
  const bag = messageOfItem(item).properties;
  const day = (at: string): unknown => {
    const ms = numberOf(bag, at);
    return ms === null ? undefined : zonedJson(ms, utc);
  };
  const isReminderOn = bag.get(key.reminderSet)?.value === true;
  const json: Record<string, unknown> = {
    '@odata.etag': etagOf(item),
    importance: importances[item.number(key.importance) ?? 1] ?? 'normal',
    isReminderOn,
    status: statuses[numberOf(bag, lids.status) ?? 0] ?? 'notStarted',
    title: item.text(key.subject) ?? '',
    createdDateTime: isoTime(item.createdAtMs),
    lastModifiedDateTime: isoTime(item.modifiedAtMs),
    hasAttachments: (item.content.attachments ?? []).length > 0,
    categories: textsOf(item, key.keywords),
    // To Do has ids of one kind only, whatever is preferred (assumed).
    id: context.idOf(item),
    body: bodyOf(bag),
    bodyLastModifiedDateTime: isoTime(item.modifiedAtMs),
    dueDateTime: day(lids.due),
    startDateTime: day(lids.start),
    completedDateTime: day(lids.completed),
    ...(isReminderOn ? { reminderDateTime: day(lids.reminderAt) } : {}),
  };
  return select(Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined)), query);
}

const family: ItemFamily = {
  name: 'tasks',
  type: '#microsoft.graph.todoTask',
  has: isTask,
  json: taskJson,
  subject: (item) =>
    subjectOf({
      title: () => item.text(key.subject) ?? '',
      status: () => statuses[numberOf(messageOfItem(item).properties, lids.status) ?? 0] ?? 'notStarted',
      createdDateTime: () => isoTime(item.createdAtMs),
      lastModifiedDateTime: () => isoTime(item.modifiedAtMs),
    }),
};

const lists: FolderFamily = {
  path: 'users/{user}/todo/lists',
  parameter: 'list',
  kind: 'todoTaskList',
  containerClass: 'IPF.Task',
  role: 'tasks',
  listsDefault: true,
  reads: 'tasksRead',
  writes: 'tasksWrite',
  json: (folder) => ({
    '@odata.etag': `W/"${folder.cn}"`,
    displayName: folder.name,
    isOwner: true,
    isShared: false,
    wellknownListName: folder.role === 'tasks' ? 'defaultList' : 'none',
    id: idOfFolder(folder),
  }),
};

const readOnly: ReadonlySet<string> = new Set([
  'id',
  'createddatetime',
  'lastmodifieddatetime',
  'bodylastmodifieddatetime',
  'hasattachments',
]);

function take(edit: MapiEdit, json: Json, nowMs: number): void {
  for (const [name, value] of Object.entries(json))
    if (!name.startsWith('@') && !readOnly.has(name.toLowerCase())) setField(edit, name, value, nowMs);
}

function setField(edit: MapiEdit, name: string, value: unknown, nowMs: number): void {
  const time = (at: string, also: string | null = null): void => {
    const ms = value === null ? null : readZoned(value, name).ms;
    edit.set(at, 'SystemTime', ms);
    if (also !== null) edit.set(also, 'SystemTime', ms);
  };
  switch (name) {
    case 'title':
      if (typeof value !== 'string') throw badRequest('A title is a text.');
      edit.set(key.subject, 'String', value);
      edit.set(key.normalizedSubject, 'String', value);
      return;
    case 'body':
      edit.setBody(readBody(value));
      return;
    case 'importance': {
      const at = importances.indexOf(String(value) as 'low');
      if (at < 0) throw badRequest(`'${String(value)}' is no importance.`);
      edit.set(key.importance, 'Integer', at);
      return;
    }
    case 'status': {
      const at = statuses.indexOf(String(value) as 'completed');
      if (at < 0) throw badRequest(`'${String(value)}' is no status.`);
      const isComplete = statuses[at] === 'completed';
      edit.set(lids.status, 'Integer', at);
      edit.set(lids.complete, 'Boolean', isComplete);
      edit.set(lids.percent, 'Double', isComplete ? 1 : 0);
      edit.set(lids.completed, 'SystemTime', isComplete ? Math.floor(nowMs / 86_400_000) * 86_400_000 : null);
      return;
    }
    case 'categories':
      if (!Array.isArray(value)) throw badRequest('Categories are texts.');
      edit.set(key.keywords, 'StringArray', value.map(String));
      return;
    case 'dueDateTime':
      time(lids.due, lids.commonEnd);
      return;
    case 'startDateTime':
      time(lids.start, lids.commonStart);
      return;
    case 'completedDateTime':
      time(lids.completed);
      return;
    case 'reminderDateTime':
      time(lids.reminderAt);
      edit.set(key.reminderSet, 'Boolean', value !== null);
      return;
    case 'isReminderOn':
      edit.set(key.reminderSet, 'Boolean', value === true);
      return;
    default:
      // Repeating tasks are carried by import; nothing here would keep what a pattern says.
      throw badRequest(`The property '${name}' of a task cannot be written here.`);
  }
}

function taskOf(context: Context, parameters: Parameters): Item {
  const item = context.item(parameters['task'] ?? '');
  if (!isTask(item) || item.folder !== typedFolderOf(context, lists, parameters)) throw notFound();
  return item;
}

const entity = (context: Context, item: Item): Json => ({
  '@odata.context': context.contextOf(`${context.userTail}/todo/lists('${idOfFolder(item.folder)}')/tasks/$entity`),
  ...taskJson(context, item, context.query),
});

function create(context: Context, parameters: Parameters): Reply {
  const folder = typedFolderOf(context, lists, parameters);
  const edit = new MapiEdit(null, 'IPM.Task');
  const json = context.json();
  if (typeof json['title'] !== 'string') throw badRequest('A task needs a title.');
  take(edit, { status: 'notStarted', ...json }, context.nowMs);
  const item = context.mailbox.create(
    folder,
    { content: edit.content(context.mailbox), messageFlags: 1, isRead: true },
    context.hand(),
  );
  touchLater(context, item);
  return created(entity(context, item));
}

const path = 'users/{user}/todo/lists/{list}/tasks';

export const taskRoutes: readonly Route[] = [
  ...typedFolderRoutes(lists).filter((route) => !/childFolders|permanentDelete/.test(route.path)),
  {
    method: 'GET',
    path,
    needs: 'tasksRead',
    run: (context, parameters) =>
      ok(page(context, 'tasks', entriesOf(context, typedFolderOf(context, lists, parameters).newest(), family))),
  },
  { method: 'POST', path, needs: 'tasksWrite', run: create },
  {
    method: 'GET',
    path: `${path}/delta`,
    needs: 'tasksRead',
    run: (context, parameters) => itemFeed(context, typedFolderOf(context, lists, parameters), family),
  },
  {
    method: 'GET',
    path: `${path}/{task}`,
    needs: 'tasksRead',
    run: (context, parameters) => ok(entity(context, taskOf(context, parameters))),
  },
  {
    method: 'PATCH',
    path: `${path}/{task}`,
    needs: 'tasksWrite',
    run(context, parameters) {
      const item = taskOf(context, parameters);
      checkMatch(context, item);
      const edit = new MapiEdit(item, item.itemClass);
      take(edit, context.json(), context.nowMs);
      context.mailbox.update(item, edit.content(context.mailbox), context.hand());
      touchLater(context, item);
      return ok(entity(context, item));
    },
  },
  {
    method: 'DELETE',
    path: `${path}/{task}`,
    needs: 'tasksWrite',
    run(context, parameters) {
      const item = taskOf(context, parameters);
      checkMatch(context, item);
      context.mailbox.remove(item, 'MoveToDeletedItems', context.hand());
      return noContent;
    },
  },
];
