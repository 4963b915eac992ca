/**
 * What a store has to do, whatever it is made of. Run by `src/store/sqlite-store.test.ts` and `src/store/postgres-store.test.ts`.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { ItemId } from '#model/ids.ts';
import type { LinkRow } from '#model/link.ts';
import { type StampText, stampKey } from '#model/stamp.ts';
import type { TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import type { Day } from '#model/wall-time.ts';
import type { DirectoryCommit } from '#store/directory-records.ts';
import { type Claim, type Commit, FencedOut, type Store, trackId } from '#store/store.ts';
import { commitModel } from './store-commit-model.ts';
import {
  busy,
  directoryEntry,
  directoryLink,
  folder,
  folderId,
  guid,
  identity,
  intent,
  itemId,
  key,
  link,
  linkId,
  mailbox,
  pair,
  pairId,
  quarantined,
  switchStep,
  typedHead,
  typedIntent,
  typedLink,
  unclaimed,
  unlinkedRow,
} from './store-rows.ts';
import { workModel } from './store-work-model.ts';

export interface StoreSuite {
  readonly name: string;
  /** Opens an empty store. */
  open(clock: Clock): Promise<Store>;
  /** Removes what `open` made, after the store was closed. */
  remove?(): Promise<void>;
  /** Parts of the contract that it does not keep. */
  readonly lacks?: readonly ('directory' | 'switches' | 'budgets')[];
  /** Runs of each property; fewer where a run is slow. */
  readonly propertyRuns: number;
}

