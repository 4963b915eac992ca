import type { EventIdentity } from '#model/appointment.ts';
import type { ItemId } from '#model/ids.ts';
import type { MeetingFacts } from './meeting-facts.ts';

/**
 * Everything that people wrote and that can be told from everything else: each value holds a token that is used once. A token may go
 * only when somebody who saw it put something else in its place; otherwise it is in a calendar or in the journal for ever.
 */
export interface Ledger {
  /** Token → what was written, in words. */
  readonly written: Map<string, string>;
  /** Tokens that a person saw and replaced or deleted. */
  readonly dropped: Set<string>;
  /** Identities of events that a person deleted, by side. */
  readonly removed: Set<EventIdentity>;
  /** Items that people or machinery took away, whatever came in their place. */
  readonly taken: Set<ItemId>;
  /** Series to which a person gave another pattern or time: `address identity`. Their server drops exceptions then. */
  readonly reshaped: Set<string>;
  readonly meetings: Map<EventIdentity, MeetingFacts>;
  /** Identities that machinery wrote into: whose copy is whose is not certain any more. */
  readonly meddled: Set<EventIdentity>;
  /** Identities of events that a person moved while a pass was reading: it may have read where they were not yet, and where no longer. */
  readonly movedMeanwhile: Set<EventIdentity>;
  /** What clients sent because of how an item looked. */
  readonly mails: string[];
}

export const freshLedger = (): Ledger => ({
  written: new Map(),
  dropped: new Set(),
  removed: new Set(),
  taken: new Set(),
  reshaped: new Set(),
  meetings: new Map(),
  meddled: new Set(),
  movedMeanwhile: new Set(),
  mails: [],
});

const tokenPattern = /~\d+~/g;
export const tokensIn = (value: unknown): readonly string[] => JSON.stringify(value ?? null).match(tokenPattern) ?? [];

export function dropTokens(ledger: Ledger, shown: unknown): void {
  for (const token of tokensIn(shown)) ledger.dropped.add(token);
}
