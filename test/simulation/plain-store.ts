import type { Clock } from '#kit/clock.ts';
import type { LinkId, PairId, Side } from '#model/ids.ts';
import { type StampKey, stampKey } from '#model/stamp.ts';
import type { TypedIntentRow, TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import { printable } from '#store/codecs.ts';
import {
  type Claim,
  type Commit,
  FencedOut,
  type FolderMarks,
  type FolderRow,
  type Forgetting,
  type HistoryRow,
  type IntentRow,
  type JournalRow,
  type LinkRow,
  type PairRow,
  type QuarantineRow,
  type Store,
  type UnclaimedRow,
  type WorkKey,
} from '#store/store.ts';
import { StoreError } from '#store/store-error.ts';
import { WakeBell } from '#store/wake-bell.ts';

/** How long deletions are remembered, as in the databases. */
const DELETIONS_KEPT_MS = 7 * 24 * 3_600_000;

/** Everything of one pair and kind. Tables are replaced, never changed, so that a commit which contradicts itself leaves nothing behind. */
interface Track {
  readonly no: number;
  row: PairRow;
  found: Found;
  quarantine: Table<Omit<QuarantineRow, 'pair'>>;
  deletions: readonly { readonly atMs: number; readonly count: number }[];
  readonly journal: JournalRow[];
  readonly history: HistoryRow[];
}

/** What a pass can find again. */
interface Found {
  readonly folders: Table<FolderRow>;
  readonly links: Table<LinkRow>;
  readonly intents: Table<IntentRow>;
  readonly unclaimed: Table<UnclaimedRow>;
  readonly outlived: ReadonlySet<StampKey>;
  readonly typedLinks: Table<TypedLinkRow>;
  readonly typedIntents: Table<TypedIntentRow>;
  readonly unlinked: Table<UnlinkedRow>;
}

type Table<Row> = ReadonlyMap<string, Row>;
const none: Table<never> = new Map<string, never>();
const nothing: Found = {
  folders: none,
  links: none,
  intents: none,
  unclaimed: none,
  outlived: new Set(),
  typedLinks: none,
  typedIntents: none,
  unlinked: none,
};

const marksOf = ({ left, right, excluded, rightGone, leftMark, rightMark }: FolderRow): FolderMarks => ({
  left,
  right,
  excluded,
  rightGone,
  leftMark,
  rightMark,
});

interface Work {
  readonly key: WorkKey;
  readonly priority: number;
  nextAtMs: number | null;
  generation: number;
  startedGeneration: number;
  owner: string | null;
  token: number;
  attempts: number;
  dirtySinceMs: number | null;
  /** First notice that the run in progress may not have seen. */
  nextDirtyMs: number | null;
  wantedUntilMs: number | null;
}

/**
 * A store of plain maps, for lives that are not about the store: it costs a tenth of a database in memory, and tens of thousands of lives
 * are mostly spent in theirs. Passes `test/suites/store-suite.ts`, but for directories, switches and budgets, which no life has.
 */
export function plainStore(clock: Clock): Store {
  const tracks = new Map<PairId, Track>();
  const works = new Map<WorkKey, Work>();
  const bell = new WakeBell(clock);
  let records = 0;

  const known = (id: PairId): Track => {
    const track = tracks.get(id);
    if (!track) throw new StoreError('unknown-pair', `the store knows no pair ${id}`);
    return track;
  };
  const foundOf = (id: PairId): Found => tracks.get(id)?.found ?? nothing;
  const held = ({ key, token }: Claim): Work => {
    const work = works.get(key);
    if (!work || work.token !== token || work.owner === null)
      throw new FencedOut(`the claim of ${key} is held by somebody else by now`);
    return work;
  };
  const due = (kindPrefix: string): Work[] => [...works.values()].filter(({ key }) => key.startsWith(kindPrefix));
  const chosen = (id: PairId | undefined): Track[] =>
    id === undefined ? [...tracks.values()] : [...tracks.values()].filter(({ row }) => row.id === id);

  return {
    async putPairs(pairs) {
      for (const pair of pairs) {
        const track = tracks.get(pair.id);
        const before = track?.row;
        const { collection } = pair;
        const [left, right] = (['left', 'right'] as const).map((side) => ({
          ...pair[side],
          ...(before && { mailbox: before[side].mailbox }),
        })) as [PairRow['left'], PairRow['right']];
        if (track && before) track.row = { ...before, collection, left, right };
        else
          tracks.set(pair.id, {
            no: tracks.size,
            row: {
              ...newPair,
              knownSinceMs: Math.round(clock.nowMs()),
              id: pair.id,
              kind: pair.kind,
              collection,
              left,
              right,
            },
            found: nothing,
            quarantine: none,
            deletions: [],
            journal: [],
            history: [],
          });
      }
    },
    pair: async (id) => tracks.get(id)?.row ?? null,
    pairs: async ({ collection } = {}) =>
      [...tracks.values()]
        .map(({ row }) => row)
        .filter((row) => collection === undefined || row.collection === collection)
        .sort((a, b) => compare(a.collection, b.collection) || compare(a.id, b.id)),

    folders: async (pair) => shuffled(foundOf(pair).folders),
    folderMarks: async (ids) =>
      new Map(
        ids.flatMap((id) => (foundOf(id).folders.size === 0 ? [] : [[id, shuffled(foundOf(id).folders).map(marksOf)]])),
      ),
    linksById: async (pair, side, ids) => by(foundOf(pair).links, ids, (row) => row[`${side}Id`]),
    linksBySearchKey: async (pair, keys) => by(foundOf(pair).links, keys, ({ searchKey }) => searchKey),
    linksByFingerprint: async (pair, keys) =>
      by(foundOf(pair).links, keys, ({ fingerprint }) => fingerprint).filter(({ searchKey }) => searchKey === ''),
    linksByStamp: async (pair, keys) => by(foundOf(pair).links, keys, (row) => row.stampKey),
    links: async (pair, { state, leftFolder, rightFolder }, after, limit) =>
      page(
        [...foundOf(pair).links.values()].filter(
          (row) =>
            (state === undefined || row.state === state) &&
            (leftFolder === undefined || row.leftFolder === leftFolder) &&
            (rightFolder === undefined || row.rightFolder === rightFolder),
        ),
        after,
        limit,
      ),
    intents: async (pair) => shuffled(foundOf(pair).intents),
    unclaimedBySearchKey: async (pair, keys) => by(foundOf(pair).unclaimed, keys, ({ searchKey }) => searchKey),
    unclaimedByFingerprint: async (pair, keys) => by(foundOf(pair).unclaimed, keys, ({ fingerprint }) => fingerprint),
    unclaimedById: async (pair, ids) => by(foundOf(pair).unclaimed, ids, ({ right }) => right.id),
    unclaimed: async (pair, limit) => {
      const { unclaimed, outlived } = foundOf(pair);
      return shuffled(unclaimed)
        .filter(({ stampKey }) => !outlived.has(stampKey))
        .slice(0, limit);
    },
    unclaimedCount: async (pair) => foundOf(pair).unclaimed.size,
    deletionsSince: async (pair, sinceMs) =>
      (tracks.get(pair)?.deletions ?? [])
        .filter(({ atMs }) => atMs >= Math.round(sinceMs))
        .reduce((sum, { count }) => sum + count, 0),

    typedLinks: async (pair, side, ids) => by(foundOf(pair).typedLinks, ids, (row) => row[side].id),
    typedLinksByIdentity: async (pair, identities) =>
      by(foundOf(pair).typedLinks, identities, ({ identity }) => identity),
    pageTypedLinks: async (pair, after, limit) => page([...foundOf(pair).typedLinks.values()], after, limit),
    typedLinksGone: async (pair, limit) =>
      [...foundOf(pair).typedLinks.values()]
        .filter(({ state }) => state !== 'live')
        .sort(
          (a, b) =>
            Number(a.goneSincePass === null) - Number(b.goneSincePass === null) ||
            compare(a.state, b.state) ||
            compare(a.id, b.id),
        )
        .slice(0, limit),
    typedIntents: async (pair) => shuffled(foundOf(pair).typedIntents),
    unlinked: async (pair, side, ids) =>
      by(
        foundOf(pair).unlinked,
        ids,
        on(side, ({ id }) => id),
      ),
    unlinkedByIdentity: async (pair, side, identities) =>
      by(
        foundOf(pair).unlinked,
        identities,
        on(side, ({ identity }) => identity),
      ),
    unlinkedByStamp: async (pair, side, stamps) =>
      by(
        foundOf(pair).unlinked,
        stamps,
        on(side, ({ stamp }) => (stamp === null ? null : stampKey(stamp))),
      ),
    async pageUnlinked(pair, side, folder, after, limit) {
      const rows = [...foundOf(pair).unlinked.values()].filter(
        (row) => row.side === side && row.head.folder === folder,
      );
      const place = (id: string) => `${rank(id)}`.padStart(10, '0') + id;
      return rows
        .map((row) => ({ row, at: place(row.head.id) }))
        .filter(({ at }) => after === null || at > place(after))
        .sort((a, b) => compare(a.at, b.at))
        .slice(0, limit)
        .map(({ row }) => row);
    },

    async commit(pair, claim, commit) {
      if (claim) held(claim);
      const track = known(pair);
      const found = committed(commit.forgetsAll ? nothing : track.found, commit);
      const quarantine = changed(
        track.quarantine,
        commit.quarantineLeft,
        commit.quarantine?.map(legible),
        ({ left }) => left,
      );
      // From here on nothing can fail any more.
      if (commit.forgetsAll) forgetAll(track, Math.round(clock.nowMs()), commit.forgetsAll);
      const liveBefore = countLive(track.found);
      track.found = found;
      track.quarantine = quarantine;
      for (const row of commit.journal ?? [])
        track.journal.push({ ...plain(row), pair, no: ++records, restoredAtMs: null });
      const { journalRestored } = commit;
      if (journalRestored) {
        const at = track.journal.findIndex(({ no }) => no === journalRestored.no);
        const row = track.journal[at];
        if (row) track.journal[at] = { ...row, restoredAtMs: Math.round(journalRestored.atMs) };
      }
      for (const row of commit.history ?? []) track.history.push({ ...plain(row), pair });
      if (commit.deletions && commit.deletions.count > 0) {
        const atMs = Math.round(commit.deletions.atMs);
        track.deletions = [
          ...track.deletions.filter((one) => one.atMs >= atMs - DELETIONS_KEPT_MS),
          { atMs, count: commit.deletions.count },
        ];
      }
      const { leftMailbox, rightMailbox, leftItems, ...rest } = commit.pair ?? {};
      const { row } = track;
      track.row = {
        ...row,
        ...rest,
        left: { ...row.left, ...(leftMailbox !== undefined && { mailbox: leftMailbox }) },
        right: { ...row.right, ...(rightMailbox !== undefined && { mailbox: rightMailbox }) },
        counts: {
          folders: found.folders.size,
          links: row.counts.links + countLive(found) - liveBefore,
          quarantined: quarantine.size,
          bytesCopied: row.counts.bytesCopied + (commit.bytesCopied ?? 0),
          conflicts: row.counts.conflicts + (commit.journal?.length ?? 0),
          leftItems: leftItems ?? row.counts.leftItems,
        },
      };
    },

    quarantine: async ({ pair, reason, retry }, limit) =>
      chosen(pair)
        .flatMap(({ row, quarantine, no }) => [...quarantine.values()].map((one) => ({ ...one, pair: row.id, no })))
        .filter(
          (row) => (reason === undefined || row.reason === reason) && (retry === undefined || row.retry === retry),
        )
        .sort((a, b) => a.sinceMs - b.sinceMs || a.no - b.no || rank(a.left) - rank(b.left))
        .slice(0, limit)
        .map(({ no, ...row }) => row),
    async retryQuarantine({ pair, reason }) {
      let count = 0;
      for (const track of chosen(pair)) {
        const rows = [...track.quarantine.values()].filter((row) => reason === undefined || row.reason === reason);
        count += rows.length;
        track.quarantine = changed(
          track.quarantine,
          [],
          rows.map((row) => ({ ...row, retry: true })),
          ({ left }) => left,
        );
      }
      return count;
    },
    journal: async ({ pair, no }, limit) =>
      chosen(pair)
        .flatMap(({ journal }) => journal)
        .filter((row) => no === undefined || row.no === no)
        .sort((a, b) => b.no - a.no)
        .slice(0, limit),
    history: async ({ pair, item, sinceMs }, limit) =>
      chosen(pair)
        .flatMap(({ history }) => history)
        .filter(
          (row) =>
            (item === undefined || row.left === item || row.right === item) &&
            (sinceMs === undefined || row.atMs >= sinceMs),
        )
        .toReversed()
        .slice(0, limit),
    async forget(pair) {
      forgetAll(known(pair), Math.round(clock.nowMs()), { lostAtMs: null });
    },

    async ensureWork(rows) {
      for (const { key, priority, nextAtMs } of rows)
        if (!works.has(key)) works.set(key, { ...newWork, key, priority, nextAtMs: rounded(nextAtMs) });
      bell.ring(kindsOf(rows.map(({ key }) => key)));
    },
    async notify(keys, atMs) {
      const nowMs = Math.round(atMs);
      for (const key of new Set(keys)) {
        const work = works.get(key);
        if (!work) continue;
        work.generation++;
        work.dirtySinceMs ??= nowMs;
        if (work.owner !== null) work.nextDirtyMs ??= nowMs;
        else if (work.nextAtMs === null || work.nextAtMs > nowMs)
          work.nextAtMs = Math.max(nowMs, work.wantedUntilMs ?? nowMs);
      }
      bell.ring(kindsOf(keys));
    },
    async claim(owner, kindPrefix, limit, atMs, leaseMs) {
      bell.hear(kindPrefix);
      const nowMs = Math.round(atMs);
      const next = due(kindPrefix)
        .filter(({ nextAtMs }) => nextAtMs !== null && nextAtMs <= nowMs)
        .sort((a, b) => a.priority - b.priority || (a.nextAtMs ?? 0) - (b.nextAtMs ?? 0))
        .slice(0, limit);
      return next.map((work) => claimed(work, owner, nowMs + Math.round(leaseMs)));
    },
    async take(key, owner, atMs, leaseMs) {
      const nowMs = Math.round(atMs);
      const work = works.get(key);
      if (!work) return null;
      if (work.owner === null || (work.nextAtMs ?? 0) <= nowMs)
        return claimed(work, owner, nowMs + Math.round(leaseMs));
      work.wantedUntilMs = nowMs + 2_000;
      return null;
    },
    async extend(claim, nowMs, leaseMs) {
      const leaseEndsAtMs = Math.round(nowMs) + Math.round(leaseMs);
      held(claim).nextAtMs = leaseEndsAtMs;
      return { ...claim, leaseEndsAtMs };
    },
    async complete(claim, { nextAtMs, failed }) {
      const work = held(claim);
      const asked = rounded(nextAtMs);
      const noticed = work.generation > work.startedGeneration ? work.nextDirtyMs : null;
      const soon = noticed !== null && (asked === null || noticed < asked) ? noticed : asked;
      work.owner = null;
      const next = failed ? (asked ?? soon) : soon;
      work.nextAtMs = next === null ? null : Math.max(next, work.wantedUntilMs ?? next);
      work.dirtySinceMs = failed ? (work.dirtySinceMs ?? work.nextDirtyMs) : work.nextDirtyMs;
      if (!failed) work.attempts = 0;
      work.nextDirtyMs = null;
      if (work.generation > work.startedGeneration && work.nextAtMs !== asked) bell.ring(kindsOf([claim.key]));
    },
    work: async (keys) =>
      [...works.values()]
        .filter(({ key }) => keys === undefined || keys.includes(key))
        .sort((a, b) => compare(a.key, b.key))
        .map(({ nextDirtyMs, wantedUntilMs, ...row }) => row),
    async nextDueMs(kindPrefix) {
      const times = due(kindPrefix).flatMap(({ nextAtMs }) => (nextAtMs === null ? [] : [nextAtMs]));
      return times.length === 0 ? null : Math.min(...times);
    },
    waitForWork: (timeoutMs, signal, kindPrefix = '') => bell.wait(timeoutMs, signal, kindPrefix),

    directorySync: absent,
    directoryLinks: absent,
    pageDirectoryLinks: absent,
    directoryLinksGone: absent,
    countDirectoryLinks: absent,
    directoryWaiting: absent,
    directoryJournal: absent,
    directoryRemovalsSince: absent,
    commitDirectory: absent,
    switches: absent,
    switchSteps: absent,
    commitSwitch: absent,
    spend: absent,
    release: absent,
    backOff: absent,

    async close() {},
  };
}

function claimed(work: Work, owner: string, leaseEndsAtMs: number): Claim {
  work.owner = owner;
  work.token++;
  work.attempts++;
  work.startedGeneration = work.generation;
  work.dirtySinceMs ??= work.nextDirtyMs;
  work.nextDirtyMs = null;
  work.wantedUntilMs = null;
  work.nextAtMs = leaseEndsAtMs;
  const { key, token, generation, attempts, dirtySinceMs } = work;
  return { key, token, generation, attempts, leaseEndsAtMs, dirtySinceMs };
}

const newPair = {
  state: 'new',
  stoppedBecause: null,
  pass: 0,
  lastPass: null,
  ringing: null,
  counts: { folders: 0, links: 0, quarantined: 0, bytesCopied: 0, conflicts: 0, leftItems: 0 },
} as const;
const newWork = {
  generation: 0,
  startedGeneration: 0,
  owner: null,
  token: 0,
  attempts: 0,
  dirtySinceMs: null,
  nextDirtyMs: null,
  wantedUntilMs: null,
};

const absent = (): Promise<never> =>
  Promise.reject(new Error('a plain store has no directories, switches and budgets'));
const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const kindsOf = (keys: readonly string[]): readonly string[] => [
  ...new Set(keys.map((key) => key.slice(0, Math.max(0, key.indexOf(':'))))),
];

const legible = <T extends { readonly detail: string; readonly itemClass: string }>(row: T): T => ({
  ...row,
  detail: printable(row.detail),
  itemClass: printable(row.itemClass),
});

/** As it comes back from a database: text of its own, in which what is undefined is not there. */
const plain = <T>(row: T): T => JSON.parse(JSON.stringify(row)) as T;

/** In which order databases give rows back that have no order: any, but always the same. */
function rank(id: string): number {
  let h = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) h = Math.imul(h ^ id.charCodeAt(at), 0x01000193);
  return (h ^ (h >>> 15)) >>> 0;
}

