import type { TypedWritten } from '#connectors/contract.ts';
import { shown } from '#engine/shown.ts';
import { must } from '#kit/assert.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { AttachmentHead, OccurrenceOverrides } from '#model/appointment.ts';
import type { LinkId, PairId, Side } from '#model/ids.ts';
import type { TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import { type Claim, type Commit, type JournalRow, type Store, trackId } from '#store/store.ts';
import { countedMailbox } from '../pass/counted-mailbox.ts';
import { openCore } from '../pass/pass-core.ts';
import type { TypedPassServices } from './typed-context.ts';

/** What putting a value back did, or would do. */
export interface RestoreReport {
  readonly applied: boolean;
  /** One line for each side: what is there now, and what comes there. */
  readonly steps: readonly {
    readonly side: Side;
    readonly field: string;
    readonly from: unknown;
    readonly to: unknown;
  }[];
  /** Why it cannot be put back; null: it can. */
  readonly refused: string | null;
}

const refusal = (refused: string): RestoreReport => ({ applied: false, steps: [], refused });

/**
 * Puts the value that lost a conflict back on both sides, by an ordinary edit of each. What stands there now goes to the journal in its
 * turn.
 *
 * @param claim of the track, which nobody else works on meanwhile; null: just a look, or the only process.
 * @param apply False: says what it would do, and writes nothing.
 */
export async function restoreValue<Kind extends TypedKind>(
  services: TypedPassServices,
  ofPair: PairId,
  kind: Kind,
  entry: JournalRow,
  claim: Claim | null,
  apply: boolean,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { store, clock } = services;
  const id = trackId(ofPair, kind);
  const pair = await store.pair(id);
  if (!pair) throw new FaultError({ kind: 'fatal', code: 'config', detail: `no pair ${id}` });
  if (entry.restoredAtMs !== null) return refusal('it was put back already; see the later entries of the journal');
  if (entry.field === 'item' || entry.field === 'folder' || entry.field === 'existence')
    return refusal(
      `the entry is about ${entry.field === 'folder' ? 'the place of an item' : 'an item as a whole'}; take what you need from journal show, or the item from Recoverable Items`,
    );
  const link = await findLink(store, id, entry.link);
  if (link?.state !== 'live') return refusal('the item is not on both sides any more');
  const core = openCore(services, pair, claim, signal, null);
  const sides = { left: typedOf('left'), right: typedOf('right') };
  const now = { left: await readOne('left'), right: await readOne('right') };
  if (isFault(now.left) || isFault(now.right)) return refusal('the item is not there any more on one of the sides');
  const items = { left: now.left, right: now.right };
  const value = entry.winner === 'left' ? entry.right : entry.left;
  const edits = { left: editOf(items.left, entry, value), right: editOf(items.right, entry, value) };
  const missing = (['left', 'right'] as const).find((side) => lacksAttachments(items[side], edits[side]));
  if (missing) return refusal('its attachments are not there any more; only their names are in the journal');
  const steps = (['left', 'right'] as const).flatMap((side) => {
    const from = standing(items[side], entry);
    return JSON.stringify(from) === JSON.stringify(value) ? [] : [{ side, field: entry.field, from, to: value }];
  });
  if (!apply || steps.length === 0) {
    if (apply) await store.commit(id, claim, { journalRestored: { no: entry.no, atMs: clock.nowMs() } });
    return { applied: apply, steps, refused: null };
  }
  await store.commit(id, claim, { journal: [overwritten(entry, items, clock.nowMs())] });
  let next = link;
  for (const { side } of steps) {
    const [answer] = await sides[side].update([{ item: items[side], edit: edits[side] }], core.call());
    if (!answer || isFault(answer)) throw new FaultError(answer ?? noAnswer);
    next = await readBack(next, side, answer);
  }
  await store.commit(id, claim, {
    typedLinks: [next],
    journalRestored: { no: entry.no, atMs: clock.nowMs() },
    history: steps.map(({ side }) => ({
      pass: pair.pass,
      atMs: clock.nowMs(),
      action: 'update',
      reason: `entry ${entry.no} of the journal was put back on the ${side === 'left' ? 'source' : 'target'}`,
      left: next.left.id,
      right: next.right.id,
      outcome: 'done' as const,
      detail: entry.day === null ? entry.field : `${entry.day} ${entry.field}`,
    })),
  });
  return { applied: true, steps, refused: null };

  function typedOf(side: Side) {
    const box = countedMailbox(services[side].mailbox(must(pair, 'a pair')[side].address), () => {});
    const typed = box.typed(kind);
    if (typed) return typed;
    throw new FaultError({ kind: 'fatal', code: 'unsupported', detail: `${kind} cannot be written there` });
  }
  async function readOne(side: Side): Promise<TypedItem<Kind> | Fault> {
    const wanted = must(link, 'a link')[side].id;
    const answer = (await sides[side].read([wanted], core.call())).get(wanted) ?? noAnswer;
    if (isFault(answer) && answer.kind !== 'gone') throw new FaultError(answer);
    return answer;
  }
  /** What the side shows now is what was agreed; at another version the next pass has to look. */
  async function readBack(known: TypedLinkRow, side: Side, written: TypedWritten): Promise<TypedLinkRow> {
    const back = (await sides[side].read([written.id], core.call())).get(written.id) ?? noAnswer;
    if (isFault(back) || back.head.version !== written.version) return known;
    return { ...known, [side]: { ...known[side], version: back.head.version, seen: shown(back) } };
  }
}

const noAnswer: Fault = { kind: 'transient', detail: 'not in the answer', mayHaveHappened: true };

/** By its key: the row after the one before it, in the order of ids. */
async function findLink(store: Store, track: PairId, id: LinkId): Promise<TypedLinkRow | null> {
  if (!/^[0-9a-f]{32}$/.test(id)) return null;
  const before = (BigInt(`0x${id}`) - 1n).toString(16).padStart(32, '0') as LinkId;
  const [found] = await store.pageTypedLinks(track, before, 1);
  return found?.id === id ? found : null;
}

function editOf<Kind extends TypedKind>(item: TypedItem<Kind>, entry: JournalRow, value: unknown): TypedEdit<Kind> {
  const { field, day } = entry;
  if (day === null)
    return {
      set: { [field]: value } as TypedEdit<Kind>['set'],
      occurrences: everyOccurrence(item, field),
      attachments: new Map(),
    };
  const there = item.occurrences.find((o) => o.day === day)?.overrides ?? {};
  const overrides = (field === 'occurrence' ? value : { ...there, [field]: value }) as
    | OccurrenceOverrides
    | 'deleted'
    | null;
  return {
    set: {},
    occurrences: [overrides === 'deleted' ? { day, do: 'delete' } : { day, do: 'modify', overrides: overrides ?? {} }],
    attachments: new Map(),
  };
}

/** A new pattern or time of a series drops the exceptions that an edit does not name. */
function everyOccurrence(item: TypedItem, field: string): TypedEdit['occurrences'] {
  if (field !== 'recurrence' && field !== 'when') return [];
  return [
    ...item.occurrences.map(({ day, overrides }) => ({ day, do: 'modify' as const, overrides })),
    ...item.deletedDays.map((day) => ({ day, do: 'delete' as const })),
  ];
}

function standing(item: TypedItem, { field, day }: JournalRow): unknown {
  if (day === null) return (item.fields as unknown as Record<string, unknown>)[field] ?? null;
  const overrides = item.occurrences.find((o) => o.day === day)?.overrides;
  if (field !== 'occurrence') return (overrides as Record<string, unknown> | undefined)?.[field] ?? null;
  return item.deletedDays.includes(day) ? 'deleted' : (overrides ?? null);
}

/** Bytes are not in the journal: only attachments that the item still has can be named. */
function lacksAttachments(item: TypedItem, edit: TypedEdit): boolean {
  const of = (holder: object) => (holder as { readonly attachments?: readonly AttachmentHead[] }).attachments ?? [];
  const there = new Set([of(item.fields), ...item.occurrences.map((o) => of(o.overrides))].flat().map((a) => a.hash));
  const named = [of(edit.set), ...edit.occurrences.flatMap((o) => (o.do === 'modify' ? [of(o.overrides)] : []))].flat();
  return named.some((a) => !there.has(a.hash));
}

/** What stands there until now loses in its turn. */
const overwritten = (
  entry: JournalRow,
  items: Readonly<Record<Side, TypedItem>>,
  atMs: number,
): NonNullable<Commit['journal']>[number] => ({
  atMs,
  link: entry.link,
  field: entry.field,
  day: entry.day,
  base: null,
  left: entry.winner === 'left' ? standing(items.left, entry) : entry.left,
  right: entry.winner === 'right' ? standing(items.right, entry) : entry.right,
  winner: entry.winner === 'left' ? 'right' : 'left',
  why: `restored: entry ${entry.no} was put back; this is what stood there before`,
});
