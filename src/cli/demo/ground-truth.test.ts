import { describe, expect, test } from 'vitest';
import type { FolderLine, ItemLine, SnapshotLine } from '#lab/edge/snapshot.ts';
import { compareMailboxes } from './ground-truth.ts';

const folder = (name: string, role: string | null = null, containerClass: string | null = 'IPF.Note'): FolderLine => ({
  kind: 'folder',
  path: name.split('/'),
  role,
  containerClass,
  items: 0,
});
const item = (path: string, mime: string, more: Partial<ItemLine> = {}): ItemLine => ({
  kind: 'item',
  path: path.split('/'),
  no: 1,
  searchKey: '',
  madeBy: 'admin',
  itemClass: 'IPM.Note',
  isRead: false,
  flags: 0,
  mimeSha256: mime,
  mimeBytes: 10,
  properties: {},
  ...more,
});
const flag = (value: number) => ({ properties: { '0x1090': { type: 'Integer', value } } });

async function* lines(...all: readonly SnapshotLine[]) {
  yield* all;
}
const compare = (source: readonly SnapshotLine[], target: readonly SnapshotLine[]) =>
  compareMailboxes(lines(...source), lines(...target));

const inbox = folder('Inbox', 'inbox');
const eingang = folder('Posteingang', 'inbox');

describe('what the lab knows of both sides', () => {
  test('equal, whatever the language of well-known folders', async () => {
    const source = [inbox, item('Inbox', 'a'), folder('Inbox/Sub'), item('Inbox/Sub', 'b')];
    const target = [eingang, item('Posteingang', 'a'), folder('Posteingang/Sub'), item('Posteingang/Sub', 'b')];
    expect(await compare(source, target)).toEqual({
      folders: 2,
      items: 2,
      bytes: 20,
      lost: 0,
      duplicated: 0,
      altered: 0,
      differences: {},
    });
  });

  test('lost, duplicated: equal mails are counted', async () => {
    expect(await compare([inbox, item('Inbox', 'a'), item('Inbox', 'a')], [inbox, item('Inbox', 'a')])).toMatchObject({
      lost: 1,
      duplicated: 0,
      altered: 0,
    });
    expect(
      await compare([inbox, item('Inbox', 'a')], [inbox, item('Inbox', 'a'), item('Inbox', 'a'), item('Inbox', 'z')]),
    ).toMatchObject({ lost: 0, duplicated: 2 });
  });

  test.each([
    ['the read mark', { isRead: true }, ['isRead']],
    ['the flag', flag(2), ['flagStatus']],
    ['the class', { itemClass: 'IPM.Note.SMIME' }, ['itemClass']],
    ['a draft', { flags: 8 }, ['draft']],
  ] as const)('altered: %s', async (_what, more, names) => {
    const result = await compare([inbox, item('Inbox', 'a')], [inbox, item('Inbox', 'a', more)]);
    expect(result).toMatchObject({ lost: 0, duplicated: 0, altered: 1 });
    expect(Object.keys(result.differences)).toEqual(names);
  });

  test('altered: another folder', async () => {
    const result = await compare([inbox, folder('X'), item('X', 'a')], [inbox, folder('X'), item('Inbox', 'a')]);
    expect(result).toMatchObject({ altered: 1, differences: { folder: 1 } });
  });

  test('each difference is told, without a subject', async () => {
    const told: unknown[] = [];
    const made = {
      mimeSha256: null,
      properties: { '0x1035': { type: 'String', value: '<1@x>' }, '0x0037': { type: 'String', value: 'Private' } },
    };
    await compareMailboxes(lines(inbox, item('Inbox', 'a')), lines(inbox, item('Inbox', '', made)), {
      tell: (difference) => told.push(difference),
    });
    expect(told).toEqual([
      { what: 'lost from @inbox', mail: 'a', itemClass: 'IPM.Note', source: ['@inbox'], target: [] },
      { what: 'too many in @inbox', mail: '<1@x>', itemClass: 'IPM.Note', source: [], target: ['@inbox'] },
    ]);
  });

  test('what arrived on the target, or was written there, is nobody’s copy', async () => {
    const isCopier = (madeBy: string) => madeBy === 'admin';
    const target = [inbox, item('Inbox', 'a', { madeBy: 'people' }), item('Inbox', 'b', { madeBy: 'server' })];
    const result = await compareMailboxes(lines(inbox, item('Inbox', 'a')), lines(...target), { isCopier });
    expect(result).toMatchObject({ lost: 1, duplicated: 0, differences: { 'lost from @inbox': 1 } });
  });

  test('copies are interchangeable, and only the one that differs counts', async () => {
    const source = [inbox, item('Inbox', 'a', { isRead: true }), item('Inbox', 'a')];
    expect(await compare(source, [inbox, item('Inbox', 'a'), item('Inbox', 'a', { isRead: true })])).toMatchObject({
      altered: 0,
    });
    expect(await compare(source, [inbox, item('Inbox', 'a'), item('Inbox', 'a')])).toMatchObject({ altered: 1 });
  });

  test('absent and zero are the same; seconds are all that travels', async () => {
    const time = (value: number) => ({ properties: { '0x0039': { type: 'SystemTime', value } } });
    expect(await compare([inbox, item('Inbox', 'a', flag(0))], [inbox, item('Inbox', 'a')])).toMatchObject({
      altered: 0,
    });
    expect(
      await compare([inbox, item('Inbox', 'a', time(5999))], [inbox, item('Inbox', 'a', time(5000))]),
    ).toMatchObject({ altered: 0 });
    expect(
      await compare([inbox, item('Inbox', 'a', time(6000))], [inbox, item('Inbox', 'a', time(5000))]),
    ).toMatchObject({ altered: 1 });
  });

  test('what is never carried over is not missed', async () => {
    const source = [
      folder('Deletions', 'recoverableitemsdeletions'),
      item('Deletions', 'd'),
      folder('Outbox', 'outbox'),
      item('Outbox', 'a'),
      folder('Outbox/x'),
      item('Outbox/x', 'b'),
      folder('Calendar', 'calendar', 'IPF.Appointment'),
      item('Calendar', 'c'),
    ];
    expect(await compare(source, [])).toMatchObject({ items: 0, lost: 0 });
  });
});
