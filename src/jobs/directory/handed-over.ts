/**
 * What a directory does not write by itself: edits that stand in the journal as handed over, until the directory shows what they were to do.
 * The journal is what the script is made from, so nothing is forgotten and nothing is asked for twice.
 */
import { shownAttributes } from '#connectors/directory/entra/entra-objects.ts';
import { exchangeScript, type ScriptStep } from '#connectors/directory/entra/exchange-script.ts';
import { changeOf } from '#engine/directory/values.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { Attributes, DirectoryKind, DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import { onlineAddressKey, smtpAddresses } from '#model/directory/proxy-address.ts';
import type { BySide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DirectoryCommit, DirectoryJournalRow } from '#store/directory-records.ts';
import type { Store } from '#store/store.ts';
import { type DirectoryContext, type DirectoryServices, openContext, sides } from './directory-context.ts';

const PAGE = 500;
const BATCH = 200;

/** Of what was made: the kind of object. Stands among the values of the journal, where an add has no other place for it. */
export const kindAttribute = 'objectKind';

/** Everything that is handed over and was not seen yet, the oldest first. */
export async function openHandedOver(store: Store, sync: string): Promise<readonly DirectoryJournalRow[]> {
  const rows: DirectoryJournalRow[] = [];
  for (let before: number | undefined; ; ) {
    const page = await store.directoryJournal(
      { sync, outcome: 'handed-over', ...(before === undefined ? {} : { before }) },
      PAGE,
    );
    rows.push(...page);
    before = page.at(-1)?.no;
    if (page.length < PAGE || before === undefined) return rows.reverse();
  }
}

const isShown = (name: string): boolean => shownAttributes.has(name.toLowerCase());
const namesOf = ({ before, after }: Pick<DirectoryJournalRow, 'before' | 'after'>): readonly string[] => [
  ...new Set([...Object.keys(before), ...Object.keys(after)]),
];

/** What an entry is about: of two about the same the newer one counts. */
export function subjectOf(row: Pick<DirectoryJournalRow, 'side' | 'action' | 'guid' | 'before' | 'after'>): string {
  if (row.action === 'add')
    return `${row.side} add ${(row.after['mail'] ?? row.after['targetAddress'] ?? row.after['displayName'] ?? []).join().toLowerCase()}`;
  return `${row.side} ${row.action} ${row.guid} ${row.action === 'modify' ? [...namesOf(row)].sort().join() : ''}`;
}

/** Whether two entries ask for the same. */
export const asksTheSame = (a: Pick<DirectoryJournalRow, 'after'>, b: Pick<DirectoryJournalRow, 'after'>): boolean => {
  const names = new Set([...Object.keys(a.after), ...Object.keys(b.after)]);
  names.delete(kindAttribute);
  return [...names].every((name) => changeOf(a.after[name] ?? [], b.after[name] ?? []) === null);
};

function editOf(row: DirectoryJournalRow): ScriptStep['edit'] | null {
  if (row.action === 'add') {
    const { [kindAttribute]: kind = ['user'], ...attributes } = row.after;
    return { kind: 'add', object: kind[0] as DirectoryKind, dn: row.dn, attributes };
  }
  if (row.guid === null) return null;
  if (row.action === 'remove') return { kind: 'remove', guid: row.guid, version: '' };
  if (row.action !== 'modify') return null;
  const values: Record<string, { readonly remove: readonly string[]; readonly add: readonly string[] }> = {};
  for (const name of namesOf(row)) {
    const change = changeOf(row.before[name] ?? [], row.after[name] ?? []);
    if (change !== null) values[name] = change;
  }
  return { kind: 'modify', guid: row.guid, values } satisfies Extract<DirectoryEdit, { kind: 'modify' }>;
}

/** The script of one side for what is still open; empty: nothing is. */
export function scriptOfHandedOver(rows: readonly DirectoryJournalRow[], side: Side): readonly string[] {
  return exchangeScript(
    rows
      .filter((row) => row.side === side)
      .flatMap((row): ScriptStep[] => {
        const edit = editOf(row);
        return edit === null ? [] : [{ no: row.no, identity: row.guid ?? '', edit }];
      }),
  );
}

