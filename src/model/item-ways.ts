import type { TypedKind } from './typed-item.ts';

/** How an item is held while it travels. */
export const representations = {
  fts: 'stream',
  mime: 'MIME',
  typed: 'fields',
} as const;
/** `fts`: a FastTransfer stream with every property; `mime`: the message with its state beside it; `typed`: fields with their meaning. */
export type Representation = keyof typeof representations;

/** Kinds of items that servers treat differently: whoever writes a meeting may make it send mail. */
export const itemKinds = ['mail', 'appointment', 'meeting', 'contact', 'task', 'note'] as const;
export type ItemKind = (typeof itemKinds)[number];

/** Kinds of items in folders of a content. */
export const itemKindsOf: Readonly<Record<'mail' | TypedKind, readonly ItemKind[]>> = {
  mail: ['mail'],
  calendar: ['appointment', 'meeting'],
  contacts: ['contact'],
  tasks: ['task'],
  notes: ['note'],
};

/** One way to read or create items, or why there is none. */
export type ItemWay =
  | { readonly as: Representation; readonly because: string }
  | { readonly as: Representation; readonly not: string };

/** By kind, best first. The words are for the operator, and complete `it goes as MIME: …`, `not as a stream: …`. */
export type ItemWays = Readonly<Record<ItemKind, readonly ItemWay[]>>;

/** Ways that are the same for everything but mail. */
export const waysOf = (mail: readonly ItemWay[], others: readonly ItemWay[]): ItemWays => ({
  mail,
  appointment: others,
  meeting: others,
  contact: others,
  task: others,
  note: others,
});
