import { beforeEach, describe, expect, test } from 'vitest';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { ItemId, PairId, Side, Version } from '#model/ids.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import { type Store, trackId, type WorkRow } from '#store/store.ts';
import { Notices } from './notices.ts';

const pair = 'a → b' as PairId;
const track = trackId(pair, 'calendar');
const item = (id: string, version: string) => ({ id: id as ItemId, version: version as Version });

describe('notices', () => {
  let written: string[][];
  /** Recorded versions by side and item. */
  let recorded: Map<string, string>;
  let isRunning: () => boolean;
  let notices: Notices;

  beforeEach(() => {
    written = [];
    recorded = new Map();
    isRunning = () => false;
    const store = {
      notify: async (keys: readonly string[]) => void written.push([...keys]),
      work: async ([key]: readonly string[]) => [{ key, owner: isRunning() ? 'worker' : null } as WorkRow],
      typedLinks: async (of: PairId, side: Side, ids: readonly ItemId[]) => {
        expect(of).toBe(track);
        return ids.flatMap((id) => {
          const version = recorded.get(`${side} ${id}`);
          return version === undefined ? [] : [{ state: 'live', [side]: item(id, version) } as unknown as TypedLinkRow];
        });
      },
    } as Partial<Store> as Store;
    const log = { info() {}, warn() {} };
    notices = new Notices({ store, clock: new SteppingClock(0), log }, 20, new AbortController().signal);
  });

  test('what happened without a word about items is a notice, once a tick', async () => {
    notices.add(pair, 'calendar', null);
    notices.add(pair, 'calendar', null);
    notices.add(pair, 'mail', null);
    await notices.written();
    expect(written).toEqual([[`calendar:${pair}`, `mail:${pair}`]]);
  });

  test('versions that are recorded are no news', async () => {
    recorded.set('left one', '2').set('right two', '7');
    notices.add(pair, 'calendar', { side: 'left', items: [item('one', '1'), item('one', '2')] });
    notices.add(pair, 'calendar', { side: 'right', items: [item('two', '7')] });
    await notices.written();
    expect(written).toEqual([]);
  });

  test.each([
    ['another version', [item('one', '3')]],
    ['an item nobody knows', [item('one', '2'), item('new', '1')]],
  ])('%s is', async (_, items) => {
    recorded.set('left one', '2');
    notices.add(pair, 'calendar', { side: 'left', items });
    await notices.written();
    expect(written).toEqual([[`calendar:${pair}`]]);
  });

  test('an event without items beside one that is no news is news', async () => {
    recorded.set('left one', '2');
    notices.add(pair, 'calendar', { side: 'left', items: [item('one', '2')] });
    notices.add(pair, 'calendar', null);
    await notices.written();
    expect(written).toEqual([[`calendar:${pair}`]]);
  });

  test('waits for the pass that may just be writing it down', async () => {
    let looks = 0;
    isRunning = () => {
      if (++looks === 3) recorded.set('left one', '2');
      return looks < 4;
    };
    notices.add(pair, 'calendar', { side: 'left', items: [item('one', '2')] });
    await notices.written();
    expect(written).toEqual([]);
    expect(looks).toBe(3);
  });

  test('but not for ever', async () => {
    isRunning = () => true;
    notices.add(pair, 'calendar', { side: 'left', items: [item('one', '2')] });
    await notices.written();
    expect(written).toEqual([[`calendar:${pair}`]]);
  });
});
