/**
 * Addresses of a person’s two objects. They are computed, never merged: own addresses stay, the shadow also has those of home, each side
 * answers to the other one’s legacyExchangeDN, each is reachable by its own routing domain, and only the shadow redirects.
 */
import type { Attributes, RecipientType } from '#model/directory/directory-object.ts';
import {
  addressKey,
  domainOfAddress,
  formatProxyAddress,
  isSmtpAddress,
  parseProxyAddress,
  primarySmtp,
  smtpAddresses,
  x500Of,
} from '#model/directory/proxy-address.ts';
import { isMailbox } from '#model/directory/recipient-type.ts';
import { type BySide, type DirectorySyncPolicy, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { AttributeNote } from './merge-attributes.ts';
import { filledIn } from './transforms.ts';
import { valuesOf } from './values.ts';

export interface AddressInput {
  readonly policy: DirectorySyncPolicy;
  readonly home: Side;
  /** Side of the object we made, or are making; null: both were there. */
  readonly made: Side | null;
  readonly attributes: BySide<Attributes>;
  readonly types: BySide<RecipientType>;
  /** Home’s addresses when last read back; null: no common past. */
  readonly shownHome: Attributes | null;
  readonly writes: BySide<boolean>;
}

export interface Addresses {
  /** All values that proxyAddresses should have on each side. */
  readonly proxies: BySide<readonly string[]>;
  /** What targetAddress should be on the shadow. `leave`: it is none of our business. */
  readonly redirect: { readonly to: string | null } | 'leave';
  /** Null: home has no address that leads there from the other side. */
  readonly route: string | null;
  readonly notes: readonly AttributeNote[];
}

/** Objects that mail is sent on from to somebody outside of both organizations, or to a mailbox elsewhere. */
function sendsOn(type: RecipientType): boolean {
  return type === 'mail-user' || type === 'mail-contact';
}

/** Groups deliver to their members, wherever those are. */
export function isGroup(type: RecipientType): boolean {
  return type === 'distribution-group' || type === 'security-group';
}

export function addressesOf(input: AddressInput): Addresses {
  const { policy, home, attributes, types } = input;
  const shadow = otherSide(home);
  const notes: AttributeNote[] = [];
  const proxies: Record<Side, readonly string[]> = {
    left: valuesOf(attributes.left, 'proxyAddresses'),
    right: valuesOf(attributes.right, 'proxyAddresses'),
  };
  for (const side of ['left', 'right'] as const) {
    if (!input.writes[side]) continue;
    const own = new AddressList(proxies[side]);
    if (side === shadow) carry(input, own, notes);
    answerTo(own, attributes[side], attributes[otherSide(side)]);
    for (const address of ownTemplates(input, side)) if (isSmtpAddress(address)) own.add('SMTP', address);
    const routing = policy.routing[side];
    const isReachable =
      side === home
        ? !sendsOn(types[home]) && !(isGroup(types[home]) && isGroup(types[shadow]))
        : types[side] === 'mail-user' || isMailbox(types[side]);
    if (routing !== null && isReachable && !own.hasDomain(routing)) {
      const alias = aliasOf(attributes[side]) ?? aliasOf(attributes[otherSide(side)]);
      if (alias !== null) own.add('SMTP', `${alias}@${routing}`);
    }
    proxies[side] = own.values();
  }
  const route = routeTo(policy, home, { ...attributes[home], proxyAddresses: proxies[home] });
  return { proxies, redirect: redirectOf(input, route), route, notes };
}

/** Addresses of home for the shadow. */
function carry(input: AddressInput, own: AddressList, notes: AttributeNote[]): void {
  const { policy, home, attributes, made } = input;
  const shadow = otherSide(home);
  const foreign = new Set(policy.foreignDomains);
  const shared = new Set(policy.sharedDomains);
  const ofHome = valuesOf(attributes[home], 'proxyAddresses');
  const homeKeys = new Set(ofHome.map(addressKey));
  const isDomainOf = (side: Side, domain: string) => policy.domains[side].includes(domain) && !shared.has(domain);
  const isOwn = (address: string) => isDomainOf(shadow, domainOfAddress(address));
  // Somebody who was switched: what the source's mailbox redirects to must not be an address of its own, and whoever comes back keeps all
  // addresses that it has, so that it could not be switched again.
  const isLeft = shadow === 'left' && isMailbox(input.types[shadow]);
  for (const value of valuesOf(input.shownHome ?? {}, 'proxyAddresses')) {
    const parsed = parseProxyAddress(value);
    if (parsed?.type !== 'SMTP' || homeKeys.has(addressKey(value))) continue;
    if (made === shadow || (!isOwn(parsed.address) && !own.isPrimary(parsed.address))) own.remove(value);
  }
  for (const value of ofHome) {
    const parsed = parseProxyAddress(value);
    if (parsed === null || own.has(value)) continue;
    if (parsed.type === 'X500') {
      if (parsed.address.toLowerCase() !== valuesOf(attributes[shadow], 'legacyExchangeDN')[0]?.toLowerCase())
        own.add('X500', parsed.address);
      continue;
    }
    // X400, EUM and the rest mean something in their own organization only.
    if (parsed.type !== 'SMTP') continue;
    const domain = domainOfAddress(parsed.address);
    if (domain === policy.routing[home] || domain === policy.routing[shadow]) continue;
    if (isLeft && isDomainOf(home, domain)) continue;
    const outcome = !isSmtpAddress(parsed.address)
      ? 'bad-address'
      : foreign.has(domain) || isOwn(parsed.address)
        ? 'foreign-domain'
        : null;
    if (outcome === null) own.add('SMTP', parsed.address);
    else notes.push({ side: shadow, attribute: 'proxyAddresses', outcome, values: [value] });
  }
  const primary = primaryOf(attributes[home]);
  if (primary !== null && own.has(`smtp:${primary}`) && (made === shadow || own.primary() === null))
    own.promote(primary);
}

/** Old mail of the other organization names this person by the other side’s legacyExchangeDN and by those it had before. */
function answerTo(own: AddressList, attributes: Attributes, others: Attributes): void {
  const [ownDn] = valuesOf(attributes, 'legacyExchangeDN');
  const answersTo = [
    ...valuesOf(others, 'legacyExchangeDN').map(x500Of),
    ...valuesOf(others, 'proxyAddresses').filter((value) => parseProxyAddress(value)?.type === 'X500'),
  ];
  for (const value of answersTo) {
    const dn = parseProxyAddress(value)?.address;
    if (dn !== undefined && dn.toLowerCase() !== ownDn?.toLowerCase()) own.add('X500', dn);
  }
}

function ownTemplates({ policy, attributes, home }: AddressInput, side: Side): readonly string[] {
  return policy.addresses[side].flatMap((template) => filledIn(template, attributes[home]) ?? []);
}

/** The address others see; `mail` where proxyAddresses were never filled. */
export function primaryOf(attributes: Attributes): string | null {
  return (
    primarySmtp(valuesOf(attributes, 'proxyAddresses')) ??
    valuesOf(attributes, 'mail').find((mail) => isSmtpAddress(mail)) ??
    null
  );
}

/** What is before the @ of addresses of ours: ASCII that every mail server takes. Null: nothing is left of any name. */
export function aliasOf(attributes: Attributes): string | null {
  for (const name of ['mailNickname', 'sAMAccountName', 'cn']) {
    const alias = plainAlias(valuesOf(attributes, name)[0] ?? '');
    if (alias !== '') return alias;
  }
  const primary = primaryOf(attributes);
  const local = plainAlias(primary?.slice(0, primary.lastIndexOf('@')) ?? '');
  return local === '' ? null : local;
}

export function plainAlias(text: string): string {
  return text
    .replace(/ß/g, 'ss')
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/\s+/g, '.')
    .replace(/[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]/g, '')
    .replace(/^\.+|\.+$/g, '')
    .replace(/\.{2,}/g, '.')
    .slice(0, 64);
}

