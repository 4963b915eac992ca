import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { AttachmentContent } from '#model/appointment.ts';
import type { ItemId, Version } from '#model/ids.ts';
import { waysOf } from '#model/item-ways.ts';
import type { MailContent, MailDraft } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedEdit, TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { Connector, Context, Mailbox } from '../contract.ts';

/** What a call of the scripted mailbox ends with: an answer, or a fault to throw. */
export type Outcome = { readonly answer: unknown } | { readonly fault: Fault };

export interface Scripted {
  readonly connector: Connector;
  /** `operation` or `operation:items`, in the order of the calls. */
  readonly calls: string[];
}

/** A connector whose mailboxes do what the script says, call after call; the last outcome repeats. */
export function scripted(...outcomes: readonly Outcome[]): Scripted {
  const calls: string[] = [];
  let at = 0;
  const next = async (operation: string, items?: number): Promise<never> => {
    calls.push(items === undefined ? operation : `${operation}:${items}`);
    const outcome = outcomes[Math.min(at++, outcomes.length - 1)];
    if (outcome === undefined) throw new Error('nothing is scripted');
    if ('fault' in outcome) throw new FaultError(outcome.fault);
    return outcome.answer as never;
  };
  const mailbox = (address: string): Mailbox => ({
    address,
    typed: () => ({
      changes: () => next('typedChanges'),
      read: (ids) => next('typedRead', ids.length),
      attachments: (_id, _day, wanted) => next('typedAttachments', wanted.length),
      findByIdentity: () => next('typedFindByIdentity'),
      create: (_folder, drafts) => next('typedCreate', drafts.length),
      update: (edits) => next('typedUpdate', edits.length),
      move: (ids) => next('typedMove', ids.length),
      remove: (items) => next('typedRemove', items.length),
    }),
    freeBusy: () => next('freeBusy'),
    primaryOf: () => next('primaryOf'),
    tree: () => next('tree'),
    marks: () => next('marks'),
    roles: () => next('roles'),
    changes: () => next('changes'),
    heads: (ids) => next('heads', ids.length),
    contents: (items) => next('contents', items.length),
    properties: (ids) => next('properties', ids.length),
    findByStamp: () => next('findByStamp'),
    create: (_folder, drafts) => next('create', drafts.length),
    update: (edits) => next('update', edits.length),
    move: (ids) => next('move', ids.length),
    remove: (items) => next('remove', items.length),
    createFolder: () => next('createFolder'),
    renameFolder: () => next('renameFolder'),
    moveFolder: () => next('moveFolder'),
    removeFolder: () => next('removeFolder'),
    limits: () => next('limits'),
    ping: () => next('ping'),
  });
  const connector: Connector = {
    organization: 'contoso',
    abilities: {
      product: 'scripted',
      nativeDelta: true,
      conditionalWrites: true,
      suppressReceipts: true,
      createsSentMail: true,
      readFlagAtCreate: true,
      batchMax: 10,
      batchMaxBytes: 1_000_000,
      itemMaxBytes: null,
      changePageMax: 100,
      reads: waysOf([], []),
      writes: waysOf([], []),
    },
    mailbox,
    close: async () => {},
  };
  return { connector, calls };
}

/** A clock that passes only when somebody sleeps. */
export function jumpingClock(): Clock & { readonly slept: number[] } {
  let now = 0;
  const slept: number[] = [];
  return {
    slept,
    nowMs: () => now,
    monotonicMs: () => now,
    async sleep(ms, signal) {
      if (signal?.aborted) throw signal.reason;
      slept.push(ms);
      now += ms;
    },
  };
}

export const within = (deadlineMs: number, signal: AbortSignal = new AbortController().signal): Context => ({
  signal,
  deadlineMs,
});
export const item = (name: string): ItemId => name as ItemId;
export const written = (name: string) => ({ id: name as ItemId, version: '1' as Version });

/** As much of a typed draft as a wrapper looks at: bytes of its attachments and of those of its occurrences. */
export function typedDraft(bytes: number, ofOccurrences: readonly number[] = []): TypedDraft<'calendar'> {
  const attachment = (size: number) => ({ bytes: payloadOfBytes(Buffer.alloc(size)) }) as unknown as AttachmentContent;
  return {
    item: {} as unknown as TypedItem<'calendar'>,
    attachments: [attachment(bytes)],
    occurrenceAttachments: new Map(ofOccurrences.map((size, n) => [`2024-03-1${n}` as Day, [attachment(size)]])),
    stamp: 'stamp' as unknown as StampText,
  };
}

export const typedEdit = (bytes: number): { item: TypedItem<'calendar'>; edit: TypedEdit<'calendar'> } => ({
  item: {} as unknown as TypedItem<'calendar'>,
  edit: { set: {}, occurrences: [], attachments: new Map([['hash', must(typedDraft(bytes).attachments[0], 'one')]]) },
});

/** As much of a draft as a wrapper looks at. */
export function draft(bytes: number): MailDraft {
  const content = { mime: payloadOfBytes(Buffer.alloc(bytes)), bcc: [] } as unknown as MailContent;
  return { content, stamp: 'stamp' as unknown as StampText, ofClass: [] };
}
