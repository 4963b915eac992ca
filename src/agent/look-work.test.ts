import { beforeEach, describe, expect, test } from 'vitest';
import type { Connector, Glance } from '#connectors/contract.ts';
import { FaultError } from '#kit/fault.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { FolderInfo, FolderMark } from '#model/folder.ts';
import type { FolderId, PairId } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import type { Store } from '#store/store.ts';
import { type Looked, Looker, lookGroups, lookWork } from './look-work.ts';

const schedule = { zone: 'UTC', windows: [], everyMs: 3_600_000 };
const looked = (n: number, collection = 'staff'): Looked => ({
  pair: `pair ${n}` as PairId,
  collection,
  left: { organization: 'old', address: `p${n}@old.example` },
  right: { organization: 'new', address: `p${n}@new.example` },
  kinds: ['calendar'],
  bothWays: ['calendar'],
  schedule,
});
const folder = (side: string) => `${side} calendar` as FolderId;

test('groups hold pairs of one collection, the same ones in every process', () => {
  const pairs = Array.from({ length: 300 }, (_, n) => looked(n));
  const groups = lookGroups([...pairs, looked(1, 'other')]);
  expect(groups.map(({ key, pairs: { length } }) => [key, length])).toEqual([
    ['look:staff:0', 250],
    ['look:staff:1', 50],
    ['look:other:0', 1],
  ]);
  expect(lookGroups([...pairs].reverse())).toEqual(lookGroups(pairs));
});

