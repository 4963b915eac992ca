import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import { textOf, type XmlElement } from '#formats/text/xml-read.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { readFields } from './calendar/event-codec.ts';
import { readAnswer, responseIn } from './client.ts';
import { faultOfMessage } from './faults.ts';
import { readBcc, readHead } from './mail-codec.ts';
import type { Operation } from './operation.ts';
import { createAttachment } from './operations/create-attachment.ts';
import { createFolder } from './operations/create-folder.ts';
import { createItem } from './operations/create-item.ts';
import { deleteAttachment } from './operations/delete-attachment.ts';
import { deleteFolder } from './operations/delete-folder.ts';
import { deleteItem } from './operations/delete-item.ts';
import { findFolder } from './operations/find-folder.ts';
import { findItem } from './operations/find-item.ts';
import { getAttachment } from './operations/get-attachment.ts';
import { getEvents } from './operations/get-events.ts';
import { getFolder } from './operations/get-folder.ts';
import { getItem } from './operations/get-item.ts';
import { getStreamingEvents } from './operations/get-streaming-events.ts';
import { getUserAvailability } from './operations/get-user-availability.ts';
import { moveFolder } from './operations/move-folder.ts';
import { moveItem } from './operations/move-item.ts';
import { subscribe } from './operations/subscribe.ts';
import { syncFolderHierarchy } from './operations/sync-folder-hierarchy.ts';
import { feedOf, syncFolderItems } from './operations/sync-folder-items.ts';
import { unsubscribe } from './operations/unsubscribe.ts';
import { updateFolder } from './operations/update-folder.ts';
import { updateItem } from './operations/update-item.ts';
import { listedAttachments } from './typed/attachments.ts';
import { shownItem } from './typed/shown-item.ts';
import { eventHeadPaths, readTypedHead } from './typed-heads.ts';

const ews = reference('protocol/ews');
const fixtures = join(ews ?? '', 'fixtures');
const folder = 'AAMkFOLDER=' as FolderId;

/** How the answers of an operation are read: what the mailbox does with them included. Returns how many messages there were. */
async function readAll<Request, Answer>(
  operation: Operation<Request, Answer>,
  request: Request,
  bytes: Buffer,
): Promise<number> {
  const reader = operation.reader(request);
  const { messages, payloads, dispose } = await readAnswer(bytes, operation, reader, {
    directory: join(tmpdir(), 'recorded-answers-spool'),
  });
  for (const message of messages) {
    if (faultOfMessage(responseIn(message, operation), operation.subject) !== null) continue;
    const answer: unknown = reader.read(message, { payloads });
    if (answer !== null && typeof answer === 'object' && 'item' in answer) {
      const { item } = answer as { item: Parameters<typeof readBcc>[0] };
      expect(readHead(item, folder, {})?.id ?? null).not.toBe('');
      readBcc(item);
      if (item.name === 'CalendarItem') readEvent(item);
    }
  }
  await dispose();
  return messages.length;
}

/** Templates of a test library, with holes in the place of their times. */
const isTemplate = (item: XmlElement): boolean => textOf(item).includes('{');

/** How many events were read out of the recordings. */
let events = 0;
function readEvent(item: XmlElement): void {
  const shown = shownItem(item);
  const { fields, unreadable } = readFields(shown);
  listedAttachments(item, '');
  expect(readTypedHead(item, folder)?.id ?? null).not.toBe('');
  if (isTemplate(item) || !shown.typed.has('Start')) return;
  events++;
  expect(unreadable).toEqual([]);
  expect(fields.when.end).toBeGreaterThanOrEqual(fields.when.start);
  expect(fields.recurrence !== null).toBe(shown.typed.has('Recurrence'));
}