/** Whether an object has what an entry was to give it, as far as Graph shows it. Addresses that others added count for nothing. */
function shows(object: Attributes, row: DirectoryJournalRow): boolean {
  return namesOf(row).every((name) => {
    if (!isShown(name)) return true;
    const change = changeOf(row.before[name] ?? [], row.after[name] ?? []);
    const key = name === 'proxyAddresses' ? onlineAddressKey : (value: string) => value;
    const now = new Set((object[name] ?? []).map(key));
    const wanted = new Set((row.after[name] ?? []).map(key));
    return (
      change === null ||
      (change.add.every((v) => now.has(key(v))) && change.remove.every((v) => wanted.has(key(v)) || !now.has(key(v))))
    );
  });
}

type Settled = NonNullable<DirectoryCommit['journalSettled']>[number];

/**
 * Looks whether somebody has run the script. What can be seen is settled; what Graph does not show (redirection, hidden from lists) waits for
 * the receipt of the script.
 *
 * @returns objects that were made by a script and are not linked yet.
 */
export async function settleHandedOver(context: DirectoryContext): Promise<BySide<readonly ObjectGuid[]>> {
  const found = { left: [] as ObjectGuid[], right: [] as ObjectGuid[] };
  const rows = await openHandedOver(context.store, context.sync);
  if (rows.length === 0) return found;
  const settled: Settled[] = [];
  const links: DirectoryLink[] = [];
  for (const side of sides) {
    const own = rows.filter((row) => row.side === side);
    if (own.length === 0) continue;
    await settleChanges(context, side, own, settled);
    await settleMade(context, side, own, { settled, links, found: found[side] });
  }
  if (settled.length > 0) await context.commit({ journalSettled: settled, ...(links.length > 0 && { links }) });
  return found;
}

async function settleChanges(
  context: DirectoryContext,
  side: Side,
  rows: readonly DirectoryJournalRow[],
  settled: Settled[],
): Promise<void> {
  const { directory } = context.ends[side];
  const changes = rows.filter((row) => row.guid !== null && (row.action === 'modify' || row.action === 'remove'));
  // Only the newest about one thing can come true.
  const newest = new Map(changes.map((row) => [subjectOf(row), row.no]));
  for (const row of changes)
    if (newest.get(subjectOf(row)) !== row.no)
      settled.push({
        no: row.no,
        outcome: 'refused',
        detail: `entry ${newest.get(subjectOf(row))} asks for something else`,
      });
  const open = changes.filter((row) => newest.get(subjectOf(row)) === row.no);
  const names = [...new Set(open.flatMap(namesOf))];
  for (let at = 0; at < open.length; at += BATCH) {
    const piece = open.slice(at, at + BATCH);
    const guids = [...new Set(piece.flatMap(({ guid }) => guid ?? []))];
    const now = await directory.read(guids, names, context.call());
    for (const row of piece) {
      const object = row.guid === null ? undefined : now.get(row.guid);
      if (row.action === 'remove') {
        if (object === undefined) settled.push(...seen(row));
      } else if (object === undefined)
        settled.push({ no: row.no, outcome: 'refused', detail: 'the object is not there any more' });
      else if (shows(object.attributes, row) && namesOf(row).some(isShown)) settled.push(...seen(row));
    }
  }
}

/** An entry that took another one back settles that one as well. */
function seen(row: DirectoryJournalRow, guid?: ObjectGuid): readonly Settled[] {
  const undone = /^undo of (\d+)$/.exec(row.reason)?.[1];
  return [
    { no: row.no, outcome: 'done', detail: 'seen after the script was run', ...(guid === undefined ? {} : { guid }) },
    ...(undone === undefined
      ? []
      : [{ no: Number(undone), outcome: 'undone', detail: `by entry ${row.no}` } satisfies Settled]),
  ];
}

