/** What is wrong with where mail goes between two organizations, by what both directories say at this moment. */
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import { addressKey, primarySmtp, x500Of } from '#model/directory/proxy-address.ts';
import { isMailbox, noAddressPolicy, recipientType } from '#model/directory/recipient-type.ts';
import { type BySide, type DirectorySyncPolicy, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { withoutType } from './addresses.ts';
import { type Delivery, type RoutingWorld, simulateRouting } from './simulate-routing.ts';
import { valuesOf } from './values.ts';

/** A closed list, which `docs/operating/directory-outcomes.md` is made of. */
export const routingProblems = {
  loop: 'mail goes round in circles and comes back to its sender',
  hole: 'mail is sent on to where nobody is',
  elsewhere: 'mail ends in another mailbox than the one the person works in',
  'not-redirected': 'mail stays in the mailbox that the person does not work in',
  ambiguous: 'several objects have one address, so that none of them gets mail',
  'x500-missing': 'replies to old mail bounce: the object does not answer to the DN of the other side',
  rewritten: 'addresses are not those that the last pass left',
  policy: 'an address policy of Exchange may rewrite the addresses',
  hidden: 'the person is in one address book and hidden from the other one',
  incomplete: 'Exchange does not take the object for a whole recipient yet',
} as const;
export type RoutingProblemKind = keyof typeof routingProblems;

export interface RoutingProblem {
  readonly problem: RoutingProblemKind;
  readonly level: 'error' | 'warning' | 'note';
  readonly side: Side;
  readonly object: DirectoryObject;
  /** For the operator: addresses, DNs. */
  readonly detail: string;
}

export interface RoutingState {
  readonly policy: Pick<DirectorySyncPolicy, 'domains' | 'sharedDomains' | 'routing'>;
  /** What cannot be judged by what a directory shows is left out. Graph shows neither targetAddress, legacyExchangeDN nor who is hidden. */
  readonly kinds: BySide<'ad' | 'entra'>;
  /** Everything that mail knows of, in the whole of each forest. */
  readonly objects: BySide<readonly DirectoryObject[]>;
  readonly links: readonly DirectoryLink[];
}

const sides = ['left', 'right'] as const;
const gap = { nobody: 'nobody has', ambiguous: 'several have', 'no-mailbox': 'no mailbox is behind' } as const;

/** In order of side, and of the objects as they were given. */
export function checkRouting(state: RoutingState): readonly RoutingProblem[] {
  const byGuid = { left: guids(state.objects.left), right: guids(state.objects.right) };
  const holders = { left: holdersOf(state.objects.left), right: holdersOf(state.objects.right) };
  const world: Required<RoutingWorld> = {
    policy: state.policy,
    holders: (side, address) => holders[side].get(`smtp:${address.toLowerCase()}`) ?? [],
    tenants: new Set(sides.filter((side) => state.kinds[side] === 'entra')),
  };
  const linked = { left: new Set<ObjectGuid>(), right: new Set<ObjectGuid>() };
  const problems: RoutingProblem[] = sides.flatMap((side) => ambiguous(side, holders[side]));
  for (const link of state.links) {
    const pair = { left: byGuid.left.get(link.left), right: byGuid.right.get(link.right) };
    if (!pair.left || !pair.right) continue;
    linked.left.add(link.left);
    linked.right.add(link.right);
    problems.push(...ofPair(world, link, { left: pair.left, right: pair.right }));
  }
  for (const side of sides)
    for (const object of state.objects[side]) {
      // Who is linked to nobody and redirects somewhere is still in everybody's way.
      if (linked[side].has(object.guid) || valuesOf(object.attributes, 'targetAddress').length === 0) continue;
      const broken = brokenWay(side, object, simulateRouting(world, side, object));
      if (broken) problems.push(broken);
    }
  return problems;
}

const guids = (objects: readonly DirectoryObject[]): ReadonlyMap<ObjectGuid, DirectoryObject> =>
  new Map(objects.map((object) => [object.guid, object]));

/** Objects by each address of theirs; legacyExchangeDN is one of type X500. */
function holdersOf(objects: readonly DirectoryObject[]): ReadonlyMap<string, readonly DirectoryObject[]> {
  const holders = new Map<string, DirectoryObject[]>();
  for (const object of objects) {
    const keys = new Set([
      ...valuesOf(object.attributes, 'proxyAddresses').map(addressKey),
      ...valuesOf(object.attributes, 'legacyExchangeDN').map((dn) => addressKey(x500Of(dn))),
    ]);
    for (const key of keys) {
      const list = holders.get(key);
      if (list) list.push(object);
      else holders.set(key, [object]);
    }
  }
  return holders;
}

/** Once for each address. */
function ambiguous(side: Side, holders: ReadonlyMap<string, readonly DirectoryObject[]>): readonly RoutingProblem[] {
  return [...holders].flatMap(([address, objects]) => {
    const [object] = objects;
    if (object === undefined || objects.length < 2) return [];
    const detail = `${address} belongs to ${objects.map(({ dn }) => dn).join(' ; ')}`;
    return [{ problem: 'ambiguous' as const, level: 'error' as const, side, object, detail }];
  });
}

function brokenWay(side: Side, object: DirectoryObject, delivery: Delivery): RoutingProblem | null {
  if (delivery.kind === 'loop')
    return { problem: 'loop', level: 'error', side, object, detail: `by ${delivery.via.join(' → ')}` };
  if (delivery.kind !== 'hole') return null;
  const last = delivery.via.at(-1);
  const detail =
    last === undefined
      ? 'it has neither a mailbox nor a targetAddress'
      : `${gap[delivery.why]} ${last}, where it leads`;
  return { problem: 'hole', level: 'error', side, object, detail };
}

function ofPair(
  world: Required<RoutingWorld>,
  link: DirectoryLink,
  pair: BySide<DirectoryObject>,
): readonly RoutingProblem[] {
  const { home } = link;
  const shadow = otherSide(home);
  const problems: RoutingProblem[] = [];
  const tell = (problem: RoutingProblemKind, level: RoutingProblem['level'], side: Side, detail: string) =>
    void problems.push({ problem, level, side, object: pair[side], detail });
  const keepsMail = isMailbox(recipientType(pair[home]));
  for (const side of sides) {
    const delivery = simulateRouting(world, side, pair[side]);
    const broken = brokenWay(side, pair[side], delivery);
    if (broken) problems.push(broken);
    else if (keepsMail && delivery.kind === 'outside')
      tell('elsewhere', 'error', side, `mail is sent on to ${delivery.address}, which neither organization has`);
    else if (keepsMail && delivery.kind === 'delivered' && delivery.guid !== pair[home].guid) {
      const stays = delivery.side === shadow && delivery.guid === pair[shadow].guid;
      const to = valuesOf(pair[side].attributes, 'targetAddress')[0];
      // Whether a mailbox of a tenant sends on is not shown.
      if (stays && world.tenants.has(shadow)) continue;
      if (!stays) tell('elsewhere', 'error', side, `mail is sent on to ${withoutType(to ?? '')}, another mailbox`);
      else if (side === shadow) tell('not-redirected', 'error', side, `no targetAddress leads to ${pair[home].dn}`);
      else tell('elsewhere', 'error', side, `mail is sent on to ${withoutType(to ?? '')} and stays there`);
    }
  }
  for (const side of sides) {
    const [other] = valuesOf(pair[otherSide(side)].attributes, 'legacyExchangeDN');
    const own = valuesOf(pair[side].attributes, 'legacyExchangeDN')[0];
    const proxies = new Set(valuesOf(pair[side].attributes, 'proxyAddresses').map(addressKey));
    if (other !== undefined && own?.toLowerCase() !== other.toLowerCase() && !proxies.has(addressKey(x500Of(other))))
      tell('x500-missing', 'error', side, x500Of(other));
    if (own === undefined && proxies.size > 0 && !world.tenants.has(side))
      tell('incomplete', 'warning', side, 'it has no legacyExchangeDN');
    rewritten(link, side, pair[side], tell);
    if (link.made === side && underPolicy(pair[side])) tell('policy', 'warning', side, 'msExchPoliciesIncluded is set');
  }
  const isHidden = (side: Side) => valuesOf(pair[side].attributes, 'msExchHideFromAddressLists')[0] === 'TRUE';
  if (world.tenants.size === 0 && isHidden('left') !== isHidden('right')) {
    const side: Side = isHidden('left') ? 'left' : 'right';
    tell('hidden', side === shadow ? 'warning' : 'note', side, 'msExchHideFromAddressLists is TRUE here only');
  }
  return problems;
}

/** Address policies write proxyAddresses by themselves, hours after somebody else did. */
function rewritten(
  link: DirectoryLink,
  side: Side,
  { attributes }: DirectoryObject,
  tell: (problem: RoutingProblemKind, level: RoutingProblem['level'], side: Side, detail: string) => void,
): void {
  const shown = valuesOf(side === 'left' ? link.shownLeft : link.shownRight, 'proxyAddresses');
  if (shown.length === 0) return;
  const now = valuesOf(attributes, 'proxyAddresses');
  const [before, after] = [primarySmtp(shown), primarySmtp(now)];
  if (before !== null && before.toLowerCase() !== (after ?? '').toLowerCase())
    tell('rewritten', 'warning', side, `the primary address was ${before} and is ${after ?? 'none'}`);
  const there = new Set(now.map(addressKey));
  const lost = shown.filter((address) => !there.has(addressKey(address)));
  if (lost.length > 0) tell('rewritten', 'warning', side, `gone since the last pass: ${lost.join(', ')}`);
}

const underPolicy = ({ attributes }: DirectoryObject): boolean =>
  valuesOf(attributes, 'msExchPoliciesIncluded').length > 0 &&
  !valuesOf(attributes, 'msExchPoliciesExcluded').some((one) => one.toLowerCase() === noAddressPolicy);