/** Wall clock that stands until it is set; sleeps in real time, because the databases do. */
class TestClock implements Clock {
  now = 1_700_000_000_000;
  nowMs(): number {
    return this.now;
  }
  monotonicMs(): number {
    return performance.now();
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = setTimeout(resolve, ms);
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

const SECOND = 1000;
const LEASE = 30 * SECOND;

export function storeSuite({ name, open, remove, lacks = [], propertyRuns }: StoreSuite): void {
  describe(name, () => {
    const clock = new TestClock();
    let store: Store;
    let used = 0;
    /** A pair of its own for each test, so that they share one store. */
    let n = 0;
    let id = pairId(0);
    const commit = (what: Commit, claim: Claim | null = null) => store.commit(id, claim, what);

    beforeAll(async () => {
      store = await open(clock);
    });
    beforeEach(async () => {
      n = used++;
      id = pairId(n);
      await store.putPairs([pair(n, `collection ${n}`)]);
    });
    afterAll(async () => {
      await store?.close();
      await remove?.();
    });

    describe('pairs', () => {
      test('a new pair has no history', async () => {
        expect(await store.pair(id)).toEqual({
          ...pair(n, `collection ${n}`),
          state: 'new',
          stoppedBecause: null,
          pass: 0,
          lastPass: null,
          ringing: null,
          knownSinceMs: clock.now,
          counts: { folders: 0, links: 0, quarantined: 0, bytesCopied: 0, conflicts: 0, leftItems: 0 },
        });
        expect(await store.pair(pairId(-1))).toBeNull();
      });

      test('putting it again keeps what is known of it', async () => {
        const lastPass = {
          pass: 3,
          startedAtMs: 1,
          endedAtMs: 2,
          writes: 3,
          requestsLeft: 4,
          requestsRight: 5,
          bytes: 6,
          waitedMs: { network: 7 },
          held: 0,
          outcome: 'partial',
        } as const;
        await commit({
          pair: {
            state: 'stopped',
            stoppedBecause: 'quota: full',
            pass: 3,
            lastPass,
            ringing: { on: 'right', isDone: false, upTo: linkId(1) },
            leftMailbox: mailbox(1),
            rightMailbox: mailbox(2),
            leftItems: 9,
          },
          bytesCopied: 2 ** 40,
        });
        await store.putPairs([{ ...pair(n, 'renamed'), left: { ...pair(n).left, address: 'new@old.example' } }]);
        expect(await store.pair(id)).toEqual({
          ...pair(n, 'renamed'),
          left: { organization: 'old', address: 'new@old.example', mailbox: mailbox(1) },
          right: { ...pair(n).right, mailbox: mailbox(2) },
          state: 'stopped',
          stoppedBecause: 'quota: full',
          pass: 3,
          lastPass,
          ringing: { on: 'right', isDone: false, upTo: linkId(1) },
          knownSinceMs: clock.now,
          counts: { folders: 0, links: 0, quarantined: 0, bytesCopied: 2 ** 40, conflicts: 0, leftItems: 9 },
        });
        expect((await store.pairs({ collection: 'renamed' })).map((row) => row.id)).toEqual([id]);
        await commit({ pair: { state: 'in-step', stoppedBecause: null } });
        expect(await store.pair(id)).toMatchObject({ state: 'in-step', stoppedBecause: null, pass: 3 });
        await store.putPairs([pair(n, `collection ${n}`)]);
      });

      test('are listed by collection', async () => {
        const all = await store.pairs();
        expect(all.map((row) => row.id)).toContain(id);
        expect(await store.pairs({ collection: `collection ${n}` })).toHaveLength(1);
        expect(await store.pairs({ collection: 'no such' })).toEqual([]);
      });

      test('a pair that was never put is empty to read and refused to write', async () => {
        const stranger = pairId(-2);
        expect(await store.folders(stranger)).toEqual([]);
        expect(await store.folderMarks([stranger])).toEqual(new Map());
        expect(await store.linksById(stranger, 'left', [itemId(1)])).toEqual([]);
        expect(await store.deletionsSince(stranger, 0)).toBe(0);
        await expect(store.commit(stranger, null, { bytesCopied: 1 })).rejects.toMatchObject({
          name: 'StoreError',
          code: 'unknown-pair',
        });
      });
    });

    describe('commit and read', () => {
      test('folders, with any name', async () => {
        await commit({ folders: [folder(0), folder(1), folder(2)] });
        const changed = folder(1, {
          rightName: 'x',
          leftMark: null,
          goneSincePass: 4,
          rightGone: true,
          excluded: 'by rule',
        });
        await commit({ folders: [changed], foldersForgotten: [folderId(2)] });
        expect(byKey(await store.folders(id), 'left')).toEqual(byKey([folder(0), changed], 'left'));
        expect((await store.pair(id))?.counts.folders).toBe(2);
      });

      test('marks of the folders of many pairs, each once', async () => {
        await commit({ folders: [folder(0), folder(1, { excluded: 'by rule', rightGone: true })] });
        const found = await store.folderMarks([id, ...Array.from({ length: 600 }, (_, k) => pairId(-3 - k)), id]);
        expect([...found.keys()]).toEqual([id]);
        const marks = (await store.folders(id)).map(({ left, right, excluded, rightGone, leftMark, rightMark }) => ({
          left,
          right,
          excluded,
          rightGone,
          leftMark,
          rightMark,
        }));
        expect(byKey(found.get(id) ?? [], 'left')).toEqual(byKey(marks, 'left'));
      });

      test('links by either id, search key, stamp', async () => {
        const rows = [
          link(1),
          link(2, { seenLeft: busy, seenRight: busy, touched: ['isRead', 'folder', 'content'] }),
          link(3),
        ];
        await commit({ links: rows });
        expect(
          byKey(
            await store.linksById(id, 'left', [itemId('left1'), itemId('left2'), itemId('left1'), itemId('none')]),
            'id',
          ),
        ).toEqual(rows.slice(0, 2));
        expect(await store.linksById(id, 'right', [itemId('right3')])).toEqual([link(3)]);
        expect(await store.linksById(id, 'right', [itemId('left3'), itemId('RIGHT3')])).toEqual([]);
        expect(await store.linksById(id, 'left', [])).toEqual([]);
        expect(await store.linksByStamp(id, [key('stamp2'), key('other')])).toEqual([rows[1]]);
        expect(await store.linksBySearchKey(id, [link(3).searchKey])).toEqual([link(3)]);
      });

      test('links of mails without a search key by fingerprint', async () => {
        const print = 'same';
        const rows = [1, 2, 3].map((n) => link(n, { searchKey: n === 1 ? 'abc' : '', fingerprint: print }));
        await commit({ links: [...rows, link(4, { searchKey: '', fingerprint: 'other' })] });
        expect(byKey(await store.linksByFingerprint(id, [print, 'none']), 'id')).toEqual(rows.slice(1));
        expect(await store.linksByFingerprint(id, [])).toEqual([]);
      });

      test('links are replaced by id, and their old item ids are free again', async () => {
        await commit({ links: [link(1), link(2)] });
        const moved = link(1, {
          leftId: itemId('moved'),
          leftFolder: folderId(77),
          state: 'left-gone',
          goneSincePass: 5,
          seenLeft: busy,
        });
        await commit({ links: [moved] });
        expect(await store.linksById(id, 'left', [itemId('left1'), itemId('moved')])).toEqual([moved]);
        // In one commit: the old owner of an item id ends, another link takes it over.
        const heir = link(9, { rightId: itemId('right2') });
        await commit({ linksForgotten: [linkId(2)], links: [heir] });
        expect(await store.linksById(id, 'right', [itemId('right2')])).toEqual([heir]);
        expect((await store.pair(id))?.counts.links).toBe(1);
      });

      test('two links of one item are refused, and nothing of the commit stays', async () => {
        await commit({ links: [link(1)] });
        const twin = link(2, { leftId: itemId('left1') });
        await expect(commit({ links: [link(3), twin], bytesCopied: 5, history: [] })).rejects.toMatchObject({
          name: 'StoreError',
          code: 'contradiction',
        });
        expect(await store.links(id, {}, null, 10)).toEqual([link(1)]);
        expect((await store.pair(id))?.counts).toMatchObject({ links: 1, bytesCopied: 0 });
      });

      test('links page by page, by state and by folder', async () => {
        const rows = Array.from({ length: 25 }, (_, i) =>
          link(i, i % 4 === 0 ? { state: 'right-gone', goneSincePass: 2 } : {}),
        );
        await commit({ links: rows });
        const pages = async (filter: {
          state?: LinkRow['state'];
          leftFolder?: LinkRow['leftFolder'];
          rightFolder?: LinkRow['rightFolder'];
        }): Promise<LinkRow[]> => {
          const got: LinkRow[] = [];
          for (let after: LinkRow['id'] | null = null; ; after = got.at(-1)?.id ?? null) {
            const page: readonly LinkRow[] = await store.links(id, filter, after, 4);
            got.push(...page);
            if (page.length < 4) return got;
          }
        };
        expect(await pages({})).toEqual(rows);
        expect(await pages({ state: 'live' })).toEqual(rows.filter((row) => row.state === 'live'));
        expect(await pages({ state: 'right-gone' })).toEqual(rows.filter((row) => row.state === 'right-gone'));
        expect(await pages({ state: 'left-gone' })).toEqual([]);
        expect(await pages({ leftFolder: folderId(1) })).toEqual(rows.filter((row) => row.leftFolder === folderId(1)));
        expect(await pages({ leftFolder: folderId(999) })).toEqual([]);
        const { rightFolder } = must(rows[0], 'a link');
        const there = rows.filter((row) => row.rightFolder === rightFolder);
        expect(there.length).toBeLessThan(rows.length);
        expect(await pages({ rightFolder })).toEqual(there);
        expect(await pages({ rightFolder: folderId(999) })).toEqual([]);
        expect((await store.pair(id))?.counts.links).toBe(rows.filter((row) => row.state === 'live').length);
      });

      test('a batch of many links', async () => {
        const rows = Array.from({ length: 1037 }, (_, i) => link(i));
        await commit({ links: rows });
        const found = await store.linksById(
          id,
          'left',
          rows.map((row) => row.leftId),
        );
        expect(byKey(found, 'id')).toEqual(rows);
        await commit({ linksForgotten: rows.slice(0, 1000).map((row) => row.id) });
        expect((await store.pair(id))?.counts.links).toBe(37);
      });

      test('keys that are no hex are kept as they are', async () => {
        const odd = link(1, { searchKey: 'ABCDEF', fingerprint: 'not hex', stampKey: 'abc' as LinkRow['stampKey'] });
        await commit({ links: [odd] });
        expect(await store.linksBySearchKey(id, ['ABCDEF'])).toEqual([odd]);
        expect(await store.linksBySearchKey(id, ['abcdef'])).toEqual([]);
      });

      test('intents', async () => {
        const replacing = intent(2, { replaces: { link: linkId(7), right: itemId('old'), rightVersion: null } });
        await commit({ intents: [intent(1), replacing, intent(3)] });
        await commit({ intentsResolved: [intent(1).stampKey], intents: [intent(3, { settledAfterMs: 5 })] });
        expect(byKey(await store.intents(id), 'stampKey')).toEqual(
          byKey([replacing, intent(3, { settledAfterMs: 5 })], 'stampKey'),
        );
      });

      test('unclaimed copies by search key, fingerprint, id', async () => {
        await commit({ unclaimed: [unclaimed(1), unclaimed(2), unclaimed(3)] });
        const ids = async (found: Promise<readonly { right: { id: string } }[]>) =>
          (await found).map((row) => row.right.id).sort();
        expect(await ids(store.unclaimedBySearchKey(id, [unclaimed(1).searchKey]))).toEqual([
          itemId('right1'),
          itemId('right3'),
        ]);
        expect(await ids(store.unclaimedByFingerprint(id, [unclaimed(3).fingerprint]))).toEqual([itemId('right3')]);
        expect(await store.unclaimedById(id, [itemId('right2')])).toEqual([unclaimed(2)]);
        await commit({ unclaimedTaken: [itemId('right1')] });
        expect(await ids(store.unclaimed(id, 9))).toEqual([itemId('right2'), itemId('right3')]);
        expect(await store.unclaimed(id, 1)).toHaveLength(1);
        expect(await store.unclaimedCount(id)).toBe(2);
      });

      test('copies whose stamp outlived its link are not left over, until the pair is forgotten', async () => {
        await commit({ unclaimed: [unclaimed(1), unclaimed(2)], outlived: [unclaimed(2).stampKey, key('nobody')] });
        expect(await store.unclaimed(id, 9)).toEqual([unclaimed(1)]);
        expect(await store.unclaimedCount(id)).toBe(2);
        // Seen again, and said again.
        await commit({ unclaimed: [unclaimed(2)], outlived: [unclaimed(2).stampKey] });
        expect(await store.unclaimed(id, 9)).toEqual([unclaimed(1)]);
        await store.forget(id);
        await commit({ unclaimed: [unclaimed(2)] });
        expect(await store.unclaimed(id, 9)).toEqual([unclaimed(2)]);
      });

      test('deletions of a time', async () => {
        await commit({ deletions: { atMs: 1000, count: 3 } });
        await commit({ deletions: { atMs: 2000, count: 4 } });
        expect(await store.deletionsSince(id, 0)).toBe(7);
        expect(await store.deletionsSince(id, 1001)).toBe(4);
        await commit({ deletions: { atMs: 2000 + 8 * 24 * 3_600_000, count: 1 } });
        expect(await store.deletionsSince(id, 0)).toBe(1);
      });

      test('quarantine, and how it is retried', async () => {
        await commit({ quarantine: [quarantined(1), quarantined(2, { reason: 'corrupt' })] });
        const rows = await store.quarantine({ pair: id }, 10);
        expect(rows).toEqual([
          { ...quarantined(1), detail: 'larger than the limit \ufffd 1', pair: id },
          { ...quarantined(2, { reason: 'corrupt' }), detail: 'larger than the limit \ufffd 2', pair: id },
        ]);
        expect(await store.retryQuarantine({ pair: id, reason: 'corrupt' })).toBe(1);
        expect((await store.quarantine({ pair: id, reason: 'corrupt' }, 10)).map((row) => row.retry)).toEqual([true]);
        expect((await store.quarantine({ pair: id, reason: 'too-large' }, 10)).map((row) => row.retry)).toEqual([
          false,
        ]);
        await commit({ quarantineLeft: [itemId('bad1')] });
        expect((await store.pair(id))?.counts.quarantined).toBe(1);
        expect((await store.quarantine({ reason: 'corrupt' }, 1000)).some((row) => row.pair === id)).toBe(true);
      });

      test('journal, newest first, with values of any kind', async () => {
        const row = (field: string, base: unknown) =>
          ({
            atMs: 5,
            link: linkId(1),
            field,
            day: null,
            base,
            left: [1, null],
            right: 'r',
            winner: 'right',
            why: 'a person changed it',
          }) as const;
        await commit({ journal: [row('isRead', false), row('categories', ['a'])] });
        expect(await store.journal({ pair: id }, 1)).toEqual([
          { ...row('categories', ['a']), pair: id, no: expect.any(Number), restoredAtMs: null },
        ]);
        expect(await store.journal({ pair: id }, 9)).toHaveLength(2);
        expect((await store.pair(id))?.counts.conflicts).toBe(2);
      });

      test('journal entries of an occurrence, by number, and marked when put back', async () => {
        const about = (day: string | null) =>
          ({
            atMs: 5,
            link: linkId(1),
            field: 'location',
            day: day as Day | null,
            base: null,
            left: 'Room 1',
            right: 'Room 2',
            winner: 'left',
            why: 'the person works there',
          }) as const;
        await commit({ journal: [about('2024-03-11'), about(null)] });
        const [series, occurrence] = await store.journal({ pair: id }, 9);
        expect([occurrence?.day, series?.day]).toEqual(['2024-03-11', null]);
        const no = occurrence?.no ?? Number.NaN;
        expect(await store.journal({ no }, 9)).toEqual([occurrence]);
        await commit({ journalRestored: { no, atMs: 77.4 } });
        expect((await store.journal({ pair: id }, 9)).map((row) => row.restoredAtMs)).toEqual([null, 77]);
        // Not by way of another pair.
        await store.putPairs([pair(-5)]);
        await store.commit(pairId(-5), null, { journalRestored: { no: series?.no ?? 0, atMs: 1 } });
        expect((await store.journal({ pair: id }, 9)).map((row) => row.restoredAtMs)).toEqual([null, 77]);
      });

      test('history, newest first, by item of either side and by time', async () => {
        const row = (i: number, left: string | null, right: string | null) =>
          ({ pass: 1, atMs: i, action: 'create', reason: 'new', left, right, outcome: 'done', detail: null }) as const;
        const rows = [row(1, 'a', 'x'), row(2, 'b', 'a'), row(3, null, 'c')];
        await commit({ history: rows });
        const history = async (filter: { item?: string; sinceMs?: number }, limit = 9) =>
          (await store.history({ pair: id, ...filter }, limit)).map((got) => got.atMs);
        expect(await store.history({ pair: id }, 1)).toEqual([{ ...row(3, null, 'c'), pair: id }]);
        expect(await history({ item: 'a' })).toEqual([2, 1]);
        expect(await history({ sinceMs: 2 })).toEqual([3, 2]);
        expect(await history({ item: 'a', sinceMs: 2 })).toEqual([2]);
        expect((await store.history({ item: 'c' }, 1000)).some((got) => got.pair === id)).toBe(true);
      });

      test('a commit that forgets everything records its own in the same transaction', async () => {
        await commit({ folders: [folder(1)], links: [link(1), link(2)], typedLinks: [typedLink(1)] });
        const stale = { key: 'mail:nobody', token: 7 } as unknown as Claim;
        await expect(store.commit(id, stale, { forgetsAll: { lostAtMs: null } })).rejects.toThrow();
        expect(await store.links(id, {}, null, 10)).toHaveLength(2);
        await commit({
          forgetsAll: { lostAtMs: null },
          folders: [folder(1)],
          links: [link(2)],
          pair: { rightMailbox: mailbox(2) },
        });
        expect(await store.links(id, {}, null, 10)).toEqual([link(2)]);
        expect(await store.pageTypedLinks(id, null, 10)).toEqual([]);
        expect(await store.pair(id)).toMatchObject({
          right: { mailbox: mailbox(2) },
          counts: { links: 1, folders: 1 },
        });
      });

      test('a pair is known since it was put, since intents of it were forgotten, or long enough', async () => {
        const since = async () => (await store.pair(id))?.knownSinceMs;
        const putAtMs = clock.now;
        clock.now += 1000;
        await store.putPairs([pair(n, `collection ${n}`)]);
        await commit({ links: [link(1)] });
        await store.forget(id);
        expect(await since()).toBe(putAtMs);
        for (const intents of [{ intents: [intent(1)] }, { typedIntents: [typedIntent(1)] }]) {
          clock.now += 1000;
          await commit(intents);
          await (intents.intents ? store.forget(id) : commit({ forgetsAll: { lostAtMs: null } }));
          expect(await since()).toBe(clock.now);
        }
        await commit({ pair: { state: 'in-step' } });
        await store.forget(id);
        expect(await since()).toBe(0);
        await commit({ forgetsAll: { lostAtMs: clock.now - 500 } });
        expect(await since()).toBe(clock.now - 500);
        await commit({ pair: { knownSinceMs: 0 } });
        expect(await since()).toBe(0);
      });

      test('forget keeps what no pass can find again', async () => {
        await commit({
          folders: [folder(1)],
          links: [link(1)],
          intents: [intent(1)],
          unclaimed: [unclaimed(1)],
          typedLinks: [typedLink(1)],
          typedIntents: [typedIntent(1)],
          unlinked: [unlinkedRow('left', 1), unlinkedRow('right', 1)],
          quarantine: [quarantined(1)],
          deletions: { atMs: 1, count: 1 },
          bytesCopied: 5,
          pair: { pass: 4, leftMailbox: mailbox(1) },
        });
        await store.forget(id);
        expect(await store.folders(id)).toEqual([]);
        expect(await store.links(id, {}, null, 10)).toEqual([]);
        expect(await store.intents(id)).toEqual([]);
        expect(await store.unclaimedCount(id)).toBe(0);
        expect(await store.pageTypedLinks(id, null, 10)).toEqual([]);
        expect(await store.typedIntents(id)).toEqual([]);
        for (const side of ['left', 'right'] as const)
          expect(await store.unlinked(id, side, [typedHead(1).id])).toEqual([]);
        expect(await store.quarantine({ pair: id }, 10)).toHaveLength(1);
        expect(await store.deletionsSince(id, 0)).toBe(1);
        expect(await store.pair(id)).toMatchObject({
          pass: 4,
          left: { mailbox: mailbox(1) },
          counts: { links: 0, folders: 0, quarantined: 1, bytesCopied: 5 },
        });
        await commit({ links: [link(1)], typedLinks: [typedLink(1)] });
        expect(await store.linksById(id, 'left', [itemId('left1')])).toEqual([link(1)]);
        expect(await store.typedLinks(id, 'left', [itemId('left1')])).toEqual([typedLink(1)]);
      });

      test('commits at the same time are each all or nothing', async () => {
        const tries = Array.from({ length: 20 }, (_, i) =>
          commit({
            links: [link(i), link(i + 100, i % 5 === 0 ? { leftId: itemId(`left${i}`) } : {})],
            bytesCopied: 1,
          }),
        );
        const outcomes = (await Promise.allSettled(tries)).map((outcome) => outcome.status === 'fulfilled');
        expect(outcomes).toEqual(Array.from({ length: 20 }, (_, i) => i % 5 !== 0));
        expect((await store.pair(id))?.counts).toMatchObject({ links: 32, bytesCopied: 16 });
        expect(await store.links(id, {}, null, 100)).toHaveLength(32);
      });

      test('a pair has a row per kind, and one kind knows nothing of another', async () => {
        const calendar = trackId(id, 'calendar');
        expect(calendar).not.toBe(id);
        expect(trackId(id, 'mail')).toBe(id);
        await store.putPairs([{ ...pair(n, `collection ${n}`), id: calendar, kind: 'calendar' }]);
        expect((await store.pairs({ collection: `collection ${n}` })).map((row) => row.kind).sort()).toEqual([
          'calendar',
          'mail',
        ]);
        await store.commit(calendar, null, { typedLinks: [typedLink(1)], folders: [folder(1)] });
        await commit({ links: [link(1)] });
        expect(await store.typedLinks(id, 'left', [itemId('left1')])).toEqual([]);
        expect(await store.folders(id)).toEqual([]);
        await store.forget(calendar);
        expect(await store.linksById(id, 'left', [itemId('left1')])).toEqual([link(1)]);
        expect(await store.typedLinks(calendar, 'left', [itemId('left1')])).toEqual([]);
      });

      test('equals a plain model after random commits', () =>
        commitModel(store, () => pair(10_000 + used++), propertyRuns));
    });

    describe('typed items', () => {
      test('links by either id and by identity, with what each side showed', async () => {
        const rows = [1, 2, 3, 4, 5].map((i) => typedLink(i));
        await commit({ typedLinks: rows });
        const ids = ['left1', 'left2', 'left1', 'none'].map(itemId);
        expect(byKey(await store.typedLinks(id, 'left', ids), 'id')).toEqual(rows.slice(0, 2));
        expect(await store.typedLinks(id, 'right', [itemId('right4'), itemId('left3'), itemId('RIGHT5')])).toEqual([
          rows[3],
        ]);
        expect(await store.typedLinks(id, 'left', [])).toEqual([]);
        expect(await store.typedLinksByIdentity(id, [identity(3), identity(4), identity(9)])).toEqual([rows[2]]);
        expect((await store.pair(id))?.counts.links).toBe(5);
      });

      test('identities of any length and letters; several links may have the same', async () => {
        const long = 'F'.repeat(10_000) as EventIdentity;
        const odd = ['fF', 'ff', 'FF', 'F', 'not hex', ''].map((text) => text as EventIdentity);
        const rows = [long, long, ...odd].map((each, i) => typedLink(i, { identity: each }));
        await commit({ typedLinks: rows });
        expect(byKey(await store.typedLinksByIdentity(id, [long]), 'id')).toEqual(rows.slice(0, 2));
        for (const [i, each] of odd.entries())
          expect(await store.typedLinksByIdentity(id, [each])).toEqual([rows[i + 2]]);
      });

      test('links are replaced by id, and their old item ids are free again', async () => {
        await commit({ typedLinks: [typedLink(1), typedLink(2)] });
        const { left, right } = typedLink(1);
        const moved = typedLink(1, {
          identity: identity(7),
          left: { ...right, id: itemId('moved'), folder: folderId(77) },
          right: { ...left, id: itemId('right1') },
          state: 'left-gone',
          goneSincePass: 5,
        });
        await commit({ typedLinks: [moved] });
        expect(await store.typedLinks(id, 'left', [itemId('left1'), itemId('moved')])).toEqual([moved]);
        expect(await store.typedLinksByIdentity(id, [identity(1)])).toEqual([]);
        const heir = typedLink(9, { right: { ...right, id: itemId('right2') } });
        await commit({ typedLinksForgotten: [linkId(2)], typedLinks: [heir] });
        expect(await store.typedLinks(id, 'right', [itemId('right2')])).toEqual([heir]);
        expect(await store.typedLinksGone(id, 9)).toEqual([moved]);
        expect(await store.typedLinksGone(id, 0)).toEqual([]);
        // Those that stay gone do not crowd out those that wait.
        const stays = typedLink(0, { state: 'left-gone' });
        await commit({ typedLinks: [stays] });
        expect(await store.typedLinksGone(id, 1)).toEqual([moved]);
        expect(await store.typedLinksGone(id, 9)).toEqual([moved, stays]);
        expect((await store.pair(id))?.counts.links).toBe(1);
      });

      test('two links of one item are refused, and nothing of the commit stays', async () => {
        await commit({ typedLinks: [typedLink(1)] });
        for (const side of ['left', 'right'] as const) {
          const twin = typedLink(2, { [side]: typedLink(1)[side] });
          await expect(
            commit({ typedLinks: [typedLink(3), twin], unlinked: [unlinkedRow('left', 1)] }),
          ).rejects.toMatchObject({ name: 'StoreError', code: 'contradiction' });
        }
        expect(await store.pageTypedLinks(id, null, 10)).toEqual([typedLink(1)]);
        expect(await store.unlinked(id, 'left', [typedHead(1).id])).toEqual([]);
      });

      test('links page by page', async () => {
        const rows = Array.from({ length: 600 }, (_, i) => typedLink(i));
        await commit({ typedLinks: rows });
        const got: TypedLinkRow[] = [];
        for (let after: TypedLinkRow['id'] | null = null; ; after = got.at(-1)?.id ?? null) {
          const page: readonly TypedLinkRow[] = await store.pageTypedLinks(id, after, 250);
          got.push(...page);
          if (page.length < 250) break;
        }
        expect(got).toEqual(rows);
        const found = await store.typedLinks(
          id,
          'right',
          rows.map((row) => row.right.id),
        );
        expect(byKey(found, 'id')).toEqual(rows);
        await commit({ typedLinksForgotten: rows.slice(0, 590).map((row) => row.id) });
        expect((await store.pair(id))?.counts.links).toBe(10);
      });

      test('intents of both sides', async () => {
        await commit({ typedIntents: [typedIntent(1), typedIntent(2), typedIntent(3)] });
        const later = typedIntent(3, { settledAfterMs: 5 });
        await commit({ typedIntentsResolved: [typedIntent(1).stampKey], typedIntents: [later] });
        expect(byKey(await store.typedIntents(id), 'stampKey')).toEqual(byKey([typedIntent(2), later], 'stampKey'));
      });

      test('unlinked items by id, identity and stamp, each side for itself', async () => {
        const rows = [1, 2, 3, 4, 5].flatMap((i) => [unlinkedRow('left', i), unlinkedRow('right', i)]);
        await commit({ unlinked: rows });
        for (const side of ['left', 'right'] as const) {
          const mine = rows.filter((row) => row.side === side);
          const [one, two, three] = mine;
          expect(await store.unlinked(id, side, [typedHead(2).id, itemId('none')])).toEqual([two]);
          expect(await store.unlinkedByIdentity(id, side, [identity(3), identity(4)])).toEqual([three]);
          const stamps = [1, 3].map((i) => stampKey(`cw1;old;${i}` as StampText));
          expect(await store.unlinkedByStamp(id, side, stamps)).toEqual([one]);
        }
        const renewed = unlinkedRow('left', 1, { identity: identity(8), stamp: null, folder: folderId(9) });
        await commit({ unlinked: [renewed], unlinkedTaken: [{ side: 'right', id: typedHead(1).id }] });
        expect(await store.unlinkedByIdentity(id, 'left', [identity(1), identity(8)])).toEqual([renewed]);
        expect(await store.unlinkedByStamp(id, 'left', [stampKey('cw1;old;1' as StampText)])).toEqual([]);
        expect(await store.unlinked(id, 'right', [typedHead(1).id])).toEqual([]);
      });

      test('unlinked items of a folder, page by page', async () => {
        const rows = Array.from({ length: 23 }, (_, i) => unlinkedRow('left', i));
        await commit({ unlinked: [...rows, unlinkedRow('right', 1)] });
        const got: UnlinkedRow[] = [];
        for (let after: ItemId | null = null; ; after = got.at(-1)?.head.id ?? null) {
          const page: readonly UnlinkedRow[] = await store.pageUnlinked(id, 'left', folderId(1), after, 4);
          got.push(...page);
          if (page.length < 4) break;
        }
        const byId = (list: readonly UnlinkedRow[]) => list.map(({ head }) => head.id).sort();
        expect(byId(got)).toEqual(byId(rows.filter(({ head }) => head.folder === folderId(1))));
        expect(await store.pageUnlinked(id, 'left', folderId(5), null, 4)).toEqual([]);
      });
    });

    describe.skipIf(lacks.includes('directory'))('directory', () => {
      let sync = '';
      // biome-ignore lint/suspicious/noDuplicateTestHooks: a block that may be skipped is one of its own, too.
      beforeEach(() => {
        sync = `sync ${n}`;
      });
      const record = (what: DirectoryCommit, claim: Claim | null = null) => store.commitDirectory(sync, claim, what);
      const all = () => store.pageDirectoryLinks(sync, null, 10_000);

      test('a sync is unknown until something is recorded of it', async () => {
        expect(await store.directorySync(sync)).toBeNull();
        expect(await store.directoryLinks(sync, 'left', [guid(1)])).toEqual([]);
        await record({});
        const begun = {
          sync,
          pass: 0,
          leftCursor: null,
          rightCursor: null,
          leftPinned: null,
          rightPinned: null,
          lastPass: null,
        };
        expect(await store.directorySync(sync)).toEqual(begun);
        const lastPass = {
          pass: 1,
          startedAtMs: 1,
          endedAtMs: 2,
          searches: 3,
          writes: 4,
          refused: 5,
          held: 6,
          outcome: 'partial',
          stoppedBecause: 'no-rights',
        } as const;
        await record({ sync: { pass: 1, leftCursor: 'c1', leftPinned: guid(1) } });
        await record({ sync: { rightCursor: 'c2', lastPass } });
        expect(await store.directorySync(sync)).toEqual({
          ...begun,
          pass: 1,
          leftCursor: 'c1',
          rightCursor: 'c2',
          leftPinned: guid(1),
          lastPass,
        });
        await record({ sync: { leftCursor: null } });
        expect(await store.directorySync(sync)).toMatchObject({ leftCursor: null, rightCursor: 'c2' });
      });

      test('links by either object, page by page', async () => {
        const rows = Array.from({ length: 700 }, (_, i) => directoryLink(i));
        await record({ links: rows });
        const found = await store.directoryLinks(sync, 'left', [guid(1), guid(2), guid(1), guid(1001)]);
        expect(byKey(found, 'left')).toEqual(rows.slice(1, 3));
        expect(await store.directoryLinks(sync, 'right', [guid(1003), guid(4)])).toEqual([rows[3]]);
        const got: DirectoryLink[] = [];
        for (let after: DirectoryLink['left'] | null = null; ; after = got.at(-1)?.left ?? null) {
          const page: readonly DirectoryLink[] = await store.pageDirectoryLinks(sync, after, 300);
          got.push(...page);
          if (page.length < 300) break;
        }
        expect(got).toEqual(rows);
        expect(
          await store.directoryLinks(
            sync,
            'right',
            rows.map(({ right }) => right),
          ),
        ).toHaveLength(700);
        expect(await store.countDirectoryLinks(sync)).toBe(700);
        expect(await store.directoryLinksGone(sync, 1000)).toEqual(
          rows.filter(({ goneSincePass }) => goneSincePass !== null),
        );
        expect(await store.directoryLinksGone(sync, 1)).toEqual(rows.slice(0, 1));
        await record({ links: [directoryLink(0, { goneSincePass: null })] });
        expect(await store.directoryLinksGone(sync, 1)).toEqual([rows[3]]);
        await record({ links: rows.slice(0, 1) });
        await record({ linksForgotten: rows.slice(1).map(({ left, right }) => ({ left, right })) });
        expect(await all()).toEqual(rows.slice(0, 1));
      });

      test('a link takes the place of those that have either of its objects', async () => {
        await record({ links: [directoryLink(1), directoryLink(2), directoryLink(3)] });
        const taken = directoryLink(1, { right: guid(1002), by: 'made' });
        await record({ links: [taken] });
        expect(await all()).toEqual([taken, directoryLink(3)]);
        // In one commit the last one counts, and what it took away stays away.
        await record({
          links: [directoryLink(4), directoryLink(5, { right: guid(1004) }), directoryLink(5, { right: guid(1003) })],
        });
        expect(await all()).toEqual([taken, directoryLink(5, { right: guid(1003) })]);
        // Forgotten is the link as it was named, not what took its place.
        await record({ linksForgotten: [{ left: guid(5), right: guid(1005) }] });
        expect(await all()).toHaveLength(2);
      });

      test('one sync knows nothing of another', async () => {
        await record({ links: [directoryLink(1)], journal: [directoryEntry(1)] });
        await store.commitDirectory(`other ${sync}`, null, { links: [directoryLink(1, { by: 'anchor' })] });
        expect(await all()).toEqual([directoryLink(1)]);
        expect(await store.directoryJournal({ sync: `other ${sync}` }, 9)).toEqual([]);
      });

      test('what waits, with its reason, until it is done', async () => {
        const row = { side: 'left', guid: guid(1), reason: 'ambiguous', detail: 'a \u0000 b', sinceMs: 5 } as const;
        const other = { ...row, side: 'right', detail: '', sinceMs: 3 } as const;
        await record({ waiting: [row, other, { ...row, guid: guid(2), sinceMs: 4 }] });
        await record({ waiting: [{ ...row, reason: 'no-rights', detail: 'x' }] });
        expect(await store.directoryWaiting(sync, 9)).toEqual([
          other,
          { ...row, guid: guid(2), sinceMs: 4, detail: 'a \ufffd b' },
          { ...row, reason: 'no-rights', detail: 'x' },
        ]);
        expect(await store.directoryWaiting(sync, 1)).toEqual([other]);
        await record({ waitingDone: [row, { side: 'right', guid: guid(2) }] });
        expect((await store.directoryWaiting(sync, 9)).map(({ side, guid: of }) => [side, of])).toEqual([
          ['right', guid(1)],
          ['left', guid(2)],
        ]);
      });

      test('the journal is numbered in the order given, and settled by number', async () => {
        const given = Array.from({ length: 130 }, (_, i) => directoryEntry(i));
        const numbers = await record({ journal: given });
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        expect(new Set(numbers).size).toBe(130);
        const rows = (await store.directoryJournal({ sync }, 1000)).toReversed();
        expect(rows).toEqual(
          given.map((entry, i) => ({ no: numbers[i], sync, ...entry, reason: `because \ufffd ${i}` })),
        );
        const [first = 0, second = 0] = numbers;
        await record({
          journalSettled: [
            { no: first, outcome: 'done', guid: guid(9977) },
            { no: second, outcome: 'refused', detail: 'no-rights: \u0000' },
          ],
        });
        expect(await store.directoryJournal({ no: first }, 9)).toMatchObject([{ outcome: 'done', guid: guid(9977) }]);
        expect(await store.directoryJournal({ sync, outcome: 'refused' }, 9)).toMatchObject([
          { no: second, guid: guid(1), detail: 'no-rights: \ufffd' },
        ]);
        expect(await store.directoryJournal({ sync, guid: guid(9977) }, 9)).toHaveLength(1);
        expect(await store.directoryJournal({ sync, outcome: 'open' }, 1000)).toHaveLength(128);
        expect(await store.directoryJournal({ sync, pass: 2 }, 1000)).toHaveLength(
          given.filter(({ pass }) => pass === 2).length,
        );
        expect((await store.directoryJournal({ sync, before: numbers[3] ?? 0 }, 2)).map(({ no }) => no)).toEqual([
          numbers[2],
          second,
        ]);
        const rest = numbers.slice(2);
        await record({
          journalSettled: rest.map((no, i) => ({
            no,
            outcome: i % 3 === 0 ? ('refused' as const) : ('done' as const),
            ...(i % 2 === 0 && { guid: guid(5000 + i) }),
            ...(i % 5 === 0 && { detail: `detail ${i}` }),
          })),
        });
        const settled = (await store.directoryJournal({ sync }, 1000)).toReversed().slice(2);
        expect(settled.map(({ outcome, guid: of, detail }) => ({ outcome, guid: of, detail }))).toEqual(
          rest.map((_, i) => ({
            outcome: i % 3 === 0 ? 'refused' : 'done',
            guid: i % 2 === 0 ? guid(5000 + i) : (given[i + 2]?.guid ?? null),
            detail: i % 5 === 0 ? `detail ${i}` : (given[i + 2]?.detail ?? null),
          })),
        );
        // Another sync may not settle it.
        await store.commitDirectory(`other ${sync}`, null, { journalSettled: [{ no: first, outcome: 'undone' }] });
        expect(await store.directoryJournal({ no: first }, 1)).toMatchObject([{ outcome: 'done' }]);
        expect(await record({})).toEqual([]);
      });

      test('removals of a time', async () => {
        await record({ removals: { atMs: clock.now - 10.5, count: 3 } });
        await record({ removals: { atMs: clock.now, count: 4 } });
        await record({ removals: { atMs: clock.now, count: 0 } });
        expect(await store.directoryRemovalsSince(sync, clock.now - 11)).toBe(7);
        expect(await store.directoryRemovalsSince(sync, clock.now - 9.5)).toBe(4);
        expect(await store.directoryRemovalsSince(`other ${sync}`, 0)).toBe(0);
      });

      test('commits at the same time are each all or nothing, and numbered apart', async () => {
        const many = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            record({ links: [directoryLink(i)], journal: [directoryEntry(i), directoryEntry(i + 1)] }),
          ),
        );
        expect(new Set(many.flat()).size).toBe(40);
        for (const [i, numbers] of many.entries())
          expect((await store.directoryJournal({ no: numbers[1] ?? 0 }, 1))[0]?.atMs).toBe(directoryEntry(i + 1).atMs);
        expect(await all()).toHaveLength(20);
        // A value that no column takes fails the whole of it.
        const bad = { ...directoryEntry(1), reason: null } as unknown as ReturnType<typeof directoryEntry>;
        await expect(record({ sync: { pass: 9 }, links: [directoryLink(50)], journal: [bad] })).rejects.toThrow();
        expect(await store.directorySync(sync)).toMatchObject({ pass: 0 });
        expect(await all()).toHaveLength(20);
      });

      test('who lost the claim records nothing', async () => {
        const key = `fence${n}:x`;
        await store.ensureWork([{ key, priority: 0, nextAtMs: clock.now }]);
        const [dead] = await store.claim('dead', `fence${n}:`, 1, clock.now, LEASE);
        clock.now += LEASE;
        const [heir] = await store.claim('heir', `fence${n}:`, 1, clock.now, LEASE);
        if (!dead || !heir) throw new Error('nothing was claimed');
        await expect(record({ links: [directoryLink(1)], sync: { pass: 5 } }, dead)).rejects.toBeInstanceOf(FencedOut);
        expect(await store.directorySync(sync)).toBeNull();
        expect(await all()).toEqual([]);
        await record({ links: [directoryLink(1)] }, heir);
        expect(await all()).toHaveLength(1);
        const row = {
          pair: id,
          state: 'ready',
          active: 'left',
          run: 1,
          at: null,
          changedAtMs: 1,
          because: null,
        } as const;
        await expect(store.commitSwitch(dead, { row })).rejects.toBeInstanceOf(FencedOut);
        expect(await store.switches([id])).toEqual([]);
        await store.commitSwitch(heir, { row });
        expect(await store.switches([id])).toEqual([row]);
      });
    });

    describe.skipIf(lacks.includes('switches'))('switches', () => {
      test('the row of a pair is replaced, its time is a number or a word', async () => {
        const row = {
          pair: id,
          state: 'switching',
          active: 'left',
          run: 2,
          at: 1_700_000_000_000.5,
          changedAtMs: 5,
          because: 'two \u0000 delegates',
        } as const;
        await store.commitSwitch(null, { row });
        expect(await store.switches([id, pairId(-1), id])).toEqual([{ ...row, because: 'two \ufffd delegates' }]);
        const later = { ...row, state: 'switched', active: 'right', at: 'when-ready', because: null } as const;
        await store.commitSwitch(null, { row: later });
        expect(await store.switches([id])).toEqual([later]);
        expect(await store.switches([])).toEqual([]);
        expect((await store.switches()).map(({ pair: of }) => of)).toContain(id);
      });

      test('steps in the order in which they began, by run, each replaced in its place', async () => {
        const begun = [switchStep(id, 'b'), switchStep(id, 'a', { beganAtMs: 1 })];
        await store.commitSwitch(null, { steps: begun });
        const done = switchStep(id, 'b', {
          state: 'done',
          endedAtMs: 9,
          before: { targetAddress: ['SMTP:a@b'], deep: [null, 1, 'x'] },
          detail: 'as it was',
          attempts: 2,
        });
        const undone = switchStep(id, 'b', { direction: 'undo', state: 'skipped' });
        await store.commitSwitch(null, { steps: [done, undone, switchStep(id, 'b', { run: 2 })] });
        expect(await store.switchSteps(id, 1)).toEqual([done, begun[1], undone]);
        expect(await store.switchSteps(id)).toHaveLength(4);
        expect(await store.switchSteps(id, 3)).toEqual([]);
        expect(await store.switchSteps(pairId(-1))).toEqual([]);
        // Row and steps together, or neither.
        const bad = { ...switchStep(id, 'c'), state: null } as unknown as ReturnType<typeof switchStep>;
        const row = {
          pair: id,
          state: 'new',
          active: 'left',
          run: 3,
          at: null,
          changedAtMs: 1,
          because: null,
        } as const;
        await expect(store.commitSwitch(null, { row, steps: [switchStep(id, 'd'), bad] })).rejects.toThrow();
        expect(await store.switches([id])).toEqual([]);
        expect(await store.switchSteps(id)).toHaveLength(4);
      });
    });

    describe('work', () => {
      /** A kind of its own for each test. */
      const kind = () => `kind${n}:`;
      const work = (subject: string) => `${kind()}${subject}`;
      const claim = (owner: string, limit = 10) => store.claim(owner, kind(), limit, clock.now, LEASE);
      const one = async (owner: string): Promise<Claim> => {
        const [first, ...others] = await claim(owner);
        if (!first || others.length > 0) throw new Error(`${1 + others.length} claims instead of one`);
        return first;
      };

      test('is ensured once', async () => {
        await store.ensureWork([{ key: work('a'), priority: 5, nextAtMs: null }]);
        await store.ensureWork([{ key: work('a'), priority: 9, nextAtMs: 1 }]);
        expect(await store.work([work('a'), work('b')])).toEqual([
          {
            key: work('a'),
            priority: 5,
            nextAtMs: null,
            generation: 0,
            startedGeneration: 0,
            owner: null,
            token: 0,
            attempts: 0,
            dirtySinceMs: null,
          },
        ]);
        expect(await claim('me')).toEqual([]);
        expect(await store.nextDueMs(kind())).toBeNull();
      });

      test('is claimed by priority, then by due time, and not before', async () => {
        const t = clock.now;
        await store.ensureWork([
          { key: work('later'), priority: 1, nextAtMs: t + SECOND },
          { key: work('third'), priority: 2, nextAtMs: t - 9 * SECOND },
          { key: work('second'), priority: 1, nextAtMs: t },
          { key: work('first'), priority: 1, nextAtMs: t - SECOND },
        ]);
        expect(await store.nextDueMs(kind())).toBe(t - 9 * SECOND);
        expect((await claim('me', 1)).map((got) => got.key)).toEqual([work('first')]);
        expect((await claim('me', 9)).map((got) => got.key)).toEqual([work('second'), work('third')]);
        expect(await store.nextDueMs(kind())).toBe(t + SECOND);
        expect(await claim('me')).toEqual([]);
      });

      test('times may have fractions', async () => {
        const t = clock.now + 0.25;
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: t - 1 }]);
        await store.notify([work('a')], t);
        const [got] = await store.claim('me', kind(), 1, t, 100.5);
        if (!got) throw new Error('no claim');
        await store.complete(await store.extend(got, t, 0.3 * LEASE), { nextAtMs: t + 0.1, failed: false });
        await commit({
          history: [
            { pass: 1, atMs: t, action: 'a', reason: 'b', left: null, right: null, outcome: 'done', detail: null },
          ],
          intents: [intent(1, { settledAfterMs: t })],
          deletions: { atMs: t, count: 1 },
        });
        expect(await store.deletionsSince(id, t - 1)).toBe(1);
      });

      test('kinds do not see each other', async () => {
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: clock.now }]);
        expect(await store.claim('me', `x${kind()}`, 9, clock.now, LEASE)).toEqual([]);
        expect((await store.claim('me', kind(), 9, clock.now, LEASE)).length).toBe(1);
      });

      test('a notice makes it due, and lag is counted from the first', async () => {
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: clock.now + 60 * SECOND }]);
        await store.notify([work('a'), work('a'), work('nobody knows')], clock.now);
        await store.notify([work('a')], clock.now + 7);
        expect(await store.work([work('a')])).toMatchObject([
          { generation: 2, nextAtMs: clock.now, dirtySinceMs: clock.now },
        ]);
        const got = await one('me');
        expect(got).toMatchObject({
          token: 1,
          generation: 2,
          attempts: 1,
          dirtySinceMs: clock.now,
          leaseEndsAtMs: clock.now + LEASE,
        });
        await store.complete(got, { nextAtMs: null, failed: false });
        expect(await store.work([work('a')])).toMatchObject([
          { owner: null, nextAtMs: null, dirtySinceMs: null, attempts: 0, startedGeneration: 2 },
        ]);
      });

      test('a notice during a run makes it run again at once', async () => {
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: clock.now }]);
        const got = await one('me');
        await store.notify([work('a')], clock.now + 5);
        expect(await claim('other')).toEqual([]);
        await store.complete(got, { nextAtMs: clock.now + 60 * SECOND, failed: false });
        clock.now += SECOND;
        expect(await one('other')).toMatchObject({ token: 2, dirtySinceMs: clock.now - SECOND + 5 });
      });

      test('a failed run keeps its pause and its notices', async () => {
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: clock.now }]);
        const got = await one('me');
        await store.notify([work('a')], clock.now);
        await store.complete(got, { nextAtMs: clock.now + 5 * SECOND, failed: true });
        expect(await claim('me')).toEqual([]);
        clock.now += 5 * SECOND;
        expect(await one('me')).toMatchObject({ attempts: 2, dirtySinceMs: clock.now - 5 * SECOND });
      });

      test('a failed run without a time waits to be raised, unless it was', async () => {
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: clock.now }]);
        await store.complete(await one('me'), { nextAtMs: null, failed: true });
        expect(await claim('me')).toEqual([]);
        await store.notify([work('a')], clock.now);
        const again = await one('me');
        await store.notify([work('a')], clock.now);
        await store.complete(again, { nextAtMs: null, failed: true });
        expect((await one('me')).attempts).toBe(3);
      });

      test('who stops beating is taken over and fenced out', async () => {
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: clock.now }]);
        const dead = await one('dead');
        clock.now += LEASE - 1;
        expect(await claim('heir')).toEqual([]);
        clock.now += 1;
        const heir = await one('heir');
        expect(heir).toMatchObject({ token: dead.token + 1, attempts: 2 });
        await expect(commit({ links: [link(1)] }, dead)).rejects.toBeInstanceOf(FencedOut);
        await expect(store.extend(dead, clock.now, LEASE)).rejects.toBeInstanceOf(FencedOut);
        await expect(store.complete(dead, { nextAtMs: null, failed: false })).rejects.toBeInstanceOf(FencedOut);
        expect(await store.links(id, {}, null, 9)).toEqual([]);
        await commit({ links: [link(1)] }, heir);
        expect(await store.links(id, {}, null, 9)).toHaveLength(1);
        await store.complete(heir, { nextAtMs: null, failed: false });
        await expect(commit({ bytesCopied: 1 }, heir)).rejects.toBeInstanceOf(FencedOut);
      });

      test('a heartbeat keeps it, even a late one', async () => {
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: clock.now }]);
        const got = await one('me');
        clock.now += LEASE + SECOND;
        const kept = await store.extend(got, clock.now, LEASE);
        expect(kept).toEqual({ ...got, leaseEndsAtMs: clock.now + LEASE });
        expect(await claim('other')).toEqual([]);
        await commit({ links: [link(1)] }, kept);
      });

      test('work that is always due again is left to whoever asked for it by name', async () => {
        const take = (owner: string) => store.take(work('a'), owner, clock.now, LEASE);
        expect(await take('me')).toBeNull();
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: null }]);
        // Not due, and free.
        const first = must(await take('me'), 'a claim');
        expect(first).toMatchObject({ key: work('a'), token: 1, attempts: 1 });
        await store.notify([work('a')], clock.now);
        expect(await take('you')).toBeNull();
        await store.complete(first, { nextAtMs: clock.now, failed: false });
        await store.notify([work('a')], clock.now);
        expect(await claim('worker')).toEqual([]);
        expect(await store.nextDueMs(kind())).toBe(clock.now + 2 * SECOND);
        const second = must(await take('you'), 'a claim');
        await expect(store.extend(first, clock.now, LEASE)).rejects.toBeInstanceOf(FencedOut);
        await store.complete(second, { nextAtMs: clock.now, failed: false });
        // Who asked and did not come again holds up nobody for long.
        const third = must((await claim('worker'))[0], 'a claim');
        expect(await take('you')).toBeNull();
        await store.complete(third, { nextAtMs: clock.now, failed: true });
        clock.now += 2 * SECOND;
        expect(await claim('worker')).toHaveLength(1);
        // Whoever died holds it as long as its lease.
        clock.now += LEASE;
        expect(await take('you')).toMatchObject({ token: 5 });
      });

      test('waiting ends with a notice, with time, and with the signal', async () => {
        await store.ensureWork([{ key: work('a'), priority: 0, nextAtMs: null }]);
        expect(await claim('me')).toEqual([]);
        // Between the claim that found nothing and the wait: not lost.
        await store.notify([work('a')], clock.now);
        await store.waitForWork(60 * SECOND, new AbortController().signal);
        expect(await claim('me')).toHaveLength(1);
        const waiting = store.waitForWork(60 * SECOND, new AbortController().signal);
        await store.notify([work('a')], clock.now);
        await waiting;
        await claim('me');
        await store.waitForWork(5, new AbortController().signal);
        await claim('me');
        const stop = new AbortController();
        const stopped = store.waitForWork(60 * SECOND, stop.signal);
        stop.abort();
        await stopped;
      });

      test('many rows are shared out without doubles', async () => {
        await store.ensureWork(
          Array.from({ length: 200 }, (_, i) => ({ key: work(`${i}`), priority: i % 3, nextAtMs: clock.now })),
        );
        const taken = (
          await Promise.all(
            Array.from({ length: 8 }, async (_, worker) => {
              const mine: string[] = [];
              for (let empty = 0; empty < 2; ) {
                const got = await claim(`worker${worker}`, 7);
                mine.push(...got.map((each) => each.key));
                empty = got.length === 0 ? empty + 1 : 0;
              }
              return mine;
            }),
          )
        ).flat();
        expect(taken).toHaveLength(200);
        expect(new Set(taken).size).toBe(200);
      });

      test('behaves as its model under random operations and jumping clocks', () =>
        workModel(store, () => `model${used++}:`, propertyRuns));
    });

    describe.skipIf(lacks.includes('budgets'))('budgets', () => {
      const open3 = { inFlightMax: 3, requestsPerMinute: null, bytesPerMinute: null };
      const cost = { requests: 1, bytes: 0 };
      const budget = () => `mailbox ${n}`;
      const spend = (holder: string, limits = open3 as Parameters<Store['spend']>[1], bytes = 0) =>
        store.spend(budget(), limits, holder, { ...cost, bytes }, clock.now, clock.now + 10 * SECOND);

      test('times may have fractions', async () => {
        const t = clock.now + 0.25;
        const limits = { inFlightMax: 1, requestsPerMinute: 7, bytesPerMinute: 9 };
        const grant = await store.spend(budget(), limits, 'me', { requests: 1, bytes: 1 }, t, t + 0.7);
        expect(grant.waitMs).toBe(0);
        await store.backOff(budget(), t + 0.4, 'x');
      });

      test('at most so many in flight, until released or dead', async () => {
        for (const holder of ['a', 'b', 'c']) expect((await spend(holder)).waitMs).toBe(0);
        expect(await spend('d')).toMatchObject({ limitedBy: 'in-flight' });
        expect((await spend('d')).waitMs).toBeGreaterThan(0);
        // Asking again as the same holder keeps the place.
        expect((await spend('a')).waitMs).toBe(0);
        await store.release(budget(), 'b');
        expect((await spend('d')).waitMs).toBe(0);
        clock.now += 10 * SECOND;
        for (const holder of ['e', 'f', 'g']) expect((await spend(holder)).waitMs).toBe(0);
        expect((await spend('h')).waitMs).toBeGreaterThan(0);
      });

      test('no minute sees more requests than allowed', async () => {
        const limits = { inFlightMax: 1000, requestsPerMinute: 120, bytesPerMinute: null };
        let sent = 0;
        const end = clock.now + 120 * SECOND;
        while (clock.now < end) {
          const { waitMs } = await spend(`r${sent}`, limits);
          if (waitMs === 0) sent++;
          clock.now += waitMs;
        }
        expect(sent).toBeGreaterThan(235);
        expect(sent).toBeLessThanOrEqual(244);
      });

      test('a large request overdraws the bytes and the next one waits for it', async () => {
        const limits = { inFlightMax: 10, requestsPerMinute: null, bytesPerMinute: 60_000 };
        expect((await spend('a', limits, 31_000)).waitMs).toBe(0);
        const refused = await spend('b', limits, 1);
        expect(refused.limitedBy).toBe('bytes-per-minute');
        expect(refused.waitMs).toBe(30 * SECOND + 1);
        clock.now += refused.waitMs;
        expect((await spend('b', limits, 1)).waitMs).toBe(0);
      });

      test('a refusal stops everybody, halves the limit once, and the limit grows back', async () => {
        const limits = { inFlightMax: 8, requestsPerMinute: null, bytesPerMinute: null };
        const fill = async (): Promise<number> => {
          for (let i = 0; ; i++) if ((await spend(`${i}`, limits)).waitMs > 0) return i;
        };
        const empty = async () => {
          for (let i = 0; i < 8; i++) await store.release(budget(), `${i}`);
        };
        expect(await fill()).toBe(8);
        await store.backOff(budget(), clock.now + 5 * SECOND, 'EWSMaxConcurrency');
        await store.backOff(budget(), clock.now + 6 * SECOND, 'EWSMaxConcurrency');
        expect(await spend('x', limits)).toEqual({ waitMs: 6 * SECOND, limitedBy: 'EWSMaxConcurrency' });
        await empty();
        clock.now += 6 * SECOND;
        expect(await fill()).toBe(4);
        await store.backOff(budget(), clock.now, 'EWSMaxConcurrency');
        await empty();
        expect(await fill()).toBe(2);
        await empty();
        clock.now += 31 * SECOND;
        expect(await fill()).toBe(4);
        await empty();
        clock.now += 3600 * SECOND;
        expect(await fill()).toBe(8);
      });

      test('a refusal before the first request is heeded', async () => {
        await store.backOff(budget(), clock.now + SECOND, 'first');
        expect(await spend('a')).toEqual({ waitMs: SECOND, limitedBy: 'first' });
      });
    });
  });
}

const byKey = <T>(rows: readonly T[], field: keyof T): readonly T[] =>
  [...rows].sort((a, b) => (String(a[field]) < String(b[field]) ? -1 : 1));