/**
 * The address that mail from the other organization reaches home by: in the routing domain if there is one, else the primary one, else any,
 * but never one of a domain that the other organization accepts mail for, since it would look for it at home.
 */
function routeTo(policy: DirectorySyncPolicy, home: Side, attributes: Attributes): string | null {
  const shadow = otherSide(home);
  const addresses = smtpAddresses(valuesOf(attributes, 'proxyAddresses')).filter(isSmtpAddress);
  const routing = policy.routing[home];
  const byRouting = addresses.find((address) => routing !== null && domainOfAddress(address) === routing);
  if (byRouting !== undefined) return byRouting;
  const primary = primaryOf(attributes);
  return (
    [...(primary === null ? [] : [primary]), ...addresses].find((address) => {
      const domain = domainOfAddress(address);
      return (
        !policy.domains[shadow].includes(domain) &&
        !policy.sharedDomains.includes(domain) &&
        domain !== policy.routing[shadow]
      );
    }) ?? null
  );
}

function redirectOf({ types, attributes, home }: AddressInput, route: string | null): Addresses['redirect'] {
  const shadow = otherSide(home);
  if (isGroup(types[shadow])) return 'leave';
  if (types[home] === 'none' || types[home] === 'other') return 'leave';
  if (sendsOn(types[home])) {
    const [target] = valuesOf(attributes[home], 'targetAddress');
    return target === undefined ? 'leave' : { to: withoutType(target) };
  }
  return route === null ? 'leave' : { to: route };
}

/** `SMTP:a@b` and `a@b` as they stand in targetAddress. */
export function withoutType(target: string): string {
  const parsed = parseProxyAddress(target);
  return parsed?.type === 'SMTP' ? parsed.address : target;
}

/** Values of proxyAddresses: one of a kind whatever their spelling, one primary a type. */
class AddressList {
  readonly #byKey = new Map<string, string>();

  constructor(values: readonly string[]) {
    for (const value of values) if (!this.#byKey.has(addressKey(value))) this.#byKey.set(addressKey(value), value);
  }

  values(): readonly string[] {
    return [...this.#byKey.values()];
  }

  has(value: string): boolean {
    return this.#byKey.has(addressKey(value));
  }

  hasDomain(domain: string): boolean {
    return smtpAddresses(this.values()).some((address) => domainOfAddress(address) === domain);
  }

  add(type: string, address: string): void {
    const value = formatProxyAddress({ type, address, isPrimary: false });
    if (!this.has(value)) this.#byKey.set(addressKey(value), value);
  }

  remove(value: string): void {
    this.#byKey.delete(addressKey(value));
  }

  primary(): string | null {
    return primarySmtp(this.values());
  }

  isPrimary(address: string): boolean {
    return this.primary()?.toLowerCase() === address.toLowerCase();
  }

  promote(address: string): void {
    if (this.isPrimary(address)) return;
    for (const [key, value] of this.#byKey) {
      const parsed = parseProxyAddress(value);
      if (parsed?.type !== 'SMTP') continue;
      const isPrimary = parsed.address.toLowerCase() === address.toLowerCase();
      if (isPrimary || parsed.isPrimary) this.#byKey.set(key, formatProxyAddress({ ...parsed, isPrimary }));
    }
  }
}
