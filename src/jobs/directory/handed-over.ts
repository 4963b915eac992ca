/**
 * What a directory does not write by itself: edits that stand in the journal as handed over, until the directory shows what they were to do.
 * The journal is what the script is made from, so nothing is forgotten and nothing is asked for twice.
 */
import { shownAttributes } from '#connectors/directory/entra/entra-objects.ts';
import { exchangeScript, type ScriptStep } from '#connectors/directory/entra/exchange-script.ts';
import { wantedName } from '#engine/directory/merge-attributes.ts';
import type { DirectoryPlan, PlannedEdit } from '#engine/directory/plan.ts';
import { changeOf } from '#engine/directory/values.ts';
import { attributeRow } from '#model/directory/attribute-rows.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { Attributes, DirectoryKind, DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import { onlineAddressKey, smtpAddresses } from '#model/directory/proxy-address.ts';
import { isSecurityGroup, recipientType } from '#model/directory/recipient-type.ts';
import type { BySide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DirectoryCommit, DirectoryJournalRow } from '#store/directory-records.ts';
import type { Claim, Store } from '#store/store.ts';
import { type DirectoryContext, type DirectoryServices, openContext, sides } from './directory-context.ts';
import { linkAfterUndo } from './link-after-undo.ts';

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
  const newest = new Map(rows.map((row) => [subjectOf(row), row.no]));
  return exchangeScript(
    rows
      .filter((row) => row.side === side && newest.get(subjectOf(row)) === row.no)
      .flatMap((row): ScriptStep[] => {
        const edit = editOf(row);
        return edit === null ? [] : [{ no: row.no, identity: row.guid ?? '', edit }];
      }),
  );
}

/** An edit as the journal has it. Objects of a tenant have no name that would say what they are. */
export function entryOf({
  side,
  change,
  dn,
  before,
  after,
}: PlannedEdit): Pick<DirectoryJournalRow, 'side' | 'action' | 'guid' | 'before' | 'after'> {
  const isNameless = change.kind === 'add' && dn === '';
  return {
    side,
    action: change.kind,
    guid: change.kind === 'add' ? null : change.guid,
    before,
    after: isNameless ? { ...after, [kindAttribute]: [change.object] } : after,
  };
}

/**
 * Entries that nobody has run and that their links want no more: the value went back to what the tenant shows, so no newer entry takes their
 * place. Run later, such a one would do harm: forwarding of somebody who works in the tenant by now sends mail in a circle.
 *
 * @param plan Only of links that it decides about; entries of others stay.
 */
export function noLongerWanted(
  rows: readonly DirectoryJournalRow[],
  plan: Pick<DirectoryPlan, 'edits' | 'links'>,
): readonly DirectoryJournalRow[] {
  const planned = new Set(plan.edits.map((edit) => subjectOf(entryOf(edit))));
  const wanted = {
    left: new Map(plan.links.map((link) => [link.left, link.wanted.left])),
    right: new Map(plan.links.map((link) => [link.right, link.wanted.right])),
  };
  return rows.filter((row) => {
    if (row.action !== 'modify' || row.guid === null || undoneBy(row) !== null || planned.has(subjectOf(row)))
      return false;
    const ofLink = wanted[row.side].get(row.guid);
    if (ofLink === undefined) return false;
    // References are merged anew each time, against what is there: what this plan does not ask for is wanted by nobody.
    return namesOf(row).some(
      (name) => attributeRow(name)?.syntax === 'dn' || !isStillWanted(name, row.after[name] ?? [], ofLink[name]),
    );
  });
}

function isStillWanted(name: string, asked: readonly string[], wanted: readonly string[] | undefined): boolean {
  if (wanted === undefined) return asked.length === 0 && !isShown(name);
  const key = keyOf(name);
  return changeOf(asked.map(key), wanted.map(key)) === null;
}

/** Entries that redirect somebody whose switch is under way: it turns the addresses itself. */
export function notNow(
  rows: readonly DirectoryJournalRow[],
  plan: Pick<DirectoryPlan, 'links' | 'waiting'>,
): readonly DirectoryJournalRow[] {
  const switching = new Set(plan.waiting.flatMap(({ reason, guid }) => (reason === 'switch-under-way' ? [guid] : [])));
  const guids = new Set(
    plan.links.flatMap(({ left, right }) => (switching.has(left) || switching.has(right) ? [left, right] : [])),
  );
  return rows.filter((row) => row.guid !== null && guids.has(row.guid) && isRedirection(row));
}

