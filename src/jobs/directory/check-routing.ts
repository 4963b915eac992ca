import type { Context } from '#connectors/contract.ts';
import type { Directory } from '#connectors/directory/contract.ts';
import { checkRouting, type RoutingProblemKind, routingProblems } from '#engine/directory/check-routing.ts';
import { FaultError } from '#kit/fault.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import { recipientAttributes } from '#model/directory/recipient-type.ts';
import { type Finding, failed } from '../check.ts';
import type { DirectoryServices } from './directory-context.ts';
import { allLinks } from './read-changes.ts';

const wanted = [
  ...recipientAttributes,
  'msExchHideFromAddressLists',
  'msExchPoliciesIncluded',
  'msExchPoliciesExcluded',
] as const;

/** Pages of one reading: a feed that never ends is broken. */
const pagesMax = 100_000;
const everywhere = { under: [], filter: null, memberOf: [] } as const;

const advice: Readonly<Record<RoutingProblemKind, string>> = {
  loop: 'take targetAddress away on the side where the mailbox is; causeway directory plan shows what belongs where',
  hole: 'causeway directory plan shows the targetAddress that belongs here; causeway provision makes a missing mailbox',
  elsewhere: 'correct targetAddress; causeway directory plan shows what belongs there',
  'not-redirected':
    'causeway directory sync sets targetAddress; without it people of that organization write into a mailbox that nobody reads',
  ambiguous: 'leave the address to one of them (Exchange bounces with 5.1.4 as long as several have it)',
  'x500-missing': 'causeway directory sync adds it; causeway directory status says what keeps it from that',
  rewritten:
    'exclude the object from address policies (EmailAddressPolicyEnabled $false), then causeway directory sync',
  policy: 'Set-MailUser -EmailAddressPolicyEnabled $false, or Set-Mailbox, Set-MailContact, Set-DistributionGroup',
  hidden: 'let msExchHideFromAddressLists say the same on both sides; by default directory sync carries it',
  incomplete: 'causeway provision prints Update-Recipient for it; mail by its X500 address bounces until that was run',
};

/**
 * Where mail of everybody would go, by both directories as they are now: what transport would do, without a mail. Writes nothing, sends
 * nothing. Throws only the signal's reason.
 */
export async function* checkRoutingOfSync(services: DirectoryServices, signal: AbortSignal): AsyncGenerator<Finding> {
  const { ends, policy, store, clock, requestDeadlineMs } = services;
  const call = (): Context => ({ signal, deadlineMs: clock.monotonicMs() + requestDeadlineMs });
  try {
    const [left, right] = await Promise.all([readAll(ends.left.directory, call), readAll(ends.right.directory, call)]);
    const links: DirectoryLink[] = [];
    for await (const link of allLinks({ store, sync: policy.sync })) links.push(link);
    const kinds = { left: ends.left.kind, right: ends.right.kind };
    const problems = checkRouting({ policy, kinds, objects: { left, right }, links });
    for (const { problem, level, side, object, detail } of problems)
      yield {
        level,
        check: problem,
        subject: `${ends[side].organization}: ${object.attributes['mail']?.[0] ?? object.dn}`,
        detail: `${routingProblems[problem]}: ${detail}`,
        advice: advice[problem],
      };
    for (const { kind, organization } of [ends.left, ends.right])
      if (kind === 'entra')
        yield {
          level: 'note',
          check: 'routing',
          subject: organization,
          detail:
            'Graph shows neither where mail users and contacts send on to, nor legacyExchangeDN, nor who is hidden from address lists: of this tenant that was not judged',
          advice:
            'Exchange Online PowerShell shows it: Get-MailUser and Get-MailContact | Format-List ExternalEmailAddress, LegacyExchangeDN, HiddenFromAddressListsEnabled; Get-Mailbox | Format-List ForwardingSmtpAddress',
        };
    yield {
      level: 'ok',
      check: 'routing',
      subject: policy.sync,
      detail: `${left.length + right.length} recipients and ${links.length} links were followed, ${problems.length} problems`,
      advice: null,
    };
    if (links.length === 0)
      yield {
        level: 'warning',
        check: 'routing',
        subject: policy.sync,
        detail: 'nobody is linked yet, so that redirection cannot be judged',
        advice: 'causeway directory sync links people and sets where their mail goes',
      };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof FaultError)) throw error;
    yield failed(policy.sync, error.fault);
  }
}

/** Everything in a forest that mail knows of. */
async function readAll(directory: Directory, call: () => Context): Promise<readonly DirectoryObject[]> {
  const objects = new Map<ObjectGuid, DirectoryObject>();
  let cursor: string | null = null;
  for (let pages = 0; ; pages++) {
    if (pages > pagesMax)
      throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'the change feed of the directory never ends' });
    const page = await directory.changes(everywhere, wanted, cursor, call());
    for (const change of page.changes) {
      if (change.kind === 'gone') objects.delete(change.guid);
      else if (isMailed(change.object)) objects.set(change.object.guid, change.object);
      else objects.delete(change.object.guid);
    }
    if (page.complete) return [...objects.values()];
    cursor = page.cursor;
  }
}

const isMailed = ({ attributes }: DirectoryObject): boolean =>
  (attributes['proxyAddresses']?.length ?? 0) > 0 || (attributes['targetAddress']?.length ?? 0) > 0;
