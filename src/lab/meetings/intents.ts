import type { CalendarWrite } from '../world/calendar-hooks.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Day } from '../world/calendar-part.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { clientIntent, meetingKey } from './meeting-keys.ts';
import { cleanIdOf, isReceived, numberOf, propertyValue } from './meeting-view.ts';

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
   * Reads the intent off a write. Clients that know the property write it with the last version before they delete; for calls that
   * do not, nothing is known but where an attendee has moved the own copy. (assumed: the server notes changes, not deletions)
   */
  written({ kind, mailbox, day, before, after }: CalendarWrite): void {
    const content = after ?? before;
    const cleanId = content === null ? null : cleanIdOf(content);
    if (content === null || cleanId === null || !isReceived(content)) return;
    const told = numberOf(content, meetingKey.clientIntent) ?? 0;
    if (kind === 'created') this.forget(mailbox, cleanId, day);
    else if (kind === 'deleted' || after === null) this.note(mailbox, cleanId, day, told);
    else if (before !== null) {
      let intent = this.of(mailbox, cleanId, day) | told;
      for (const [at, bit] of [
        [calendarKey.start, clientIntent.modifiedStart],
        [calendarKey.end, clientIntent.modifiedEnd],
        [calendarKey.location, clientIntent.modifiedLocation],
      ] as const)
        if (propertyValue(before, at) !== propertyValue(after, at)) intent |= bit;
      this.note(mailbox, cleanId, day, intent);
    }
  }
}