/** Whether an entry has to do with where mail is sent on to. */
export const isRedirection = (row: Pick<DirectoryJournalRow, 'before' | 'after'>): boolean =>
  namesOf(row).some((name) => redirections.has(name));

/** What a link remembers of a person, without what was asked for before a switch turned it round. */
export const withoutRedirection = (shown: Attributes): Attributes =>
  Object.fromEntries(
    Object.entries(shown).filter(
      ([name]) => ![...redirections].some((redirection) => name === wantedName(redirection)),
    ),
  );

/** How many writes to tenants a plan has that no pass has made or handed over so far. */
export function unasked(
  rows: readonly DirectoryJournalRow[],
  plan: Pick<DirectoryPlan, 'edits'>,
  ends: BySide<Pick<DirectoryContext['ends']['left'], 'kind'>>,
): number {
  const asked = new Map(rows.map((row) => [subjectOf(row), row]));
  return plan.edits.filter((edit) => {
    const row = asked.get(subjectOf(entryOf(edit)));
    return ends[edit.side].kind === 'entra' && (row === undefined || !asksTheSame(row, entryOf(edit)));
  }).length;
}

/** Settles such entries: no script has them from then on. */
export const withdrawn = (rows: readonly DirectoryJournalRow[]): readonly Settled[] =>
  rows.map(({ no }) => ({ no, outcome: 'refused', detail: 'withdrawn before it was run: it is not wanted any more' }));

/** Attributes that say where mail is sent on to. */
const redirections: ReadonlySet<string> = new Set(['targetAddress', 'msExchGenericForwardingAddress']);

const keyOf = (name: string) => (name === 'proxyAddresses' ? onlineAddressKey : (value: string) => value);

/** Number of the entry that one takes back; null: it is no undo. */
function undoneBy({ reason }: DirectoryJournalRow): number | null {
  const undone = /^undo of (\d+)$/.exec(reason)?.[1];
  return undone === undefined ? null : Number(undone);
}

/** Whether an object has what an entry was to give it, as far as Graph shows it. Addresses that others added count for nothing. */
export function shows(object: Attributes, row: DirectoryJournalRow): boolean {
  return namesOf(row).every((name) => {
    if (!isShown(name)) return true;
    const change = changeOf(row.before[name] ?? [], row.after[name] ?? []);
    const key = keyOf(name);
    const now = new Set((object[name] ?? []).map(key));
    const wanted = new Set((row.after[name] ?? []).map(key));
    return (
      change === null ||
      (change.add.every((v) => now.has(key(v))) && change.remove.every((v) => wanted.has(key(v)) || !now.has(key(v))))
    );
  });
}

type Settled = NonNullable<DirectoryCommit['journalSettled']>[number];

/** What a look has found, for one commit. */
class Findings {
  readonly settled: Settled[] = [];
  readonly links = new Map<ObjectGuid, DirectoryLink>();
  readonly forgotten: NonNullable<DirectoryCommit['linksForgotten']>[number][] = [];

  /** An entry that took another one back settles that one as well, and its link has seen what was put back. */
  async see(context: DirectoryContext, row: DirectoryJournalRow, detail: string, guid?: ObjectGuid): Promise<void> {
    this.settled.push({ no: row.no, outcome: 'done', detail, ...(guid === undefined ? {} : { guid }) });
    const no = undoneBy(row);
    if (no === null) return;
    this.settled.push({ no, outcome: 'undone', detail: `by entry ${row.no}` });
    const [entry] = await context.store.directoryJournal({ sync: context.sync, no }, 1);
    if (entry === undefined) return;
    const { links = [], linksForgotten = [] } = await linkAfterUndo(context, entry, this.links);
    for (const link of links) this.links.set(link.left, link);
    this.forgotten.push(...linksForgotten);
  }

  refuse(row: DirectoryJournalRow, detail: string): void {
    this.settled.push({ no: row.no, outcome: 'refused', detail });
  }

  async commit(context: DirectoryContext): Promise<void> {
    if (this.settled.length === 0 && this.links.size === 0) return;
    const gone = new Set(this.forgotten.map(({ left }) => left));
    const links = [...this.links.values()].filter(({ left }) => !gone.has(left));
    await context.commit({
      journalSettled: this.settled,
      ...(links.length > 0 && { links }),
      ...(this.forgotten.length > 0 && { linksForgotten: this.forgotten }),
    });
  }
}

