import type { Connector, Context } from '#connectors/contract.ts';
import type { Directory } from '#connectors/directory/contract.ts';
import { judgeReply, type ReplyOutcome } from '#engine/directory/judge-reply.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { domainOfAddress } from '#model/directory/proxy-address.ts';
import { recipientAttributes } from '#model/directory/recipient-type.ts';
import { type Finding, failed } from '../check.ts';
import { inLanes } from '../pass/in-lanes.ts';
import { type NamedRecipient, type OldRecipient, oldRecipients } from './old-recipients.ts';

export interface CheckReplies {
  /** Mailboxes of the organization that people leave. */
  readonly connector: Connector;
  readonly addresses: readonly string[];
  /** Of that organization; null: the project names none. */
  readonly source: Directory | null;
  /** Of the one that replies will be written in. */
  readonly target: Directory;
  readonly targetKind: 'ad' | 'entra';
  /** Domains that the target answers for alone: an address of these that nobody has bounces. */
  readonly targetDomains: readonly string[];
  /** Who stands for an object of the source on the target, by the links of directory syncs; null: nobody. */
  readonly counterpartOf: (source: ObjectGuid) => Promise<DistinguishedName | null>;
  /** Mails looked at, all mailboxes together. */
  readonly mails: number;
  readonly clock: Clock;
  readonly requestDeadlineMs: number;
  readonly lanes: number;
}

/** Values of one search. */
const BATCH = 200;

interface Named extends NamedRecipient {
  mailboxes: number;
}

/**
 * Whether replies to old mails would arrive once they are written in the target organization: whom a sample of mails names is looked up in
 * the directory of the target, as transport does it. Writes nothing, sends nothing. Throws only the signal's reason.
 */
export async function* checkReplies(asked: CheckReplies, signal: AbortSignal): AsyncGenerator<Finding> {
  const call = (): Context => ({ signal, deadlineMs: asked.clock.monotonicMs() + asked.requestDeadlineMs });
  const named = new Map<string, Named>();
  const problems: Finding[] = [];
  let mails = 0;
  const count = Math.min(asked.addresses.length, asked.mails);
  const chosen = Array.from({ length: count }, (_, n) =>
    must(asked.addresses[Math.floor((n * asked.addresses.length) / count)], 'an address'),
  );
  await inLanes(asked.lanes, chosen, async (address) => {
    signal.throwIfAborted();
    try {
      const { batchMax } = asked.connector.abilities;
      const mailbox = asked.connector.mailbox(address);
      const seen = await oldRecipients(mailbox, Math.ceil(asked.mails / count), batchMax, call);
      mails += seen.mails;
      for (const [key, { recipient, mails: times, wrapped }] of seen.found) {
        const known = named.get(key) ?? { recipient, mails: 0, mailboxes: 0, wrapped: new Map() };
        known.mails += times;
        known.mailboxes++;
        for (const [domain, more] of wrapped) known.wrapped.set(domain, (known.wrapped.get(domain) ?? 0) + more);
        named.set(key, known);
      }
    } catch (error) {
      problems.push(findingOf(address, error, signal));
    }
  });
  yield* problems;
  const ofDirectory = [...named.values()].filter(
    ({ recipient }) =>
      recipient.kind === 'ex' || asked.targetDomains.includes(domainOfAddress(recipient.address).toLowerCase()),
  );
  let judged: readonly Judged[];
  try {
    judged = await judgeAll(asked, ofDirectory, call);
  } catch (error) {
    yield findingOf('directory', error, signal);
    return;
  }
  let notShown = 0;
  for (const one of judged) {
    if (one.outcome.kind === 'resolves') continue;
    if (isShown(asked, one)) yield await bounce(asked, one);
    else notShown++;
  }
  if (notShown > 0)
    yield {
      level: 'note',
      check: 'replies',
      subject: 'directory',
      detail: `${notShown} of these addresses cannot be judged in the tenant: Graph shows neither where mail users and contacts send on to, nor legacyExchangeDN`,
      advice:
        'Exchange Online PowerShell shows it: Get-Recipient, and Get-MailUser and Get-MailContact | Format-List ExternalEmailAddress, LegacyExchangeDN, EmailAddresses',
    };
  yield* wrappedElsewhere(asked, ofDirectory);
  const resolved = judged.filter(({ outcome }) => outcome.kind === 'resolves').length;
  yield {
    level: 'ok',
    check: 'replies',
    subject: asked.connector.organization,
    detail: `${mails} mails of ${chosen.length} mailboxes: ${ofDirectory.length} addresses that the target has to know, ${resolved} of which it does`,
    advice: null,
  };
}

/** A DN in Exchange that neither organization shows may be one that the tenant gave itself. */
function isShown({ targetKind }: CheckReplies, { named: { recipient }, outcome, origin }: Judged): boolean {
  if (outcome.kind === 'not-shown') return false;
  return targetKind === 'ad' || outcome.kind !== 'nobody' || origin !== null || recipient.kind !== 'ex';
}

/** Whoever was wrapped into an address of another domain is found there only: Exchange unwraps for its default domain, and for no other. */
function* wrappedElsewhere({ targetDomains }: CheckReplies, all: readonly Named[]): Iterable<Finding> {
  const byDomain = new Map<string, { addresses: number; mails: number }>();
  for (const { wrapped } of all)
    for (const [domain, mails] of wrapped) {
      if (domain === targetDomains[0]) continue;
      const known = byDomain.get(domain) ?? { addresses: 0, mails: 0 };
      byDomain.set(domain, { addresses: known.addresses + 1, mails: known.mails + mails });
    }
  for (const [domain, { addresses, mails }] of byDomain)
    yield {
      level: 'note',
      check: 'imceaex',
      subject: domain,
      detail: `${mails} mails name ${addresses} people by IMCEAEX addresses of ${domain}: replies go there, and only an organization whose default domain it is knows whom they mean`,
      advice: `keep ${domain} with the source for as long as replies to such mail matter`,
    };
}

