import { descendants, parseXmlBytes, XmlFault } from '#formats/text/xml-read.ts';
import { FaultError } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import type { Instant } from '#model/mail.ts';
import type { BusyTime, Context } from '../contract.ts';
import type { MailboxRequests } from './resources.ts';

/** Namespace of what Outlook Web Access answers to its own pages. */
const owaNamespace = 'WM';
/** One digit of the answer. */
const slotMinutes = 15;
const slotMs = slotMinutes * 60_000;
/** What one question may span; the published view of an Exchange 2003 reaches two months by default. */
const spanMaxMs = 62 * 86_400_000;
const answerMax = 1024 * 1024;

/** Digits of `fbdata`; 0 is free, 4 and above that nobody published anything. */
const shown: Readonly<Record<string, BusyTime['showAs']>> = { '1': 'tentative', '2': 'busy', '3': 'oof' };

/**
 * What an organization answers about somebody's time, from its public folder of published free/busy times. Outlook publishes its own
 * calendar there; what others write shows when the server's own task has passed over the mailbox.
 */
export async function freeBusyOf(
  requests: Pick<MailboxRequests, 'client' | 'address'>,
  from: Instant,
  to: Instant,
  context: Context,
): Promise<readonly BusyTime[]> {
  const busy: BusyTime[] = [];
  const last = Math.ceil(to / slotMs) * slotMs;
  for (let at = Math.floor(from / slotMs) * slotMs; at < last; at += spanMaxMs) {
    const until = Math.min(last, at + spanMaxMs);
    for (const one of timesIn(await digitsOf(requests, at, until, context), at)) {
      const before = busy.at(-1);
      // What stands in two answers goes on at the seam of both.
      if (before !== undefined && before.end === one.start && before.showAs === one.showAs)
        busy[busy.length - 1] = { ...before, end: one.end };
      else busy.push(one);
    }
  }
  return busy
    .map((one) => ({ ...one, start: Math.max(one.start, from), end: Math.min(one.end, to) }))
    .filter(({ start, end }) => start < end);
}

function* timesIn(digits: string, from: Instant): Generator<BusyTime> {
  for (let at = 0; at < digits.length; ) {
    const digit = digits[at] as string;
    let end = at + 1;
    while (end < digits.length && digits[end] === digit) end++;
    const showAs = shown[digit];
    if (showAs !== undefined) yield { start: from + at * slotMs, end: from + end * slotMs, showAs };
    at = end;
  }
}

async function digitsOf(
  { client, address }: Pick<MailboxRequests, 'client' | 'address'>,
  from: Instant,
  to: Instant,
  context: Context,
): Promise<string> {
  const time = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
  const { bytes } = await client.content({
    method: 'GET',
    path: `/public/?cmd=freebusy&start=${time(from)}&end=${time(to)}&interval=${slotMinutes}&u=SMTP:${encodeURIComponent(address).replaceAll('%40', '@')}`,
    headers: { accept: 'text/xml' },
    mailbox: address,
    subject: { operation: 'freebusy', writes: false, about: 'folder' },
    context,
  });
  try {
    if (bytes.sizeBytes > answerMax) throw unreadable('it is too long');
    const { root } = parseXmlBytes(await payloadBytes(bytes));
    const [data] = descendants(root, owaNamespace, 'fbdata');
    const digits = data?.text.trim() ?? '';
    if (!/^[0-9]+$/.test(digits)) throw unreadable('it holds no fbdata');
    if (!/[0-3]/.test(digits))
      throw new FaultError({ kind: 'gone', detail: 'free/busy: nobody has published anything for this mailbox' });
    return digits;
  } catch (error) {
    if (error instanceof XmlFault) throw unreadable(error.message);
    throw error;
  } finally {
    await bytes.dispose();
  }
}

const unreadable = (why: string): FaultError =>
  new FaultError({
    kind: 'fatal',
    code: 'protocol',
    detail: `free/busy: what Outlook Web Access answers cannot be read: ${why}`,
  });