const inOrder = <Row>(rows: readonly (readonly [string, Row])[]): Row[] =>
  rows.length < 2
    ? rows.map(([, row]) => row)
    : rows
        .map(([id, row]) => ({ row, at: rank(id) }))
        .sort((a, b) => a.at - b.at)
        .map(({ row }) => row);

const shuffled = <Row>(table: Table<Row>): readonly Row[] => inOrder([...table]);

/** Rows that have one of the keys. */
function by<Row>(table: Table<Row>, keys: readonly string[], key: (row: Row) => string | null): readonly Row[] {
  if (table.size === 0 || keys.length === 0) return [];
  const wanted = new Set(keys);
  return inOrder(
    [...table].filter(([, row]) => {
      const has = key(row);
      return has !== null && wanted.has(has);
    }),
  );
}

const on =
  (side: Side, key: (head: UnlinkedRow['head']) => string | null) =>
  (row: UnlinkedRow): string | null =>
    row.side === side ? key(row.head) : null;

const page = <Row extends { readonly id: LinkId }>(rows: Row[], after: LinkId | null, limit: number): Row[] =>
  rows
    .filter(({ id }) => after === null || id > after)
    .sort((a, b) => compare(a.id, b.id))
    .slice(0, limit);

function changed<Row>(
  table: Table<Row>,
  gone: readonly string[] = [],
  rows: readonly Row[] = [],
  key: (row: Row) => string,
): Table<Row> {
  if (gone.length === 0 && rows.length === 0) return table;
  const next = new Map(table);
  for (const each of gone) next.delete(each);
  for (const row of rows) next.set(key(row), row);
  return next;
}