/** Who somebody is, or was, in the organization that the mails are from. */
interface Origin {
  readonly object: DirectoryObject;
  readonly name: string;
}

interface Judged {
  readonly named: Named;
  readonly outcome: ReplyOutcome;
  readonly origin: Origin | null;
}

async function judgeAll(asked: CheckReplies, all: readonly Named[], call: () => Context): Promise<readonly Judged[]> {
  const outcomes = new Map<Named, ReplyOutcome>();
  const holders = await holdersOf(asked.target, all, call);
  for (const one of all) outcomes.set(one, judgeReply(holders.get(one) ?? [], asked.targetKind));
  const lost = all.filter((one) => outcomes.get(one)?.kind === 'nobody');
  const origins = asked.source === null ? new Map() : await holdersOf(asked.source, lost, call);
  return all.map((one) => {
    const [object] = (origins.get(one) ?? []) as readonly DirectoryObject[];
    return {
      named: one,
      outcome: must(outcomes.get(one), 'judged'),
      origin: object === undefined ? null : { object, name: nameOf(object) },
    };
  });
}

/** Who has each address in a directory. */
async function holdersOf(
  directory: Directory,
  all: readonly Named[],
  call: () => Context,
): Promise<ReadonlyMap<Named, readonly DirectoryObject[]>> {
  const holders = new Map<Named, DirectoryObject[]>();
  for (let at = 0; at < all.length; at += BATCH) {
    const batch = all.slice(at, at + BATCH);
    const dns = batch.flatMap(({ recipient }) => (recipient.kind === 'ex' ? [recipient.legacyExchangeDn] : []));
    const proxies = batch.map(({ recipient }) => proxyOf(recipient));
    const found = [
      ...(dns.length === 0 ? [] : await directory.find(['legacyExchangeDN'], dns, recipientAttributes, call())),
      ...(await directory.find(['proxyAddresses'], proxies, recipientAttributes, call())),
    ];
    const byAddress = new Map<string, DirectoryObject[]>();
    for (const object of found)
      for (const value of [
        ...(object.attributes['proxyAddresses'] ?? []),
        ...(object.attributes['legacyExchangeDN'] ?? []).map((dn) => `x500:${dn}`),
      ])
        byAddress.set(value.toLowerCase(), [...(byAddress.get(value.toLowerCase()) ?? []), object]);
    for (const one of batch) holders.set(one, byAddress.get(proxyOf(one.recipient)) ?? []);
  }
  return holders;
}

const proxyOf = (recipient: OldRecipient): string =>
  (recipient.kind === 'ex' ? `x500:${recipient.legacyExchangeDn}` : `smtp:${recipient.address}`).toLowerCase();

const nameOf = ({ attributes, dn }: DirectoryObject): string =>
  attributes['mail']?.[0] ?? attributes['displayName']?.[0] ?? dn;

async function bounce(
  { counterpartOf }: CheckReplies,
  { named: { recipient, mails, mailboxes }, outcome, origin }: Judged,
): Promise<Finding> {
  const address = recipient.kind === 'ex' ? recipient.legacyExchangeDn : recipient.address;
  const subject = origin?.name ?? address;
  const seen = `${origin === null ? '' : `${address}, `}in ${mails} mails of ${mailboxes} mailboxes`;
  const error = (detail: string, advice: string): Finding => ({
    level: 'error',
    check: 'replies',
    subject,
    detail: `${detail}; ${seen}`,
    advice,
  });
  switch (outcome.kind) {
    case 'ambiguous':
      return error(
        `${outcome.holders.length} objects of the target have this address, so that nobody gets the reply`,
        `take it away from all but one: ${outcome.holders.map(({ dn }) => dn).join(' ; ')}`,
      );
    case 'no-mailbox':
      return error(
        `${outcome.to.dn} of the target has this address, but neither a mailbox nor a targetAddress`,
        'causeway provision prints what makes the mailbox, causeway directory plan whether a targetAddress is missing',
      );
    default: {
      if (origin === null)
        return {
          level: 'note',
          check: 'replies',
          subject,
          detail: `nobody has this address in either organization any more, so that a reply bounces as it does today; ${seen}`,
          advice: 'nothing, unless the person is known elsewhere: then an x500: address there',
        };
      const counterpart = await counterpartOf(origin.object.guid);
      const proxy = `x500:${address}`;
      return counterpart === null
        ? error(
            'nobody of the target stands for this person, so that a reply bounces (5.1.1)',
            `causeway directory status says why, causeway directory sync makes an object; or add ${proxy} to proxyAddresses of the person's object`,
          )
        : error(
            `${counterpart} stands for this person and lacks the address, so that a reply bounces (5.1.1)`,
            `causeway directory sync adds ${proxy} to its proxyAddresses; causeway directory status says what keeps it from that`,
          );
    }
  }
}

function findingOf(subject: string, error: unknown, signal: AbortSignal): Finding {
  signal.throwIfAborted();
  if (error instanceof FaultError) return failed(subject, error.fault);
  throw error;
}
