import { shownAttributes } from '#connectors/directory/entra/entra-objects.ts';
import { isScripted } from '#connectors/directory/entra/exchange-script.ts';
import { must } from '#kit/assert.ts';
import { attributeRow } from '#model/directory/attribute-rows.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { Attributes, DirectoryObject } from '#model/directory/directory-object.ts';
import { dnKey, sameDn } from '#model/directory/distinguished-name.ts';
import { otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DirectoryJournalRow } from '#store/directory-records.ts';
import type { Claim } from '#store/store.ts';
import { type DirectoryContext, type DirectoryServices, openContext } from './directory-context.ts';
import { addressesOfAdd, kindAttribute, shows as showsDone } from './handed-over.ts';
import { linkAfterUndo } from './link-after-undo.ts';
import { shows } from './settle-open.ts';

/** What became of an entry that was to be taken back. */
export interface Undone {
  readonly no: number;
  readonly outcome: 'undone' | 'would-undo' | 'refused' | 'handed-over';
  /** What was, or would be, written. */
  readonly edit: DirectoryEdit | null;
  readonly detail: string;
}

/**
 * Takes back writes of a directory sync, the newest first: each is written back to what was there before, if what it wrote is still
 * there. Where somebody has changed it since, the entry is refused and nothing is written.
 *
 * What is taken back counts as seen: it is no change that the next pass would carry to the other side.
 *
 * @param apply False: says what it would do.
 */
export async function* undoEntries(
  services: DirectoryServices,
  claim: Claim | null,
  signal: AbortSignal,
  entries: readonly DirectoryJournalRow[],
  apply: boolean,
): AsyncIterable<Undone> {
  const row = await services.store.directorySync(services.policy.sync);
  const context = openContext(services, (row?.pass ?? 0) + 1, claim, signal);
  if (apply && entries.length > 0) await context.commit({ sync: { pass: context.pass } });
  for (const entry of [...entries].sort((a, b) => b.no - a.no)) {
    context.checkpoint();
    yield await undoEntry(context, entry, apply);
  }
}

async function undoEntry(context: DirectoryContext, entry: DirectoryJournalRow, apply: boolean): Promise<Undone> {
  const refuse = (detail: string): Undone => ({ no: entry.no, outcome: 'refused', edit: null, detail });
  if (entry.action === 'note') return refuse('it is no write');
  if (entry.outcome === 'handed-over') return withdraw(context, entry, apply);
  if (entry.outcome !== 'done') return refuse(`it is ${entry.outcome}, not done`);
  const { directory, kind } = context.ends[entry.side];
  const all = [...new Set([...Object.keys(entry.before), ...Object.keys(entry.after)])];
  const names = all.filter((name) => name !== kindAttribute);
  // What Graph does not show is taken for what the journal says: the script looks for itself. What was made never got what no script can set.
  const isHidden = (name: string): boolean =>
    !shownAttributes.has(name.toLowerCase()) || (entry.action === 'add' && !isScripted(name));
  const hidden = new Set(kind === 'entra' ? names.filter(isHidden) : []);
  const object =
    entry.guid === null ? null : ((await directory.read([entry.guid], names, context.call())).get(entry.guid) ?? null);
  const edit = entry.action === 'remove' ? madeAgain(entry, object) : backwards(entry, object, names, hidden);
  if (typeof edit === 'string') return refuse(edit);
  if (!apply) return { no: entry.no, outcome: 'would-undo', edit, detail: describeEdit(edit) };

  const [no = 0] = await context.commit({
    journal: [
      {
        pass: context.pass,
        atMs: context.clock.nowMs(),
        side: entry.side,
        action: edit.kind,
        guid: entry.guid,
        dn: object?.dn ?? entry.dn,
        before: entry.after,
        after: entry.before,
        reason: `undo of ${entry.no}`,
        outcome: 'open',
        detail: null,
      },
    ],
  });
  const written = must((await directory.write([edit], context.call()))[0], 'an answer for each edit');
  if (written.kind !== 'done') {
    const detail = written.kind === 'refused' ? `${written.reason}: ${written.detail}` : written.why;
    await context.commit({ journalSettled: [{ no, outcome: written.kind, detail }] });
    return { no: entry.no, outcome: written.kind, edit, detail };
  }
  await context.commit({
    journalSettled: [
      { no, outcome: 'done', guid: written.guid },
      { no: entry.no, outcome: 'undone', detail: `by entry ${no}` },
    ],
    ...(await linkAfterUndo(context, entry)),
  });
  return { no: entry.no, outcome: 'undone', edit, detail: describeEdit(edit) };
}

