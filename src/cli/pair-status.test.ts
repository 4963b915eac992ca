import { expect, test } from 'vitest';
import type { LinkId, PairId, Side } from '#model/ids.ts';
import type { PairRow, Ringing } from '#store/store.ts';
import { statusOf } from './pair-status.ts';

const id = 'ana@old.example → ana@new.example' as PairId;
const side = { organization: 'o', address: 'a', mailbox: null };

const turnOf = (active: Side, ringing: Ringing | null) => {
  const row: PairRow = {
    id,
    kind: 'calendar',
    collection: 'all',
    left: side,
    right: side,
    state: 'in-step',
    stoppedBecause: null,
    pass: 1,
    lastPass: null,
    ringing,
    knownSinceMs: 0,
    counts: { folders: 1, links: 1, quarantined: 0, bytesCopied: 0, conflicts: 0, leftItems: 1 },
  };
  const pair = { id, collection: 'all', source: 'a', target: 'a', active };
  return statusOf({ pair, kind: 'calendar' }, row, null, 0).remindersMoveTo;
};

test('status says where reminders move to, from the switch until all have moved', () => {
  expect(turnOf('left', null)).toBeNull();
  expect(turnOf('left', { on: 'left', isDone: true, upTo: null })).toBeNull();
  expect(turnOf('right', { on: 'left', isDone: true, upTo: null })).toBe('target');
  expect(turnOf('right', { on: 'right', isDone: false, upTo: 'x' as LinkId })).toBe('target');
  expect(turnOf('left', { on: 'right', isDone: false, upTo: 'x' as LinkId })).toBe('source');
});
