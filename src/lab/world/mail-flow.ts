import type { LabVersion } from '../seams.ts';

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

/** Servers a message may pass before it is taken for a loop. (PSDOC Set-ReceiveConnector: MaxHopCount) */
const hopMaxOf = (version: LabVersion): number => (version === '2007' || version === '2010' ? 30 : 60);

/** What an organization's transport has been told about addresses. Addresses are compared in lower case. */
export class MailFlow {
  hopMax: number;
  /** Format in which meeting messages of other organizations arrive. */
  meetingFormat: MeetingFormat = 'tnef';
  readonly #targetAddresses = new Map<string, string>();
  readonly #forwarding = new Map<string, Forwarding>();
  readonly #proxies = new Map<string, string>();

  constructor(version: LabVersion) {
    this.hopMax = hopMaxOf(version);
  }

  /** Redirects everything for an address; its mailbox gets no copy (FACTS §8). Null takes it back. */
  setTargetAddress(address: string, target: string | null): void {
    if (target === null) this.#targetAddresses.delete(address.toLowerCase());
    else this.#targetAddresses.set(address.toLowerCase(), target.toLowerCase());
  }
  targetAddress(address: string): string | null {
    return this.#targetAddresses.get(address.toLowerCase()) ?? null;
  }

  setForwarding(address: string, forwarding: Forwarding | null): void {
    if (forwarding === null) this.#forwarding.delete(address.toLowerCase());
    else this.#forwarding.set(address.toLowerCase(), { ...forwarding, to: forwarding.to.toLowerCase() });
  }
  forwarding(address: string): Forwarding | null {
    return this.#forwarding.get(address.toLowerCase()) ?? null;
  }

  /** Another address (SMTP or legacyExchangeDN) of a mailbox of this organization, as proxyAddresses holds it. */
  addProxy(proxy: string, address: string): void {
    this.#proxies.set(proxy.toLowerCase(), address.toLowerCase());
  }
  /** The address itself when nobody has it as a proxy. */
  primary(address: string): string {
    const lower = address.toLowerCase();
    return this.#proxies.get(lower) ?? lower;
  }
}
