import type { Clock } from '#kit/clock.ts';
import type { PairId } from '#model/ids.ts';
import type { Database, Sql } from './database.ts';
import { FolderRefCache } from './folder-refs.ts';
import { idHash, packKey } from './hashes.ts';
import type { OpenStore } from './open-store.ts';
import { PairNumbers } from './pair-numbers.ts';
import { backOffBudget, releaseBudget } from './queries/back-off-budget.ts';
import { claimWork } from './queries/claim-work.ts';
import { commitDirectory } from './queries/commit-directory.ts';
import { commitResults } from './queries/commit-results.ts';
import { commitSwitch } from './queries/commit-switch.ts';
import { completeWork } from './queries/complete-work.ts';
import { countDeletions } from './queries/count-deletions.ts';
import { ensureWork } from './queries/ensure-work.ts';
import { extendLease } from './queries/extend-lease.ts';
import { findLinks, findLinksWithoutSearchKey } from './queries/find-links.ts';
import { findTypedLinks } from './queries/find-typed-links.ts';
import { countUnclaimed, findUnclaimed, listUnclaimed } from './queries/find-unclaimed.ts';
import { findUnlinked, pageUnlinked } from './queries/find-unlinked.ts';
import { forgetPair } from './queries/forget-pair.ts';
import { notifyWork } from './queries/notify-work.ts';
import { pageLinks } from './queries/page-links.ts';
import { pageTypedLinks, typedLinksGone } from './queries/page-typed-links.ts';
import { putPairs } from './queries/put-pairs.ts';
import {
  countDirectoryLinks,
  countDirectoryRemovals,
  findDirectoryLinks,
  findDirectoryLinksGone,
  findDirectorySync,
  pageDirectoryLinks,
  readDirectoryJournal,
  readDirectoryWaiting,
} from './queries/read-directory.ts';
import { readFolderMarks, readFolders } from './queries/read-folders.ts';
import { readIntents } from './queries/read-intents.ts';
import { findPair, listPairs } from './queries/read-pairs.ts';
import { readQuarantine } from './queries/read-quarantine.ts';
import { readHistory, readJournal } from './queries/read-records.ts';
import { readSwitches, readSwitchSteps } from './queries/read-switches.ts';
import { readTypedIntents } from './queries/read-typed-intents.ts';
import { nextDueMs, readWork } from './queries/read-work.ts';
import { retryQuarantine } from './queries/retry-quarantine.ts';
import { spendBudget } from './queries/spend-budget.ts';
import { takeWork } from './queries/take-work.ts';
import type { WakeBell } from './wake-bell.ts';

/** Times that were reckoned from a monotonic clock have fractions of a millisecond; columns do not. */
const whole = Math.round;

