import type { TypedWritten } from '#connectors/contract.ts';
import { changesSince, shown } from '#engine/shown.ts';
import { describeFault, type Fault, FaultError, isFault } from '#kit/fault.ts';
import { payloadBytes, payloadOfBytes } from '#kit/payload.ts';
import type { AttachmentContent } from '#model/appointment.ts';
import type { FolderId, ItemId, PairId, Side } from '#model/ids.ts';
import { firstIdOf, hash128, readStamp, writeStamp } from '#model/stamp.ts';
import { type TypedDraft, type TypedEdit, type TypedItem, type TypedKind, typedKinds } from '#model/typed-item.ts';
import type { Shown } from '#model/typed-link.ts';
import { type DedupeContext, headsOf } from './dedupe-context.ts';
import type { UndoMail, UndoMoves, UndoMovesDone } from './dedupe-mail.ts';
import { attachmentsOf, draftAttachments, type Fetched } from './typed/attachments.ts';

/** First line of an undo file. */
export interface UndoHeader {
  readonly causewayUndo: 1;
  readonly madeAtMs: number;
}

/** What one group of duplicates was, written before anything of it is. Complete: the items can be made again from it alone. */
export interface UndoGroup {
  readonly group: number;
  readonly pair: PairId;
  readonly kind: TypedKind;
  readonly side: Side;
  readonly folder: FolderId;
  readonly removed: readonly UndoItem[];
  readonly kept: {
    readonly before: TypedItem;
    /** What it took over; attachments by their heads only. Null: nothing. */
    readonly edit: Omit<TypedEdit, 'attachments'> | null;
  };
}

export interface UndoItem {
  readonly item: TypedItem;
  /** Base64, by hash. */
  readonly attachments: Readonly<Record<string, string>>;
  /** Of the stamp that the item gets when it is put back: it is put back once, however often the file is used. */
  readonly nonce: string;
  /** The item on the left that this one, on the right, was the copy of, when both were removed. */
  readonly twinOf: ItemId | null;
}

/** Written when the group is done: what the kept item showed then. */
export interface UndoDone {
  readonly done: number;
  readonly kept: { readonly id: ItemId; readonly shown: Shown };
}

export type UndoLine = UndoHeader | UndoGroup | UndoDone | UndoMoves | UndoMovesDone;

/** What an undo file holds, as it is read back. */
export interface UndoFileContent {
  readonly typed: readonly UndoEntry[];
  readonly mail: readonly UndoMail[];
}

/** A group as it is read back. */
export interface UndoEntry {
  readonly group: UndoGroup;
  readonly done: UndoDone | null;
}

