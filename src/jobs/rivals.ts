import { FaultError } from '#kit/fault.ts';
import type { PairId, Side } from '#model/ids.ts';
import { type HistoryRow, type Store, trackId } from '#store/store.ts';
import { type CheckPair, type CheckServices, type Finding, failed } from './check.ts';

const dayMs = 24 * 3_600_000;
const rivalDays = 7;
const historyMax = 20_000;

/** What others wrote into the calendars of a pair, found by the passes of the last `rivalDays`. */
export interface Rivals {
  /** Items that had an identity a second time, by the side where they were, and that were made again there without our stamp. */
  readonly left: number;
  readonly right: number;
  /** Items with an identity that the other side had, without our stamp, of which the servers do not say which one was there first. */
  readonly either: number;
}

/** Reasons in the history of what somebody else wrote under an identity that was known. */
export const sameIdentity = 'already there with the same identity';
export const madeAgain = 'made again by somebody under the same identity';

const whereRival = {
  left: 'the younger one is on the source',
  right: 'the younger one is on the target',
} as const satisfies Record<Side, string>;

/** Detail in the history of who came second; null: it cannot be told. */
export const rivalDetail = (side: Side | null): string | null => (side === null ? null : whereRival[side]);

/** From the history of the pair's calendar. What was there before the first pass was made by no rival. */
export async function rivalsOf(store: Store, pair: PairId, nowMs: number): Promise<Rivals> {
  const rows = await store.history({ pair: trackId(pair, 'calendar'), sinceMs: nowMs - rivalDays * dayMs }, historyMax);
  const sums = { left: 0, right: 0, either: 0 };
  for (const row of rows) {
    const where = rivalOf(row);
    if (where !== null) sums[where]++;
  }
  return sums;
}

function rivalOf({ action, reason, outcome, pass, detail, left, right }: HistoryRow): Side | 'either' | null {
  if (pass <= 1) return null;
  if (action === 'remove' && reason.startsWith('a duplicate: '))
    return left !== null ? 'left' : right !== null ? 'right' : null;
  if (outcome !== 'adopted' || (reason !== sameIdentity && reason !== madeAgain)) return null;
  return (['left', 'right'] as const).find((side) => detail === whereRival[side]) ?? 'either';
}

export const noRivals: Rivals = { left: 0, right: 0, either: 0 };
export const rivalsInAll = ({ left, right, either }: Rivals): number => left + right + either;

/** `3 on the source, 1 on the target`. */
export function rivalPlaces({ left, right, either }: Rivals): string {
  const places = [
    ...(left > 0 ? [`${left} on the source`] : []),
    ...(right > 0 ? [`${right} on the target`] : []),
    ...(either > 0 ? [`${either} on one of the two`] : []),
  ];
  return places.join(', ');
}

export const rivalsText = (rivals: Rivals): string =>
  `in ${rivalDays} days others made items under an identity that was known: ${rivalPlaces(rivals)}`;

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
    advice: repairCommands(product, null).join(' ; '),
  };
}

/**
 * Whether each of a pair's mailboxes has the address of the other one, where calendars go both ways: an assistant that finds a copy of a meeting to which
 * somebody was invited at an address that is none of the mailbox calls it off. (calendars.md, rivals)
 */
export async function* checkOtherAddresses(
  { left, right }: CheckPair,
  { clock, requestDeadlineMs }: Pick<CheckServices, 'clock' | 'requestDeadlineMs'>,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  if (left === null || right === null) return;
  for (const [{ connector, address }, other] of [
    [left, right.address],
    [right, left.address],
  ] as const) {
    const { product } = connector.abilities;
    const { primaryOf } = connector.mailbox(address);
    // Before 2010 there is no assistant.
    if (primaryOf === undefined || /\b200[0-9]\b/.test(product)) continue;
    const ask = (of: string) => primaryOf(of, { signal, deadlineMs: clock.monotonicMs() + requestDeadlineMs });
    try {
      const [own, found] = [await ask(address), await ask(other)];
      yield own !== null && found?.toLowerCase() === own.toLowerCase()
        ? {
            level: 'ok',
            check: 'other address',
            subject: address,
            detail: `${other} is one of its addresses`,
            advice: null,
          }
        : {
            level: 'warning',
            check: 'other address',
            subject: address,
            detail: `${other} is none of its addresses in ${connector.organization}: where the Calendar Repair Assistant is on, it calls off by mail what this person was invited to there`,
            advice: `Set-Mailbox ${quoted(address)} -EmailAddresses @{add=${quoted(`smtp:${other}`)}} ; or redirect its mail, or switch the assistant off (docs/operating/calendars.md, rivals)`,
          };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FaultError)) throw error;
      yield { ...failed(address, error.fault), level: 'note', check: 'other address' };
    }
  }
}

/** For PowerShell, where a quote is doubled. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Commands of the Exchange Management Shell: look at it, switch it off.
 * @param mailbox Address of one; null: any, written X. PSDOC Set-Mailbox.md, Set-MailboxServer.md
 */
export function repairCommands(product: string, mailbox: string | null): readonly string[] {
  if (/\b2007\b/.test(product)) return [];
  const who = mailbox === null ? 'X' : quoted(mailbox);
  const one = [`Get-Mailbox ${who} | fl CalendarRepairDisabled`, `Set-Mailbox ${who} -CalendarRepairDisabled $true`];
  if (/online|365/i.test(product)) return one;
  const log = 'Get-MailboxServer S | fl CalendarRepair*';
  // CalendarRepairMode is known from 2013 on.
  if (/\b2010\b/.test(product)) return [log, ...one, 'Set-MailboxServer S -CalendarRepairMissingItemFixDisabled $true'];
  return [log, ...one, 'Set-MailboxServer S -CalendarRepairMode ValidateOnly'];
}