const seen = 'seen after the script was run';

/**
 * Looks whether somebody has run the script. What can be seen is settled; what Graph does not show (redirection, hidden from lists) waits for
 * the receipt of the script, and costs no request.
 *
 * @returns objects that have the addresses of something to be made, and are not linked yet.
 */
export async function settleHandedOver(context: DirectoryContext): Promise<BySide<readonly ObjectGuid[]>> {
  const found = { left: [] as ObjectGuid[], right: [] as ObjectGuid[] };
  const rows = await openHandedOver(context.store, context.sync);
  if (rows.length === 0) return found;
  const findings = new Findings();
  for (const side of sides) {
    const own = newestOf(
      rows.filter((row) => row.side === side),
      findings,
    );
    if (own.length === 0) continue;
    await settleChanges(context, side, own, findings);
    found[side].push(...(await settleMade(context, side, own, findings)));
  }
  await findings.commit(context);
  return found;
}

/** Only the newest about one thing can come true. */
function newestOf(rows: readonly DirectoryJournalRow[], findings: Findings): readonly DirectoryJournalRow[] {
  const newest = new Map(rows.map((row) => [subjectOf(row), row.no]));
  return rows.filter((row) => {
    const no = newest.get(subjectOf(row));
    if (no === row.no) return true;
    findings.refuse(row, `entry ${no} takes its place`);
    return false;
  });
}

async function settleChanges(
  context: DirectoryContext,
  side: Side,
  rows: readonly DirectoryJournalRow[],
  findings: Findings,
): Promise<void> {
  const { directory } = context.ends[side];
  const open = rows.filter(
    (row) => row.guid !== null && (row.action === 'remove' || (row.action === 'modify' && namesOf(row).some(isShown))),
  );
  const names = [...new Set(open.flatMap((row) => namesOf(row).filter(isShown)))];
  for (let at = 0; at < open.length; at += BATCH) {
    const piece = open.slice(at, at + BATCH);
    const guids = [...new Set(piece.flatMap(({ guid }) => guid ?? []))];
    const now = await directory.read(guids, names, context.call());
    for (const row of piece) {
      const object = row.guid === null ? undefined : now.get(row.guid);
      if (row.action === 'remove') {
        if (object === undefined) await findings.see(context, row, seen);
      } else if (object === undefined) findings.refuse(row, 'the object is not there any more');
      else if (shows(object.attributes, row)) await findings.see(context, row, seen);
    }
  }
}

/** SMTP addresses of something to be made, as values of proxyAddresses. */
export const addressesOfAdd = ({ after }: Pick<DirectoryJournalRow, 'after'>): readonly string[] => [
  ...new Set(
    smtpAddresses([...(after['proxyAddresses'] ?? []), ...(after['targetAddress'] ?? [])]).map(
      (address) => `smtp:${address.toLowerCase()}`,
    ),
  ),
];

/** Begins the detail of an add that a receipt has confirmed. */
const confirmed = 'made by the script';
const isConfirmed = ({ detail }: DirectoryJournalRow): boolean => detail?.startsWith(confirmed) ?? false;

/** Whether an object is what an add asked for. An account that somebody made by hand, or that has a mailbox, is not. */
function isAskedFor(object: DirectoryObject, { after }: DirectoryJournalRow): boolean {
  const [kind = 'user'] = after[kindAttribute] ?? [];
  if (object.kind !== kind) return false;
  const type = recipientType(object);
  if (kind === 'user') return type === 'mail-user';
  if (kind === 'contact') return type === 'mail-contact';
  return type === (isSecurityGroup(after) ? 'security-group' : 'distribution-group');
}

/**
 * What was made is known by its addresses, but somebody else may have made something with these by hand meanwhile. It counts as ours, and is
 * removed with its original, only if a receipt of the script has it and it is what was asked for; otherwise it is linked as found.
 */
