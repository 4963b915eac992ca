import type { PairId, Side } from '#model/ids.ts';
import { type HistoryRow, type Store, trackId } from '#store/store.ts';
import type { Finding } from './check.ts';

const dayMs = 24 * 3_600_000;
const rivalDays = 7;
const historyMax = 20_000;

/** What others wrote into the calendars of a pair, found by the passes of the last `rivalDays`. */
export interface Rivals {
  /** Second items of an identity, by the side where they were. */
  readonly left: number;
  readonly right: number;
  /** Items with an identity that the other side had, and without our stamp: nobody knows which side was written by whom. */
  readonly either: number;
}

const sameIdentity = 'already there with the same identity';

/** From the history of the pair's calendar. What was there before the first pass was made by no rival. */
export async function rivalsOf(store: Store, pair: PairId, nowMs: number): Promise<Rivals> {
  const rows = await store.history({ pair: trackId(pair, 'calendar'), sinceMs: nowMs - rivalDays * dayMs }, historyMax);
  const isOf = (side: Side) => (row: HistoryRow) =>
    row.action === 'remove' && row.reason.startsWith('a duplicate: ') && row[side] !== null;
  return {
    left: rows.filter(isOf('left')).length,
    right: rows.filter(isOf('right')).length,
    either: rows.filter((row) => row.outcome === 'adopted' && row.reason === sameIdentity && row.pass > 1).length,
  };
}

export const rivalsInAll = ({ left, right, either }: Rivals): number => left + right + either;

export function rivalsText({ left, right, either }: Rivals): string {
  return `in ${rivalDays} days others made ${left} items on the source and ${right} on the target a second time, and ${either} of an identity that the other side had`;
}

/** The Calendar Repair Assistant of an organization. EWS does not show it. @param product As the server names itself. */
export function repairAssistant(organization: string, product: string): Finding {
  if (/\b2007\b/.test(product))
    return {
      level: 'ok',
      check: 'calendar repair',
      subject: organization,
      detail: 'this version has no Calendar Repair Assistant',
      advice: null,
    };
  return {
    level: 'note',
    check: 'calendar repair',
    subject: organization,
    detail: `whether the Calendar Repair Assistant is on cannot be seen over EWS (${product === '' ? 'version unknown' : product})`,
    advice: repairCommands(product).join(' ; '),
  };
}

/** Commands of the Exchange Management Shell: look at it, switch it off. */
function repairCommands(product: string): readonly string[] {
  const mailbox = ['Get-Mailbox X | fl CalendarRepairDisabled', 'Set-Mailbox X -CalendarRepairDisabled $true'];
  if (/online|365/i.test(product)) return mailbox;
  const log = 'Get-MailboxServer S | fl CalendarRepair*';
  // ValidateOnly is known from 2013 on.
  if (/\b2010\b/.test(product))
    return [log, ...mailbox, 'Set-MailboxServer S -CalendarRepairMissingItemFixDisabled $true'];
  return [log, ...mailbox, 'Set-MailboxServer S -CalendarRepairMode ValidateOnly'];
}