/** @param text An undo file. Throws an `Error` with the line's number for what is none. */
export function readUndo(text: string): UndoFileContent {
  const groups = new Map<number, UndoGroup>();
  const moves = new Map<number, UndoMoves>();
  const done = new Map<number, UndoDone>();
  const moved = new Map<number, UndoMovesDone>();
  for (const [at, line] of text.split('\n').entries()) {
    // The last line may be cut off where the process was killed; nothing had been written to the mailbox for it.
    if (line === '' || (at > 0 && at === text.split('\n').length - 1)) continue;
    const value = parsed(line);
    if (at === 0) {
      if (value?.['causewayUndo'] !== 1) throw new Error('it is no undo file of causeway dedupe');
    } else if (value !== null && isMoves(value)) moves.set(value.group, value);
    else if (value !== null && isGroup(value)) groups.set(value.group, value);
    else if (value !== null && isMoved(value)) moved.set(value.done, value);
    else if (value !== null && typeof value['done'] === 'number') done.set(value['done'], value as unknown as UndoDone);
    else throw new Error(`line ${at + 1} is none of causeway dedupe`);
  }
  return {
    typed: [...groups.values()].map((group) => ({ group, done: done.get(group.group) ?? null })),
    mail: [...moves.values()].map((group) => ({ group, done: moved.get(group.group) ?? null })),
  };
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

const isGroup = (value: unknown): value is UndoGroup => {
  const { group, pair, kind, side, folder, removed, kept } = value as Partial<UndoGroup>;
  return (
    typeof group === 'number' &&
    typeof pair === 'string' &&
    typedKinds.some((k) => k === kind) &&
    (side === 'left' || side === 'right') &&
    typeof folder === 'string' &&
    Array.isArray(removed) &&
    removed.every((r: Partial<UndoItem>) => typeof r?.item === 'object' && typeof r.nonce === 'string') &&
    typeof kept?.before === 'object'
  );
};

const isMoves = (value: unknown): value is UndoMoves => {
  const { group, pair, kind, side, folder, moved } = value as Partial<UndoMoves>;
  return (
    typeof group === 'number' &&
    typeof pair === 'string' &&
    kind === 'mail' &&
    (side === 'left' || side === 'right') &&
    typeof folder === 'string' &&
    Array.isArray(moved) &&
    moved.every((one) => typeof one?.id === 'string' && typeof one.key === 'string')
  );
};

const isMoved = (value: unknown): value is UndoMovesDone => {
  const { done, now } = value as Partial<UndoMovesDone>;
  return typeof done === 'number' && typeof now === 'object' && now !== null;
};

/** An item with its bytes, as an undo file holds it. */
export async function undoItem(
  item: TypedItem,
  fetched: Fetched,
  nonce: string,
  twinOf: ItemId | null,
): Promise<UndoItem> {
  const attachments: Record<string, string> = {};
  for (const [hash, { bytes }] of fetched.byHash)
    attachments[hash] = Buffer.from(await payloadBytes(bytes)).toString('base64');
  return { item, attachments, nonce, twinOf };
}

export interface PutBack {
  readonly group: number;
  readonly side: Side;
  readonly created: number;
  /** Whether the item that had stayed shows again what it showed before. */
  readonly restored: boolean;
  /** What was not done, and why; counted by reason. */
  readonly not: Readonly<Record<string, number>>;
}

/**
 * Makes again what a dedupe removed, silently, and takes back what the kept item took over from it. Can be done twice: what is there
 * already is left alone. @param newIds Ids of what was put back, by the ids of before; kept over the groups of a file, left ones first.
 */
export async function undoGroup(
  context: DedupeContext,
  { group, done }: UndoEntry,
  newIds: Map<ItemId, ItemId>,
): Promise<PutBack> {
  const { items } = context.sides[group.side];
  const not: Record<string, number> = {};
  const note = (why: string) => {
    not[why] = (not[why] ?? 0) + 1;
  };
  const present = await stampsOf(context, group.side, group.folder);
  const there = await items.read(
    group.removed.map(({ item }) => item.head.id),
    context.call(),
  );
  let created = 0;
  for (const undo of group.removed) {
    const { id } = undo.item.head;
    const now = there.get(id);
    const before = present.get(undo.nonce);
    if (before !== undefined) {
      newIds.set(id, before);
      note('it was put back before');
    } else if (now !== undefined && !isFault(now)) note('it had not been removed');
    else {
      const answer = await create(context, group, undo, newIds);
      if (isFault(answer)) note(describeFault(answer));
      else {
        newIds.set(id, answer);
        created++;
      }
    }
  }
  const restored = await restoreKept(context, group, done, note);
  await context.commit({
    history: [
      {
        pass: context.pair.pass,
        atMs: context.clock.nowMs(),
        action: 'create',
        reason: `${created} of ${group.removed.length} removed duplicates were put back`,
        left: group.side === 'left' ? group.kept.before.head.id : null,
        right: group.side === 'right' ? group.kept.before.head.id : null,
        outcome: 'done',
        detail: null,
      },
    ],
  });
  return { group: group.group, side: group.side, created, restored, not };
}

/** Nonces of the stamps in a folder, with the items that carry them. */
async function stampsOf(context: DedupeContext, side: Side, folder: FolderId): Promise<ReadonlyMap<string, ItemId>> {
  const nonces = new Map<string, ItemId>();
  for await (const { id, stamp } of headsOf(context, side, folder)) {
    const nonce = stamp === null ? undefined : readStamp(stamp)?.nonce;
    if (nonce !== undefined) nonces.set(nonce, id);
  }
  return nonces;
}

async function create(
  context: DedupeContext,
  { kind, side, folder }: UndoGroup,
  { item, attachments, nonce, twinOf }: UndoItem,
  newIds: ReadonlyMap<ItemId, ItemId>,
): Promise<ItemId | Fault> {
  const wanted = attachmentsOf(item).flatMap(({ heads }) => heads);
  const byHash = new Map(
    wanted.flatMap((head): [string, AttachmentContent][] => {
      const text = attachments[head.hash];
      return text === undefined ? [] : [[head.hash, { head, bytes: payloadOfBytes(Buffer.from(text, 'base64')) }]];
    }),
  );
  const fetched: Fetched = { byHash, sizeBytes: wanted.reduce((n, h) => n + h.sizeBytes, 0), dispose: async () => {} };
  // Whoever was a copy is known as the copy of what was put back on the other side.
  const original = twinOf === null ? undefined : newIds.get(twinOf);
  const from = original === undefined ? side : 'left';
  const stamp = writeStamp({
    organization: context.pair[from].organization,
    mailbox: context.mailboxes[from],
    searchKey: item.head.searchKey,
    firstId: firstIdOf(original ?? item.head.id),
    fingerprint: hash128(item.head.identity ?? `${kind} ${item.head.searchKey}`),
    sizeBytes: item.head.sizeBytes,
    nonce,
  });
  const draft = { item, stamp, ...draftAttachments(item, fetched) };
  for (;;) {
    const answer = await createOnce(context, side, folder, draft, item.head.sizeBytes + fetched.sizeBytes);
    if (!isFault(answer)) return answer.id;
    if (answer.kind === 'fatal') throw new FaultError(answer);
    if (answer.kind !== 'throttled') return answer;
    // Creations end with their deadline. Nothing of this one is on its way, and it has no intent that says until when it may be.
    await context.clock.sleep(answer.retryAfterMs, context.signal);
  }
}

async function createOnce(
  context: DedupeContext,
  side: Side,
  folder: FolderId,
  draft: TypedDraft,
  bytes: number,
): Promise<TypedWritten | Fault> {
  try {
    const [answer] = await context.sides[side].items.create(folder, [draft], context.call(bytes));
    return answer ?? { kind: 'transient', detail: 'no answer', mayHaveHappened: true };
  } catch (error) {
    if (error instanceof FaultError && error.fault.kind === 'throttled') return error.fault;
    throw error;
  }
}

/** Takes back what the kept item took over, as far as nobody changed it since. */
async function restoreKept(
  context: DedupeContext,
  { side, kept: { before, edit } }: UndoGroup,
  done: UndoDone | null,
  note: (why: string) => void,
): Promise<boolean> {
  if (edit === null || done === null) return false;
  const { items } = context.sides[side];
  const { id } = done.kept;
  const now = (await items.read([id], context.call())).get(id);
  if (now === undefined || isFault(now)) {
    note('what had stayed is not there any more');
    return false;
  }
  const since = changesSince(shown(now), done.kept.shown);
  const days = new Set(edit.occurrences.map(({ day }) => day));
  if (since.fields.some((field) => field in edit.set) || since.days.some((day) => days.has(day))) {
    note('what had stayed was changed since');
    return false;
  }
  const [answer] = await items.update([{ item: now, edit: backEdit(before, now, edit) }], context.call());
  if (answer !== undefined && !isFault(answer)) return true;
  if (answer?.kind === 'fatal') throw new FaultError(answer);
  note('what had stayed could not be written');
  return false;
}

function backEdit(before: TypedItem, now: TypedItem, { set, occurrences }: Omit<TypedEdit, 'attachments'>): TypedEdit {
  const values = before.fields as unknown as Readonly<Record<string, unknown>>;
  const fields = Object.fromEntries(Object.keys(set).map((field) => [field, values[field]])) as TypedEdit['set'];
  // A pattern that is written drops every exception, so all of them are named then.
  const isRewritten = 'recurrence' in set || ('when' in set && now.kind === 'calendar');
  const days = new Set([
    ...occurrences.map(({ day }) => day),
    ...(isRewritten ? [...before.occurrences.map(({ day }) => day), ...before.deletedDays] : []),
  ]);
  return {
    set: fields,
    occurrences: [...days].sort().map((day) => {
      if (before.deletedDays.includes(day)) return { day, do: 'delete' };
      return { day, do: 'modify', overrides: before.occurrences.find((o) => o.day === day)?.overrides ?? {} };
    }),
    attachments: new Map(),
  };
}