const readers: Readonly<Record<string, (bytes: Buffer) => Promise<number>>> = {
  GetFolder: (bytes) => readAll(getFolder, { folders: [], properties: 'tree' }, bytes),
  FindFolder: (bytes) => readAll(findFolder, { below: folder, offset: 0, max: 1 }, bytes),
  SyncFolderHierarchy: (bytes) => readAll(syncFolderHierarchy, { below: folder, state: null }, bytes),
  SyncFolderItems: (bytes) => readAll(syncFolderItems, { folder, cursor: null, max: 1 }, bytes),
  GetAttachment: (bytes) => readAll(getAttachment, [], bytes),
  CreateAttachment: (bytes) =>
    readAll(createAttachment, { parent: { id: '' as ItemId, version: '' as Version }, attachments: [] }, bytes),
  DeleteAttachment: (bytes) => readAll(deleteAttachment, [], bytes),
  GetUserAvailability: (bytes) => readAll(getUserAvailability, { address: '', from: 0, to: 0 }, bytes),
  GetItem: (bytes) => readAll(getItem, { ids: [], shape: 'content' }, bytes),
  FindItem: (bytes) =>
    readAll(
      findItem,
      { folder, where: { property: { tag: 1, type: 'string' }, oneOf: [] }, properties: [], offset: 0, max: 1 },
      bytes,
    ),
  CreateItem: (bytes) => readAll(createItem, { folder, drafts: [] }, bytes),
  UpdateItem: (bytes) => readAll(updateItem, [], bytes),
  DeleteItem: (bytes) => readAll(deleteItem, [], bytes),
  MoveItem: (bytes) => readAll(moveItem, { ids: [], to: folder }, bytes),
  CreateFolder: (bytes) => readAll(createFolder, { parent: folder, name: '', containerClass: null }, bytes),
  UpdateFolder: (bytes) => readAll(updateFolder, { folder, name: '' }, bytes),
  MoveFolder: (bytes) => readAll(moveFolder, { folder, to: folder }, bytes),
  DeleteFolder: (bytes) => readAll(deleteFolder, folder, bytes),
  Subscribe: (bytes) => readAll(subscribe, { kind: 'streaming' }, bytes),
  Unsubscribe: (bytes) => readAll(unsubscribe, '', bytes),
  GetEvents: (bytes) => readAll(getEvents, { subscriptionId: '', watermark: '' }, bytes),
  GetStreamingEvents: (bytes) => readAll(getStreamingEvents, { subscriptionIds: [], timeoutMinutes: 1 }, bytes),
};

/** Templates with a hole where the messages would be. */
const empty: ReadonlySet<string> = new Set([
  'kde-ews/getfolder-specialfolders-GetFolderResponse.xml',
  'kde-ews/getfolder-validateids-GetFolderResponse.xml',
]);

describe.skipIf(ews === null).each(Object.entries(readers))('answers to %s', (operation, read) => {
  const names =
    ews === null
      ? []
      : readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter(
          (name) => name.endsWith('.xml') && !name.startsWith('malformed'),
        );
  const files = names.filter((name) =>
    new RegExp(`<(?:[\\w.]+:)?Body[^>]*>\\s*<(?:[\\w.]+:)?${operation}Response[\\s>]`).test(
      readFileSync(join(fixtures, name), 'utf8'),
    ),
  );
  test('there are some', () => expect(files.length).toBeGreaterThan(0));
  test.each(files)('%s', async (name) => {
    const messages = await read(readFileSync(join(fixtures, name)));
    if (empty.has(name)) expect(messages).toBe(0);
    else expect(messages).toBeGreaterThan(0);
  });
});

test.skipIf(ews === null)('series and meetings are among the recorded events', async () => {
  events = 0;
  const read = readers['GetItem'];
  for (const name of [
    'garethp-php-ews/RecurringEventSupport-05-GetItemResponse.xml',
    'composed/GetItem-recurring-master-response.xml',
  ])
    await read?.(readFileSync(join(fixtures, name)));
  expect(events).toBe(2);
  const feed = feedOf({ paths: eventHeadPaths, readHead: readTypedHead });
  expect(
    await readAll(
      feed,
      { folder, cursor: null, max: 1 },
      readFileSync(join(fixtures, 'garethp-php-ews/ListItemChanges-03-SyncFolderItemsResponse.xml')),
    ),
  ).toBe(1);
});
