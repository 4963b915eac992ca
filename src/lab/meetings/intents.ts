import type { CalendarWrite } from '../world/calendar-hooks.ts';
import type { Day } from '../world/calendar-part.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { meetingKey } from './meeting-keys.ts';
import { cleanIdOf, isReceived, numberOf } from './meeting-view.ts';

/**
 * What the calendar version store remembers of copies that people changed or took away: PidLidClientIntent of their last version.
 * The Repair Assistant asks it whether what it found was meant. [MS-OXOCAL] 2.2.2.4
 */
export class Intents {
  readonly #known = new WeakMap<Mailbox, Map<string, number>>();

  note(mailbox: Mailbox, cleanId: string, day: Day | null, intent: number): void {
    const known = this.#known.get(mailbox) ?? new Map<string, number>();
    this.#known.set(mailbox, known);
    known.set(`${cleanId} ${day ?? ''}`, intent);
  }

  forget(mailbox: Mailbox, cleanId: string, day: Day | null): void {
    this.#known.get(mailbox)?.delete(`${cleanId} ${day ?? ''}`);
  }

  /** Bits of `clientIntent`; 0: nothing is known. */
  of(mailbox: Mailbox, cleanId: string, day: Day | null): number {
    return this.#known.get(mailbox)?.get(`${cleanId} ${day ?? ''}`) ?? 0;
  }

  /**
   * Reads the intent off a write. Only what the client says counts: for a program that does not know the property, its changes and
   * deletions of an attendee's copy are accidents. (assumed: the harder reading; PidLidClientIntent is written by clients)
   */
  written({ kind, mailbox, day, before, after }: CalendarWrite): void {
    const content = after ?? before;
    const cleanId = content === null ? null : cleanIdOf(content);
    if (content === null || cleanId === null) return;
    const intent = numberOf(content, meetingKey.clientIntent);
    // A copy may have become something else before it went: what its last version says was meant.
    if (!isReceived(content) && intent === null) return;
    if (kind === 'created') this.forget(mailbox, cleanId, day);
    else this.note(mailbox, cleanId, day, intent ?? 0);
  }
}
