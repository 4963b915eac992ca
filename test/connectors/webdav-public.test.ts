import { afterEach, expect, test } from 'vitest';
import type { Context, Mailbox } from '#connectors/contract.ts';
import { retried } from '#connectors/wrappers/retried.ts';
import { must } from '#kit/assert.ts';
import { isFault } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import { seededRandom } from '#kit/random.ts';
import type { Folder } from '#lab/world/folder.ts';
import { key } from '#lab/world/property.ts';
import { contentOfMime } from '#lab/world/read-message.ts';
import type { FolderTree } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import { mailDraft } from './graph-mail.fixture.ts';
import { openWebdavLab, type WebdavLab } from './webdav-lab.fixture.ts';

const opened: WebdavLab[] = [];
async function open() {
  const it = await openWebdavLab(1 << 20);
  opened.push(it);
  const { clock } = it;
  const connector = retried(it.connector, { clock, random: seededRandom('public') });
  const box = must(connector.publicFolders, 'public folders')();
  const context = (): Context => ({
    signal: new AbortController().signal,
    deadlineMs: clock.monotonicMs() + 600_000,
  });
  const { store, top } = it.publicFolders;
  const add = (parent: Folder, name: string): Folder => store.createFolder(parent, name, 'IPF.Note', store.server);
  return { it, box, context, store, top, add };
}
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close();
});

/** Names from the root on, by which a folder is known to people. */
function pathsOf({ root, folders }: FolderTree): readonly string[] {
  const paths = new Map<FolderId, string>([[root, '']]);
  return folders.map(({ id, parent, name }) => {
    const path = `${must(paths.get(parent ?? root), 'parents come first')}→${name}`;
    paths.set(id, path);
    return path;
  });
}
const named = ({ folders }: FolderTree, name: string) =>
  must(
    folders.find((one) => one.name === name),
    name,
  );

/** What paths, queries, Windows and URLScan make something of. */
const reserved = [
  'Sales/EMEA',
  'back\\slash',
  'why?',
  '100% & more',
  'a#b;c=d',
  'ti~lde',
  'it\'s (one) * "two" <three> | four',
  'Größe – 日本',
  '..dots..',
  'NON_IPM_SUBTREE',
];

test('every level is found, whatever folders are called, in one search a folder', async () => {
  const { it, box, context, top, add } = await open();
  for (const name of reserved) add(add(top, name), 'inside');
  let deep = add(top, 'Level 1');
  for (let level = 2; level <= 40; level++) deep = add(deep, `Level ${level}`);
  await box.roles(context());
  const before = it.requestedAtMs.length;
  const tree = await box.tree(context());
  expect(it.requestedAtMs.length - before).toBe(1 + tree.folders.length);
  const levels = Array.from({ length: 40 }, (_, n) => `Level ${n + 1}`);
  const expected = [
    ...reserved.flatMap((name) => [`→${name}`, `→${name}→inside`]),
    ...levels.map((_, n) => `→${levels.slice(0, n + 1).join('→')}`),
  ];
  expect([...pathsOf(tree)].sort()).toEqual(expected.sort());
  const places = new Map(tree.folders.map(({ id }, at) => [id, at]));
  for (const [at, { parent }] of tree.folders.entries())
    if (parent !== tree.root) expect(places.get(must(parent, 'a parent'))).toBeLessThan(at);
  expect(named(tree, 'Level 1').childCount).toBe(1);
  expect([...(await box.roles(context())).entries()]).toEqual([['msgfolderroot', tree.root]]);
});

test.each(reserved)('%s: posts are read and written in it, and it is renamed and moved', async (name) => {
  const { it, box, context, store, top, add } = await open();
  const folder = add(top, name);
  const content = contentOfMime(Buffer.from('Subject: there\r\n\r\nbody\r\n'));
  store.create(folder, { content, messageFlags: 1 }, store.server);
  const { id, itemCount, mark } = named(await box.tree(context()), name);
  expect(itemCount).toBe(1);
  const page = await box.changes(id, null, context());
  const [change] = page.changes;
  if (change?.kind !== 'upsert') throw new Error('it is not shown');
  expect(change.head.facts.subject).toBe('there');
  const got = (await box.contents([{ id: change.head.id, sizeBytes: 0 }], context())).get(change.head.id);
  if (got === undefined || isFault(got)) throw new Error('it cannot be read');
  expect((await payloadBytes(got.mime)).toString()).toContain('body');
  const draft = mailDraft('Subject: ours\r\n\r\nx\r\n');
  const [written] = await box.create(id, [draft], context());
  expect(written).toMatchObject({ id: expect.stringContaining(id) });
  expect([...folder.items()].map((item) => item.text(key.subject))).toEqual(['there', 'ours']);
  expect((await box.marks([id], context())).get(id)?.mark).not.toBe(mark);
  const later = await box.changes(id, page.cursor, context());
  expect(later.changes.map((one) => one.kind)).toEqual(['upsert']);
  expect((await box.findByStamp(id, [draft.stamp], context())).size).toBe(1);
  await box.renameFolder(id, `${name} 2`, context());
  const into = await box.createFolder(
    must((await box.roles(context())).get('msgfolderroot'), 'a root'),
    'Into',
    null,
    context(),
  );
  await box.moveFolder(id, into, context());
  expect(pathsOf(await box.tree(context()))).toEqual(['→Into', `→Into→${name} 2`]);
  await box.removeFolder(into, context());
  expect((await box.tree(context())).folders).toEqual([]);
  expect(it.people.sent()).toEqual([]);
});

test('a folder that the account may not look into is there, and says so itself', async () => {
  const { it, box, context, top, add } = await open();
  const board = add(top, 'Board');
  add(board, 'Salaries');
  add(top, 'Everybody');
  it.publicFolders.closed.add(board);
  const tree = await box.tree(context());
  expect(pathsOf(tree)).toEqual(['→Board', '→Everybody']);
  await expect(box.changes(named(tree, 'Board').id, null, context())).rejects.toMatchObject({
    fault: { kind: 'fatal', code: 'access-denied' },
  });
});

test('what goes deeper than people go is named and no endless search', async () => {
  const { it, box, context, top, add } = await open();
  let folder = top;
  for (let level = 1; level <= 101; level++) folder = add(folder, `${level}`);
  await expect(box.tree(context())).rejects.toMatchObject({
    fault: { kind: 'fatal', detail: expect.stringContaining('levels deep') },
  });
  expect(it.requestedAtMs.length).toBeLessThan(150);
});

test('a folder that is removed while the tree is read is no fault', async () => {
  const { it, box, context, store, top, add } = await open();
  const doomed = add(top, 'Doomed');
  add(doomed, 'inside');
  add(top, 'Kept');
  await box.roles(context());
  let searches = 0;
  it.lose = ({ method }) => {
    if (method === 'SEARCH' && ++searches === 2) store.removeFolder(doomed, 'SoftDelete', store.server);
    return null;
  };
  expect(pathsOf(await box.tree(context()))).toContain('→Kept');
});

test('they are no mailbox of anybody', async () => {
  const { it, box, context } = await open();
  const mine: Mailbox = it.connector.mailbox(it.people.address);
  expect((await mine.tree(context())).mailbox).not.toBe((await box.tree(context())).mailbox);
});