const sideKey = (side: Side, id: string): string => `${side} ${id}`;

/** Throws when two links have one item. */
function committed(found: Found, commit: Commit): Found {
  const links = changed(found.links, commit.linksForgotten, commit.links, ({ id }) => id);
  const typedLinks = changed(found.typedLinks, commit.typedLinksForgotten, commit.typedLinks, ({ id }) => id);
  if (links !== found.links) for (const side of ['leftId', 'rightId'] as const) mustDiffer(links, (row) => row[side]);
  if (typedLinks !== found.typedLinks)
    for (const side of ['left', 'right'] as const) mustDiffer(typedLinks, (row) => row[side].id);
  return {
    folders: changed(found.folders, commit.foldersForgotten, commit.folders, ({ left }) => left),
    links,
    intents: changed(found.intents, commit.intentsResolved, commit.intents, (row) => row.stampKey),
    unclaimed: changed(found.unclaimed, commit.unclaimedTaken, commit.unclaimed, ({ right }) => right.id),
    outlived: commit.outlived?.length ? new Set([...found.outlived, ...commit.outlived]) : found.outlived,
    typedLinks,
    typedIntents: changed(found.typedIntents, commit.typedIntentsResolved, commit.typedIntents, (row) => row.stampKey),
    unlinked: changed(
      found.unlinked,
      commit.unlinkedTaken?.map(({ side, id }) => sideKey(side, id)),
      commit.unlinked,
      ({ side, head }) => sideKey(side, head.id),
    ),
  };
}

function mustDiffer<Row>(table: Table<Row>, key: (row: Row) => string): void {
  if (new Set([...table.values()].map(key)).size < table.size)
    throw new StoreError('contradiction', 'two links of one item');
}

/** What a pass can find again. */
function forgetAll(track: Track, nowMs: number, { lostAtMs }: Forgetting): void {
  const wereOnTheirWay = track.found.intents.size + track.found.typedIntents.size > 0;
  const knownSinceMs = track.row.state === 'in-step' ? 0 : track.row.knownSinceMs;
  track.found = nothing;
  track.row = {
    ...track.row,
    state: 'new',
    stoppedBecause: null,
    ringing: null,
    knownSinceMs: wereOnTheirWay ? nowMs : Math.max(knownSinceMs, Math.round(lostAtMs ?? 0)),
    counts: { ...track.row.counts, links: 0, folders: 0 },
  };
}

function countLive({ links, typedLinks }: Found): number {
  let live = 0;
  for (const { state } of links.values()) if (state === 'live') live++;
  for (const { state } of typedLinks.values()) if (state === 'live') live++;
  return live;
}