describe('looks', () => {
  const clock = new SteppingClock(1_000_000);
  let notified: string[];
  let rows: FolderRow[];
  let marks: Map<FolderId, FolderMark>;
  /** Folders of the kind beside those that are in step. */
  let more: string[];
  let calls: string[];
  let fault: FaultError | null;
  /** To the store. */
  let questions: number;

  const info = (id: string, { mark, settling }: FolderMark): FolderInfo =>
    ({
      id,
      parent: null,
      name: id,
      containerClass: 'IPF.Appointment',
      mark,
      ...(settling && { settling }),
    }) as unknown as FolderInfo;
  const connect = async (organization: string) =>
    ({
      mailbox: (address: string) => ({
        marks: async (wanted: readonly FolderId[]) => {
          calls.push(`marks ${organization}`);
          expect(address).toMatch(organization);
          if (fault) throw fault;
          return new Map(wanted.flatMap((id) => [marks.get(id)].flatMap((mark) => (mark ? [[id, mark]] : []))));
        },
        tree: async () => {
          calls.push(`tree ${organization}`);
          const side = organization === 'old' ? 'left' : 'right';
          const shown = [...marks].filter(([id]) => id.startsWith(side)).map(([id, mark]) => info(id, mark));
          return { folders: [...shown, ...more.map((id) => info(`${side} ${id}`, { mark: '1' }))] };
        },
      }),
    }) as unknown as Connector;
  const store = {
    folderMarks: async (pairs: readonly PairId[]) => {
      questions++;
      return new Map(pairs.map((pair) => [pair, rows]));
    },
    notify: async (keys: readonly string[]) => void notified.push(...keys),
  } as Partial<Store> as Store;
  const looker = () => new Looker(store, clock, connect, new AbortController().signal);
  const row = (leftMark: string | null, rightMark: string | null) =>
    ({
      left: folder('left'),
      right: folder('right'),
      excluded: null,
      rightGone: false,
      leftMark,
      rightMark,
    }) as FolderRow;
  const taken = () => notified.splice(0);

  beforeEach(() => {
    notified = [];
    calls = [];
    questions = 0;
    more = [];
    fault = null;
    rows = [row('1', '1')];
    marks = new Map([
      [folder('left'), { mark: '1' }],
      [folder('right'), { mark: '1' }],
    ]);
  });

  test('marks that a pass recorded are no news', async () => {
    const it = looker();
    await it.look(looked(1));
    await it.look(looked(1));
    expect(taken()).toEqual([]);
    expect(calls).toEqual(['marks old', 'marks new', 'marks old', 'marks new']);
  });

  test.each(['left', 'right'])('a mark that moved on the %s is, once', async (side) => {
    const it = looker();
    await it.look(looked(1));
    marks.set(folder(side), { mark: '2' });
    await it.look(looked(1));
    expect(taken()).toEqual(['calendar:pair 1']);
    await it.look(looked(1));
    expect(taken()).toEqual([]);
  });

  test('what happened before the process began is found as well', async () => {
    rows = [row('1', '0')];
    await looker().look(looked(1));
    expect(taken()).toEqual(['calendar:pair 1']);
  });

  test('the target of what is carried one way is not looked at', async () => {
    marks.set(folder('right'), { mark: '2' });
    await looker().look({ ...looked(1), bothWays: [] });
    expect(taken()).toEqual([]);
    expect(calls).toEqual(['marks old']);
  });

  test('a mark that is still settling is looked at again', async () => {
    const it = looker();
    await it.look(looked(1));
    marks.set(folder('left'), { mark: '2', settling: true });
    await it.look(looked(1));
    marks.set(folder('left'), { mark: '2' });
    await it.look(looked(1));
    expect(taken()).toEqual(['calendar:pair 1', 'calendar:pair 1']);
  });

  test('a folder that is gone, a server that shows no marks', async () => {
    const it = looker();
    marks.set(folder('left'), { mark: null });
    await it.look(looked(1));
    expect(taken()).toEqual([]);
    marks.delete(folder('left'));
    await it.look(looked(1));
    expect(taken()).toEqual(['calendar:pair 1']);
  });

  test('a fault is the business of the pass; a broken assumption is not', async () => {
    const it = looker();
    fault = new FaultError({ kind: 'fatal', code: 'access-denied', detail: 'no' });
    await it.look(looked(1));
    expect(taken()).toEqual(['calendar:pair 1']);
    const broken = new Looker(
      { ...store, folderMarks: () => Promise.reject(new TypeError('ours')) } as Store,
      clock,
      connect,
      new AbortController().signal,
    );
    await expect(broken.look(looked(1))).rejects.toThrow('ours');
  });

  describe('by glances', () => {
    /** What the glance at a side throws. */
    let failing: (organization: string) => Error | null;
    const glancing = async (organization: string) => ({
      ...(await connect(organization)),
      async glance(address: string, wanted: readonly FolderId[], before: string | null): Promise<Glance | 'same'> {
        expect(address).toMatch(organization);
        calls.push(`glance ${organization}`);
        const error = failing(organization);
        if (error) throw error;
        const shown = wanted.flatMap((id) => [marks.get(id)].flatMap((mark) => (mark ? [[id, mark] as const] : [])));
        const digest = JSON.stringify(shown.map(([id, { mark }]) => [id, mark]));
        if (digest === before) return 'same';
        const isSettling = shown.some(([, { settling }]) => settling);
        return { marks: new Map(shown), digest: isSettling ? null : digest };
      },
    });
    const glancer = () => new Looker(store, clock, glancing, new AbortController().signal);
    beforeEach(() => {
      failing = () => null;
    });

    test.each([
      'left',
      'right',
    ])('a mark that moves on the %s is news, once; a pass that recorded it makes none', async (side) => {
      const it = glancer();
      for (let n = 0; n < 3; n++) await it.look(looked(1));
      expect(taken()).toEqual([]);
      marks.set(folder(side), { mark: '2' });
      for (let n = 0; n < 3; n++) await it.look(looked(1));
      expect(taken()).toEqual(['calendar:pair 1']);
      marks.set(folder(side), { mark: '3' });
      rows = [row(marks.get(folder('left'))?.mark ?? null, marks.get(folder('right'))?.mark ?? null)];
      await it.look(looked(1));
      expect(taken()).toEqual([]);
      expect(calls.every((call) => call.startsWith('glance'))).toBe(true);
    });

    test('what is still settling is judged again', async () => {
      const it = glancer();
      await it.look(looked(1));
      marks.set(folder('left'), { mark: '2', settling: true });
      await it.look(looked(1));
      marks.set(folder('left'), { mark: '2' });
      for (let n = 0; n < 2; n++) await it.look(looked(1));
      expect(taken()).toEqual(['calendar:pair 1', 'calendar:pair 1']);
    });

    test('one that fails is asked again properly; what changed meanwhile is found', async () => {
      const it = glancer();
      await it.look(looked(1));
      failing = () => new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: false });
      marks.set(folder('right'), { mark: '2' });
      calls = [];
      await it.look(looked(1));
      expect(calls).toEqual(['glance old', 'glance new', 'marks old', 'marks new']);
      expect(taken()).toEqual(['calendar:pair 1']);
      failing = () => null;
      for (let n = 0; n < 2; n++) await it.look(looked(1));
      expect(taken()).toEqual([]);
      failing = () => new TypeError('ours');
      await expect(it.look(looked(1))).rejects.toThrow('ours');
    });

    test('what one side showed while the other one failed is judged again', async () => {
      const it = glancer();
      await it.look(looked(1));
      marks.set(folder('left'), { mark: '2' });
      fault = new FaultError({ kind: 'fatal', code: 'access-denied', detail: 'no' });
      failing = (organization) => (organization === 'new' ? fault : null);
      for (let n = 0; n < 2; n++) await it.look(looked(1));
      expect(taken()).toEqual(['calendar:pair 1', 'calendar:pair 1']);
      failing = () => null;
      for (let n = 0; n < 2; n++) await it.look(looked(1));
      expect(taken()).toEqual(['calendar:pair 1']);
    });

    test('a folder that came into step meanwhile is looked at', async () => {
      const it = glancer();
      for (let n = 0; n < 14; n++) await it.look(looked(1));
      rows = [...rows, { ...row('1', '1'), left: 'left more' as FolderId, right: 'right more' as FolderId }];
      marks.set('left more' as FolderId, { mark: '1' }).set('right more' as FolderId, { mark: '1' });
      for (let n = 0; n < 2; n++) await it.look(looked(1));
      taken();
      marks.set('right more' as FolderId, { mark: '2' });
      await it.look(looked(1));
      expect(taken()).toEqual(['calendar:pair 1']);
    });
  });

  test('one look in fifteen reads the tree, and finds folders that are new', async () => {
    const it = looker();
    for (let n = 0; n < 15; n++) await it.look(looked(1));
    expect(calls.filter((call) => call.startsWith('tree'))).toEqual(['tree old', 'tree new']);
    expect(taken()).toEqual([]);
    more = ['projects'];
    for (let n = 0; n < 15; n++) await it.look(looked(1));
    expect(taken()).toEqual(['calendar:pair 1']);
    for (let n = 0; n < 15; n++) await it.look(looked(1));
    expect(taken()).toEqual([]);
  });

  test('a folder that is in no row is found by the first tree', async () => {
    more = ['projects'];
    const it = looker();
    for (let n = 0; n < 15; n++) await it.look(looked(1));
    expect(taken()).toEqual(['calendar:pair 1']);
  });

  test('the store is asked once for a whole group, and not again for what is remembered', async () => {
    const it = looker();
    const pairs = Array.from({ length: 15 }, (_, n) => looked(n));
    const round = async () => {
      await it.prepare(pairs);
      for (const each of pairs) await it.look(each);
    };
    await round();
    expect(questions).toBe(1);
    // One of them reads its tree in each round.
    await round();
    expect(questions).toBe(2);
    expect(calls.filter((call) => call === 'tree old')).toHaveLength(2);
    rows = [row('1', '1'), { ...row('1', '1'), left: 'left more' as FolderId, right: 'right more' as FolderId }];
    marks.set('left more' as FolderId, { mark: '1' }).set('right more' as FolderId, { mark: '2' });
    for (let n = 0; n < 15; n++) await round();
    expect(taken().sort()).toEqual(pairs.map(({ pair }) => `calendar:${pair}`).sort());
    expect(questions).toBe(17);
  });

  test('groups have their turn one after the other, once an interval, until the process drains', async () => {
    const drain = new AbortController();
    const times: number[] = [];
    const began = clock.nowMs();
    const noting = async (organization: string) => {
      if (organization === 'old') times.push(clock.nowMs() - began);
      return connect(organization);
    };
    clock.at(began + 580_000 - 1, () => drain.abort());
    const services = { store, clock, draining: drain.signal } as unknown as Parameters<ReturnType<typeof lookWork>>[1];
    const claim = { token: 1, generation: 0, attempts: 1, leaseEndsAtMs: 0, dirtySinceMs: null };
    const work = lookWork(lookGroups(Array.from({ length: 260 }, (_, n) => looked(n))), noting);
    const second = { ...claim, key: 'look:staff:1' } as const;
    expect(await work(second, services, new AbortController().signal)).toMatchObject({ failed: false });
    // Ten pairs, half an interval after the first group, and once more; the last ones may begin when the clock has stepped on.
    expect(times).toHaveLength(20);
    expect(times.slice(0, 6)).toEqual(Array(6).fill(145_000));
    expect(times.slice(10, 16)).toEqual(Array(6).fill(435_000));
  });
});
