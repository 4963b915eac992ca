import type { LabVersion } from '../seams.ts';
import type { Controller } from './directory/controller.ts';
import type { Entry } from './directory/entry.ts';
import type { Forest } from './directory/forest.ts';
import { isLegacyDn, mailboxGuidOf, primaryAddress, resolveRecipient, smtpOf } from './directory/recipients.ts';

/** How meeting messages arrive from another organization. `check --routing` is about telling these apart. */
export type MeetingFormat =
  /** With every property: a remote domain with TNEFEnabled true. */
  | 'tnef'
  /** As iMIP: identity, times, recurrence and people survive, other named properties do not. */
  | 'icalendar'
  /** As a plain message that tells of a meeting: nothing processes it. */
  | 'text';

/** Where mail for an address goes besides, or instead of, its mailbox. */
export interface Forwarding {
  readonly to: string;
  /** DeliverToMailboxAndForward */
  readonly keepsCopy: boolean;
}

/** What an organization does with mail for a domain. (PSDOC New-AcceptedDomain: DomainType) */
export type AcceptedDomain =
  /** Who is not found gets a report. */
  | 'authoritative'
  /** Who is not found is somewhere else: the mail goes on. */
  | 'internal-relay';

/** Servers a message may pass before it is taken for a loop. (PSDOC Set-ReceiveConnector: MaxHopCount) */
const hopMaxOf = (version: LabVersion): number => (version === '2007' || version === '2010' ? 30 : 60);

/** What an organization's transport does with addresses: its settings, and what its directory says. Addresses are compared in lower case. */
export class MailFlow {
  hopMax: number;
  /** Format in which meeting messages of other organizations arrive. */
  meetingFormat: MeetingFormat = 'tnef';
  /** Domains that it takes mail for. */
  readonly acceptedDomains: Map<string, AcceptedDomain>;
  /** Whether what people forward by themselves may leave the organization. Exchange Online stops it. (AutoForwardingMode; 5.7.520) */
  mayForwardOutside: boolean;
  /** A copy of everything goes there; null: nothing is journalled. (New-JournalRule) */
  journalTo: string | null = null;
  readonly #isOnline: boolean;
  readonly #forest: () => Forest;

  constructor(version: LabVersion, domain: string, forest: () => Forest) {
    this.hopMax = hopMaxOf(version);
    this.acceptedDomains = new Map([[domain, 'authoritative']]);
    this.#isOnline = version === 'online';
    this.mayForwardOutside = version !== 'online';
    this.#forest = forest;
  }

  /** The copy of the directory that transport reads. */
  get directory(): Controller {
    return this.#forest().forTransport;
  }

  #entry(at: Controller, address: string): Entry | null {
    const resolved = resolveRecipient(at, address);
    return resolved.kind === 'recipient' ? resolved.entry : null;
  }
  /** Writes as an administrator does: at the first controller. */
  #put(address: string, values: Readonly<Record<string, readonly string[]>>): void {
    const at = this.#forest().first;
    const entry = this.#entry(at, address);
    if (entry !== null) at.put(entry, values);
  }

  /** Where an object sends everything; null: nowhere. Mailboxes of Exchange Online do not heed it. */
  redirection(at: Controller, entry: Entry): string | null {
    if (this.#isOnline && mailboxGuidOf(at, entry) !== null) return null;
    return smtpOf(at.text(entry, 'targetAddress'));
  }
  /** Where a mailbox forwards to. ForwardingAddress wins over ForwardingSmtpAddress. (PSDOC Set-Mailbox) */
  forwardingOf(at: Controller, entry: Entry): (Forwarding & { readonly entry: Entry | null }) | null {
    const keepsCopy = at.text(entry, 'deliverAndRedirect') === 'TRUE';
    const [guid] = at.read(entry, 'altrecipient');
    const other = guid === undefined ? null : at.byGuid(String(guid));
    if (other !== null && !other.isDeleted) return { to: primaryAddress(at, other) ?? '', keepsCopy, entry: other };
    const to = smtpOf(at.text(entry, 'msExchGenericForwardingAddress'));
    return to === null ? null : { to, keepsCopy, entry: null };
  }

  /** Redirects everything for an address; its mailbox gets no copy (FACTS §8). Null takes it back. */
  setTargetAddress(address: string, target: string | null): void {
    this.#put(address, { targetAddress: target === null ? [] : [`SMTP:${target.toLowerCase()}`] });
  }
  targetAddress(address: string): string | null {
    const at = this.directory;
    const entry = this.#entry(at, address);
    return entry === null ? null : this.redirection(at, entry);
  }

  setForwarding(address: string, forwarding: Forwarding | null): void {
    this.#put(address, {
      msExchGenericForwardingAddress: forwarding === null ? [] : [`smtp:${forwarding.to.toLowerCase()}`],
      deliverAndRedirect: forwarding?.keepsCopy === true ? ['TRUE'] : [],
    });
  }
  forwarding(address: string): Forwarding | null {
    const at = this.directory;
    const entry = this.#entry(at, address);
    return entry === null ? null : this.forwardingOf(at, entry);
  }

  /** Another address (SMTP or legacyExchangeDN) of a mailbox of this organization, as proxyAddresses holds it. */
  addProxy(proxy: string, address: string): void {
    const at = this.#forest().first;
    const entry = this.#entry(at, address);
    if (entry === null) return;
    const added = isLegacyDn(proxy) ? `X500:${proxy}` : `smtp:${proxy.toLowerCase()}`;
    this.#put(address, { proxyAddresses: [...at.texts(entry, 'proxyAddresses'), added] });
  }
  /** Every SMTP address, in lower case, of whoever has this one; that one alone when nobody has it. */
  addressesOf(address: string): readonly string[] {
    const at = this.directory;
    const entry = this.#entry(at, address);
    const all = entry === null ? [] : at.texts(entry, 'proxyAddresses').flatMap((proxy) => smtpOf(proxy) ?? []);
    return all.length === 0 ? [address.toLowerCase()] : all;
  }
  /** The address that stands for another one; the address itself when nobody has it. */
  primary(address: string): string {
    const at = this.directory;
    const entry = this.#entry(at, address);
    return (entry === null ? null : primaryAddress(at, entry)) ?? address.toLowerCase();
  }
}