/** The store on either engine: which query runs where, and in which transaction. */
export function sqlStore(db: Database, { clock, bell }: { readonly clock: Clock; readonly bell: WakeBell }): OpenStore {
  const { engine } = db;
  const numbers = new PairNumbers();
  const refs = new FolderRefCache();
  const commitContext = { engine, numbers, refs, clock };

  /** A read of one pair; `unknown` for a pair that is not in the store. */
  async function ofPair<T>(pair: PairId, unknown: T, read: (sql: Sql, pairNo: number) => Promise<T>): Promise<T> {
    return db.read(async (sql) => {
      const pairNo = await numbers.find(sql, pair);
      return pairNo === null ? unknown : read(sql, pairNo);
    });
  }
  const write = <T>(body: (trx: Sql) => Promise<T>): Promise<T> => db.write(body);
  const pass = <T>(body: (trx: Sql) => Promise<T>): Promise<T> => db.write(body, { isPassing: true });
  const count = <T>(body: (trx: Sql) => Promise<T>): Promise<T> => db.write(body, { isPassing: true, isCount: true });
  const always = () => true;
  const hashes = (ids: readonly string[]) => [...new Set(ids)].map(idHash);
  const keys = (texts: readonly string[]) => [...new Set(texts)].map(packKey);

  return {
    putPairs: (pairs) => write((trx) => putPairs(trx, engine, pairs, clock.nowMs())),
    pair: (id) => db.read((sql) => findPair(sql, id)),
    pairs: (filter) => db.read((sql) => listPairs(sql, filter)),

    folders: (pair) => ofPair(pair, [], (sql, no) => readFolders(sql, no)),
    folderMarks: (pairs) => db.read((sql) => readFolderMarks(sql, pairs)),
    linksById: (pair, side, ids) =>
      ofPair(pair, [], (sql, no) => findLinks(sql, engine, refs, no, `${side}_hash`, hashes(ids))),
    linksBySearchKey: (pair, searchKeys) =>
      ofPair(pair, [], (sql, no) => findLinks(sql, engine, refs, no, 'search_key', keys(searchKeys))),
    linksByFingerprint: (pair, texts) =>
      ofPair(pair, [], (sql, no) => findLinksWithoutSearchKey(sql, refs, no, keys(texts))),
    linksByStamp: (pair, stampKeys) =>
      ofPair(pair, [], (sql, no) => findLinks(sql, engine, refs, no, 'stamp_key', keys(stampKeys))),
    links: (pair, filter, after, limit) =>
      ofPair(pair, [], (sql, no) => pageLinks(sql, refs, no, filter, after, limit)),
    intents: (pair) => ofPair(pair, [], (sql, no) => readIntents(sql, no)),
    unclaimedBySearchKey: (pair, texts) =>
      ofPair(pair, [], (sql, no) => findUnclaimed(sql, no, 'search_key', keys(texts))),
    unclaimedByFingerprint: (pair, texts) =>
      ofPair(pair, [], (sql, no) => findUnclaimed(sql, no, 'fingerprint', keys(texts))),
    unclaimedById: (pair, ids) => ofPair(pair, [], (sql, no) => findUnclaimed(sql, no, 'right_hash', hashes(ids))),
    unclaimed: (pair, limit) => ofPair(pair, [], (sql, no) => listUnclaimed(sql, no, limit)),
    unclaimedCount: (pair) => ofPair(pair, 0, (sql, no) => countUnclaimed(sql, no)),
    deletionsSince: (pair, sinceMs) => ofPair(pair, 0, (sql, no) => countDeletions(sql, no, whole(sinceMs))),

    typedLinks: (pair, side, ids) =>
      ofPair(pair, [], (sql, no) => findTypedLinks(sql, engine, refs, no, `${side}_hash`, hashes(ids))),
    typedLinksByIdentity: (pair, identities) =>
      ofPair(pair, [], (sql, no) => findTypedLinks(sql, engine, refs, no, 'identity_hash', hashes(identities))),
    pageTypedLinks: (pair, after, limit) => ofPair(pair, [], (sql, no) => pageTypedLinks(sql, refs, no, after, limit)),
    typedLinksGone: (pair, limit) => ofPair(pair, [], (sql, no) => typedLinksGone(sql, refs, no, limit)),
    typedIntents: (pair) => ofPair(pair, [], (sql, no) => readTypedIntents(sql, no)),
    unlinked: (pair, side, ids) =>
      ofPair(pair, [], (sql, no) => findUnlinked(sql, engine, no, side, 'hash', hashes(ids))),
    unlinkedByIdentity: (pair, side, identities) =>
      ofPair(pair, [], (sql, no) => findUnlinked(sql, engine, no, side, 'identity_hash', hashes(identities))),
    unlinkedByStamp: (pair, side, stamps) =>
      ofPair(pair, [], (sql, no) => findUnlinked(sql, engine, no, side, 'stamp_key', keys(stamps))),
    pageUnlinked: (pair, side, folder, after, limit) =>
      ofPair(pair, [], (sql, no) => pageUnlinked(sql, no, side, folder, after, limit)),

    commit: (pair, claim, commit) => write((trx) => commitResults(trx, commitContext, pair, claim, commit)),

    quarantine: (filter, limit) => db.read((sql) => readQuarantine(sql, filter, limit)),
    retryQuarantine: (filter) => write((trx) => retryQuarantine(trx, filter)),
    journal: (filter, limit) => db.read((sql) => readJournal(sql, filter, limit)),
    history: (filter, limit) => db.read((sql) => readHistory(sql, filter, limit)),
    forget: (pair) =>
      write(async (trx) =>
        forgetPair(trx, await numbers.mustFind(trx, pair), whole(clock.nowMs()), { lostAtMs: null }),
      ),

    directorySync: (sync) => db.read((sql) => findDirectorySync(sql, sync)),
    directoryLinks: (sync, side, guids) => db.read((sql) => findDirectoryLinks(sql, sync, side, [...new Set(guids)])),
    pageDirectoryLinks: (sync, after, limit) => db.read((sql) => pageDirectoryLinks(sql, sync, after, limit)),
    directoryLinksGone: (sync, limit) => db.read((sql) => findDirectoryLinksGone(sql, sync, limit)),
    countDirectoryLinks: (sync) => db.read((sql) => countDirectoryLinks(sql, sync)),
    directoryWaiting: (sync, limit) => db.read((sql) => readDirectoryWaiting(sql, sync, limit)),
    directoryJournal: (filter, limit) => db.read((sql) => readDirectoryJournal(sql, filter, limit)),
    directoryRemovalsSince: (sync, sinceMs) => db.read((sql) => countDirectoryRemovals(sql, sync, whole(sinceMs))),
    commitDirectory: (sync, claim, commit) => write((trx) => commitDirectory(trx, engine, sync, claim, commit)),

    switches: (pairs) => db.read((sql) => readSwitches(sql, pairs)),
    switchSteps: (pair, run) => db.read((sql) => readSwitchSteps(sql, pair, run)),
    commitSwitch: (claim, commit) => write((trx) => commitSwitch(trx, engine, claim, commit)),

    ensureWork: (work) =>
      db.write((trx) => ensureWork(trx, engine, work), { wakes: always, kinds: kindsOf(work.map(({ key }) => key)) }),
    notify: (workKeys, nowMs) =>
      db.write((trx) => notifyWork(trx, workKeys, whole(nowMs)), {
        wakes: always,
        kinds: kindsOf(workKeys),
        isPassing: true,
      }),
    claim(owner, kindPrefix, limit, nowMs, leaseMs) {
      bell.hear(kindPrefix);
      // Workers on other machines outlive a power cut of the database server: a token that it forgot must not be given twice.
      return db.write((trx) => claimWork(trx, engine, owner, kindPrefix, limit, whole(nowMs), whole(leaseMs)), {
        isPassing: engine === 'sqlite',
      });
    },
    // As for `claim`.
    take: (key, owner, nowMs, leaseMs) =>
      db.write((trx) => takeWork(trx, key, owner, whole(nowMs), whole(leaseMs)), { isPassing: engine === 'sqlite' }),
    extend: (claim, nowMs, leaseMs) => pass((trx) => extendLease(trx, claim, whole(nowMs), whole(leaseMs))),
    async complete(claim, outcome) {
      await db.write(
        (trx) =>
          completeWork(trx, claim, {
            ...outcome,
            nextAtMs: outcome.nextAtMs === null ? null : whole(outcome.nextAtMs),
          }),
        { wakes: (dueAgain) => dueAgain, kinds: kindsOf([claim.key]), isPassing: true },
      );
    },
    work: (workKeys) => db.read((sql) => readWork(sql, workKeys)),
    nextDueMs: (kindPrefix) => db.read((sql) => nextDueMs(sql, kindPrefix)),
    waitForWork: (timeoutMs, signal, kindPrefix = '') =>
      bell.wait(Math.min(timeoutMs, db.pollMs ?? timeoutMs), signal, kindPrefix),

    spend: (budget, limits, holder, cost, nowMs, deadlineMs) =>
      count((trx) => spendBudget(trx, engine, budget, limits, holder, cost, whole(nowMs), whole(deadlineMs))),
    release: (budget, holder) => count((trx) => releaseBudget(trx, budget, holder)),
    backOff: (budget, untilMs, limit) =>
      count((trx) => backOffBudget(trx, engine, budget, whole(untilMs), limit, whole(clock.nowMs()))),

    onWake: (listener) => bell.onRing(listener),
    close: () => db.close(),
  };
}

const kindsOf = (keys: readonly string[]): readonly string[] => [
  ...new Set(keys.map((key) => key.slice(0, Math.max(0, key.indexOf(':'))))),
];
