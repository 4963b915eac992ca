import { expect, test } from 'vitest';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { FolderId, PairId } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import { trackId } from '#store/store.ts';
import { FolderKinds } from './folder-kinds.ts';

const pair = 'a → b' as PairId;
const row = (left: string, right: string | null, excluded: string | null = null) =>
  ({ left, right, excluded, rightGone: false }) as FolderRow;

test('a change in a folder is the business of the kind that has it in step, and of nobody where all leave it alone', async () => {
  let asked = 0;
  const rows = new Map<PairId, readonly FolderRow[]>([
    [
      trackId(pair, 'mail'),
      [row('inbox', 'posteingang'), row('cal', null, 'holds calendar'), row('rss', null, 'feeds')],
    ],
    [trackId(pair, 'calendar'), [row('cal', 'kalender'), row('rss', null, 'none of ours')]],
  ]);
  const clock = new SteppingClock(0);
  const store = {
    folderMarks: async (tracks: readonly PairId[]) => {
      asked++;
      return new Map(tracks.map((track) => [track, rows.get(track) ?? []]));
    },
  };
  const kinds = new FolderKinds(store, clock);
  const all = ['mail', 'calendar'] as const;
  const learn = (side: 'left' | 'right', id: string) => kinds.learn(pair, side, id as FolderId, all);
  expect(kinds.of(pair, 'cal' as FolderId)).toBeNull();
  expect(await learn('left', 'cal')).toEqual(['calendar']);
  expect(kinds.of(pair, 'cal' as FolderId)).toEqual(['calendar']);
  expect(await learn('right', 'posteingang')).toEqual(['mail']);
  expect(await learn('left', 'rss')).toEqual([]);
  asked = 0;
  // New to both: whoever has it in the end, and it is asked for again.
  expect(await learn('left', 'new')).toEqual(['mail', 'calendar']);
  expect(kinds.of(pair, 'new' as FolderId)).toBeNull();
  expect(asked).toBe(1);
  // Once in a while, since every mail of a mailbox comes into such a folder where only calendars are carried.
  expect(await learn('left', 'new')).toEqual([]);
  rows.set(trackId(pair, 'calendar'), [row('new', 'neu')]);
  expect(await learn('left', 'new')).toEqual(['calendar']);
  expect(await learn('left', 'other')).toEqual(['mail', 'calendar']);
  clock.advance(240_000);
  expect(await learn('left', 'other')).toEqual(['mail', 'calendar']);
});