/** What nobody has run is only struck out: the next script does not have it, and it is not asked for again before something changes. */
async function withdraw(context: DirectoryContext, entry: DirectoryJournalRow, apply: boolean): Promise<Undone> {
  const { directory } = context.ends[entry.side];
  const names = [...new Set([...Object.keys(entry.before), ...Object.keys(entry.after)])];
  const object =
    entry.guid === null || entry.action === 'add'
      ? undefined
      : (await directory.read([entry.guid], names, context.call())).get(entry.guid);
  const isSeen =
    entry.action === 'modify'
      ? object !== undefined &&
        names.some((name) => shownAttributes.has(name.toLowerCase())) &&
        showsDone(object.attributes, entry)
      : entry.action === 'remove'
        ? object === undefined
        : (await holdersOf(context, entry.side, entry)).length > 0;
  const refuse = (detail: string): Undone => ({ no: entry.no, outcome: 'refused', edit: null, detail });
  if (isSeen) return refuse('its script has been run: causeway directory sync sees it, then it can be taken back');
  const detail = 'withdrawn before its script was run; scripts that were printed before must not be run any more';
  if (!apply) return { no: entry.no, outcome: 'would-undo', edit: null, detail };
  // Whoever was to be made waits no longer: the next change of the original asks for it again.
  const side = otherSide(entry.side);
  const originals = entry.action === 'add' ? await holdersOf(context, side, entry) : [];
  await context.commit({
    journalSettled: [{ no: entry.no, outcome: 'undone', detail }],
    waitingDone: originals.map(({ guid }) => ({ side, guid })),
  });
  return { no: entry.no, outcome: 'undone', edit: null, detail };
}

async function holdersOf(
  { ends, call }: DirectoryContext,
  side: Side,
  entry: DirectoryJournalRow,
): Promise<readonly DirectoryObject[]> {
  const addresses = addressesOfAdd(entry);
  if (addresses.length === 0) return [];
  return ends[side].directory.find(['proxyAddresses'], addresses, ['proxyAddresses'], call());
}

/** @returns why it cannot be taken back, in words. */
function backwards(
  entry: DirectoryJournalRow,
  object: DirectoryObject | null,
  names: readonly string[],
  hidden: ReadonlySet<string>,
): DirectoryEdit | string {
  if (!object || entry.guid === null) return 'the object is not there any more';
  if (entry.action === 'move') {
    const [from, to] = [entry.after['distinguishedName']?.[0] ?? '', entry.before['distinguishedName']?.[0] ?? ''];
    if (!sameDn(object.dn, from)) return `somebody has moved it to ${object.dn} since`;
    return { kind: 'move', guid: entry.guid, from: object.dn, to: to as typeof object.dn };
  }
  const changed = names.filter((name) => !hidden.has(name) && !shows(object.attributes, entry.after, [name]));
  if (changed.length > 0) return `somebody has changed ${changed.join(', ')} since`;
  if (entry.action === 'add') return { kind: 'remove', guid: entry.guid, version: object.version };
  const values = Object.fromEntries(
    names.map((name) => {
      const now = hidden.has(name) ? entry.after[name] : object.attributes[name];
      return [name, difference(name, now ?? [], entry.before[name] ?? [])];
    }),
  );
  return { kind: 'modify', guid: entry.guid, values };
}

function madeAgain(entry: DirectoryJournalRow, object: DirectoryObject | null): DirectoryEdit | string {
  if (object) return 'the object is there';
  const kind = entry.before['objectKind']?.[0];
  if (kind === undefined)
    return 'the journal does not hold the whole object; restore it from the deleted objects of the directory';
  const attributes: Attributes = Object.fromEntries(
    Object.entries(entry.before).filter(([name]) => !['objectKind', 'distinguishedName'].includes(name)),
  );
  return { kind: 'add', object: kind as Extract<DirectoryEdit, { kind: 'add' }>['object'], dn: entry.dn, attributes };
}

function difference(name: string, from: readonly string[], to: readonly string[]) {
  const key = attributeRow(name)?.syntax === 'dn' ? dnKey : (value: string) => value;
  const [before, after] = [new Set(from.map(key)), new Set(to.map(key))];
  return {
    remove: from.filter((value) => !after.has(key(value))),
    add: to.filter((value) => !before.has(key(value))),
  };
}

export function describeEdit(edit: DirectoryEdit): string {
  switch (edit.kind) {
    case 'add':
      return `add ${edit.object} ${edit.dn}`;
    case 'move':
      return `move ${edit.from} to ${edit.to}`;
    case 'remove':
      return 'remove the object';
    case 'modify':
      return Object.entries(edit.values)
        .filter(([, { remove, add }]) => remove.length + add.length > 0)
        .map(
          ([name, { remove, add }]) =>
            `${name}: ${[...remove.map((v) => `-${v}`), ...add.map((v) => `+${v}`)].join(' ')}`,
        )
        .join('; ');
  }
}
