import type { ItemId } from './ids.ts';
import type { MailHead } from './mail.ts';

/** One entry of a change feed. */
export type Change =
  | { readonly kind: 'upsert'; readonly head: MailHead }
  | { readonly kind: 'read-flag'; readonly id: ItemId; readonly isRead: boolean }
  | { readonly kind: 'delete'; readonly id: ItemId }
  /** Something of a kind that this version does not know; kept for the report. */
  | { readonly kind: 'unreadable'; readonly id: ItemId | null; readonly detail: string };
