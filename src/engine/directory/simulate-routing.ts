/**
 * Where mail to an object ends, by what both directories say: redirections are followed from side to side, as transport does it
 * (Exchange, "Recipient resolution": chains are expanded, a circle is an NDR).
 */
import type { Attributes, DirectoryKind, ObjectGuid } from '#model/directory/directory-object.ts';
import { domainOfAddress } from '#model/directory/proxy-address.ts';
import { recipientType } from '#model/directory/recipient-type.ts';
import { type DirectorySyncPolicy, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { withoutType } from './addresses.ts';
import { valuesOf } from './values.ts';

export interface Recipient {
  readonly guid: ObjectGuid;
  readonly kind: DirectoryKind;
  /** As they will be once the plan is carried out. */
  readonly attributes: Attributes;
}

export interface RoutingWorld {
  readonly policy: Pick<DirectorySyncPolicy, 'domains' | 'sharedDomains' | 'routing'>;
  /** Who has an SMTP address in the forest of a side. Several: nobody gets the mail. */
  holders(side: Side, address: string): readonly Recipient[];
  /** Sides that are tenants: Graph does not show targetAddress. */
  readonly tenants?: ReadonlySet<Side>;
}

export type Delivery =
  | { readonly kind: 'delivered'; readonly side: Side; readonly guid: ObjectGuid }
  /** To somebody in neither organization. */
  | { readonly kind: 'outside'; readonly address: string }
  /** To somebody without a mailbox in a directory that does not show where it is sent on to. */
  | { readonly kind: 'not-shown' }
  | { readonly kind: 'loop'; readonly via: readonly string[] }
  | { readonly kind: 'hole'; readonly via: readonly string[]; readonly why: 'nobody' | 'ambiguous' | 'no-mailbox' };

/** Exchange gives up after so many redirections of one message. */
const hopsMax = 16;

/** Mail that an organization has already resolved to `start`. */
export function simulateRouting(world: RoutingWorld, side: Side, start: Recipient): Delivery {
  const via: string[] = [];
  const seen = new Set<string>();
  let at = side;
  let recipient = start;
  for (let hop = 0; hop < hopsMax; hop++) {
    const key = `${at} ${recipient.guid}`;
    if (seen.has(key)) return { kind: 'loop', via };
    seen.add(key);
    const [target] = valuesOf(recipient.attributes, 'targetAddress');
    if (target === undefined) {
      const type = recipientType(recipient);
      // A mail user or contact that sends on to nowhere: what it was made of is missing.
      if (type !== 'mail-user' && type !== 'mail-contact' && type !== 'none')
        return { kind: 'delivered', side: at, guid: recipient.guid };
      return world.tenants?.has(at) ? { kind: 'not-shown' } : { kind: 'hole', via, why: 'no-mailbox' };
    }
    const address = withoutType(target);
    via.push(address);
    const next = resolve(world, at, recipient.guid, address);
    if (next.kind !== 'recipient') return next.kind === 'outside' ? next : { ...next, via };
    at = next.side;
    recipient = next.recipient;
  }
  return { kind: 'loop', via };
}

type Resolved =
  | { readonly kind: 'recipient'; readonly side: Side; readonly recipient: Recipient }
  | { readonly kind: 'outside'; readonly address: string }
  | { readonly kind: 'loop' }
  | { readonly kind: 'hole'; readonly why: 'nobody' | 'ambiguous' };

function resolve(world: RoutingWorld, side: Side, from: ObjectGuid, address: string): Resolved {
  const { policy } = world;
  const domain = domainOfAddress(address);
  // The redirecting object has the address itself: Exchange does not expand it once more, and the domain decides.
  const isAccepted = (of: Side) => policy.domains[of].includes(domain) || policy.routing[of] === domain;
  const holders = world.holders(side, address);
  const here = holders.filter(({ guid }) => guid !== from);
  if (here.length > 1) return { kind: 'hole', why: 'ambiguous' };
  if (here[0] !== undefined) return { kind: 'recipient', side, recipient: here[0] };
  const isShared = policy.sharedDomains.includes(domain);
  if (isAccepted(side) && !isShared) return holders.length > 0 ? { kind: 'loop' } : { kind: 'hole', why: 'nobody' };
  const other = otherSide(side);
  if (!isAccepted(other) && !isShared) return { kind: 'outside', address };
  const there = world.holders(other, address);
  if (there.length > 1) return { kind: 'hole', why: 'ambiguous' };
  return there[0] === undefined
    ? { kind: 'hole', why: 'nobody' }
    : { kind: 'recipient', side: other, recipient: there[0] };
}