async function settleMade(
  context: DirectoryContext,
  side: Side,
  rows: readonly DirectoryJournalRow[],
  findings: Findings,
): Promise<readonly ObjectGuid[]> {
  const { ends, store, sync, call, wanted } = context;
  const adds = rows.filter((row) => row.action === 'add');
  const holders = new Map<string, DirectoryObject>();
  const values = [...new Set(adds.flatMap(addressesOfAdd))];
  for (let at = 0; at < values.length; at += BATCH)
    for (const object of await ends[side].directory.find(
      ['proxyAddresses'],
      values.slice(at, at + BATCH),
      wanted[side],
      call(),
    ))
      for (const value of object.attributes['proxyAddresses'] ?? []) holders.set(value.toLowerCase(), object);
  const objects = new Map<number, DirectoryObject>();
  for (const row of adds) {
    const object = addressesOfAdd(row).flatMap((value) => holders.get(value) ?? [])[0];
    if (object !== undefined) objects.set(row.no, object);
  }
  const guids = [...objects.values()].map(({ guid }) => guid);
  const linked = new Map((await store.directoryLinks(sync, side, guids)).map((link) => [link[side], link]));
  const found: ObjectGuid[] = [];
  for (const row of adds) {
    const object = objects.get(row.no);
    if (object === undefined) continue;
    const link = linked.get(object.guid);
    if (link === undefined) {
      found.push(object.guid);
      continue;
    }
    await findings.see(context, row, seen, object.guid);
    if (link.made === null && isConfirmed(row) && isAskedFor(object, row))
      findings.links.set(link.left, { ...link, made: side, by: 'made' });
  }
  return found;
}

/** A receipt that came after a pass had found the object: what it says of who made it is still news. */
async function countAsMade(context: DirectoryContext, row: DirectoryJournalRow, findings: Findings): Promise<void> {
  if (row.guid === null) return;
  const [link] = await context.store.directoryLinks(context.sync, row.side, [row.guid]);
  if (link === undefined || link.made !== null) return;
  const { directory } = context.ends[row.side];
  const object = (await directory.read([row.guid], context.wanted[row.side], context.call())).get(row.guid);
  if (object !== undefined && isAskedFor(object, row))
    findings.links.set(link.left, { ...link, made: row.side, by: 'made' });
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
  claim: Claim | null,
  lines: readonly ReceiptLine[],
  signal: AbortSignal,
): Promise<readonly ReceiptOutcome[]> {
  const row = await services.store.directorySync(services.policy.sync);
  const context = openContext(services, row?.pass ?? 0, claim, signal);
  await settleHandedOver(context);
  const open = new Map((await openHandedOver(context.store, context.sync)).map((entry) => [entry.no, entry]));
  const told = new Map<number, ReceiptLine[]>();
  for (const line of lines) told.set(line.no, [...(told.get(line.no) ?? []), line]);
  const findings = new Findings();
  const outcomes: ReceiptOutcome[] = [];
  for (const [no, own] of told) {
    const entry = open.get(no) ?? (await context.store.directoryJournal({ sync: context.sync, no }, 1))[0];
    if (entry === undefined || (entry.outcome !== 'handed-over' && entry.outcome !== 'done')) {
      outcomes.push({ no, outcome: 'unknown', detail: 'no entry of this sync that was handed over has this number' });
      continue;
    }
    const isMade = entry.action === 'add' && own.some(({ what, isThere }) => isThere && /^new /i.test(what));
    if (entry.outcome === 'done') {
      if (isMade) await countAsMade(context, entry, findings);
      outcomes.push({ no, outcome: 'done', detail: 'seen' });
      continue;
    }
    const missing = own.filter(({ isThere }) => !isThere);
    if (missing.length > 0) {
      const detail = `${isMade ? `${confirmed}; ` : ''}not there after the script: ${missing.map(({ what, detail: why }) => (why === '' ? what : `${what} (${why})`)).join('; ')}`;
      findings.settled.push({ no, outcome: 'handed-over', detail });
      outcomes.push({ no, outcome: 'missing', detail });
    } else if (namesOf(entry).some(isShown) || entry.action !== 'modify') {
      const detail = `${isMade ? confirmed : 'the script found it done'}; Graph does not show it yet`;
      findings.settled.push({ no, outcome: 'handed-over', detail });
      outcomes.push({ no, outcome: 'not-shown-yet', detail });
    } else {
      await findings.see(context, entry, 'found done by the script');
      outcomes.push({ no, outcome: 'done', detail: 'found done by the script' });
    }
  }
  await findings.commit(context);
  return outcomes;
}