/** What was made is known by its addresses; nobody had them when it was asked for. Once it is linked it counts as made by us. */
async function settleMade(
  { ends, store, sync, call }: DirectoryContext,
  side: Side,
  rows: readonly DirectoryJournalRow[],
  into: { readonly settled: Settled[]; readonly links: DirectoryLink[]; readonly found: ObjectGuid[] },
): Promise<void> {
  const adds = rows.filter((row) => row.action === 'add');
  const newest = new Map(adds.map((row) => [subjectOf(row), row.no]));
  const addresses = (row: DirectoryJournalRow): readonly string[] =>
    smtpAddresses([...(row.after['proxyAddresses'] ?? []), ...(row.after['targetAddress'] ?? [])]).map(
      (address) => `smtp:${address.toLowerCase()}`,
    );
  const holders = new Map<string, DirectoryObject>();
  const values = [...new Set(adds.flatMap(addresses))];
  for (let at = 0; at < values.length; at += BATCH)
    for (const object of await ends[side].directory.find(
      ['proxyAddresses'],
      values.slice(at, at + BATCH),
      ['proxyAddresses'],
      call(),
    ))
      for (const value of object.attributes['proxyAddresses'] ?? []) holders.set(value.toLowerCase(), object);
  const objects = new Map<number, DirectoryObject>();
  for (const row of adds) {
    if (newest.get(subjectOf(row)) !== row.no) {
      into.settled.push({
        no: row.no,
        outcome: 'refused',
        detail: `entry ${newest.get(subjectOf(row))} asks for it anew`,
      });
      continue;
    }
    const object = addresses(row).flatMap((value) => holders.get(value) ?? [])[0];
    if (object !== undefined) objects.set(row.no, object);
  }
  const guids = [...objects.values()].map(({ guid }) => guid);
  const linked = new Map((await store.directoryLinks(sync, side, guids)).map((link) => [link[side], link]));
  for (const row of adds) {
    const object = objects.get(row.no);
    if (object === undefined) continue;
    const link = linked.get(object.guid);
    if (link === undefined) {
      into.found.push(object.guid);
      continue;
    }
    into.settled.push(...seen(row, object.guid));
    if (link.made === null) into.links.push({ ...link, made: side, by: 'made' });
  }
}

/** One line of a receipt, as the script's own check wrote it. */
export interface ReceiptLine {
  readonly no: number;
  readonly what: string;
  readonly isThere: boolean;
  readonly detail: string;
}

export interface ReceiptOutcome {
  readonly no: number;
  readonly outcome: 'done' | 'missing' | 'not-shown-yet' | 'unknown';
  readonly detail: string;
}

/**
 * Takes what a script found by its own check. An entry of which everything is there, and of which Graph shows nothing, is done; one that Graph
 * shows is done once it does. What is missing stays handed over, with what is missing.
 */
export async function takeReceipt(
  services: DirectoryServices,
  lines: readonly ReceiptLine[],
  signal: AbortSignal,
): Promise<readonly ReceiptOutcome[]> {
  const row = await services.store.directorySync(services.policy.sync);
  const context = openContext(services, row?.pass ?? 0, null, signal);
  await settleHandedOver(context);
  const open = new Map((await openHandedOver(context.store, context.sync)).map((entry) => [entry.no, entry]));
  const told = new Map<number, ReceiptLine[]>();
  for (const line of lines) told.set(line.no, [...(told.get(line.no) ?? []), line]);
  const settled: Settled[] = [];
  const outcomes: ReceiptOutcome[] = [];
  for (const [no, own] of told) {
    const entry = open.get(no) ?? (await context.store.directoryJournal({ sync: context.sync, no }, 1))[0];
    if (entry === undefined || (entry.outcome !== 'handed-over' && entry.outcome !== 'done')) {
      outcomes.push({ no, outcome: 'unknown', detail: 'no entry of this sync that was handed over has this number' });
      continue;
    }
    if (entry.outcome === 'done') {
      outcomes.push({ no, outcome: 'done', detail: 'seen' });
      continue;
    }
    const missing = own.filter(({ isThere }) => !isThere);
    if (missing.length > 0) {
      const detail = `not there after the script: ${missing.map(({ what, detail: why }) => (why === '' ? what : `${what} (${why})`)).join('; ')}`;
      settled.push({ no, outcome: 'handed-over', detail });
      outcomes.push({ no, outcome: 'missing', detail });
    } else if (namesOf(entry).some(isShown) || entry.action !== 'modify') {
      const detail = 'the script found it done; Graph does not show it yet';
      settled.push({ no, outcome: 'handed-over', detail });
      outcomes.push({ no, outcome: 'not-shown-yet', detail });
    } else {
      settled.push(...seen(entry).map((one) => (one.no === no ? { ...one, detail: 'found done by the script' } : one)));
      outcomes.push({ no, outcome: 'done', detail: 'found done by the script' });
    }
  }
  if (settled.length > 0) await context.commit({ journalSettled: settled });
  return outcomes;
}
