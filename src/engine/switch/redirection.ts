import type { Attributes } from '#model/directory/directory-object.ts';

/** Attributes that the switch reads of the two entries of a person. */
export const routingAttributes = [
  'targetAddress',
  'proxyAddresses',
  'mail',
  'legacyExchangeDN',
  'msExchRecipientTypeDetails',
] as const;

const smtp = /^smtp:(.+)$/i;

/** Address to which the entry redirects, lower case; null: it delivers to its own mailbox. */
export function redirectionOf(attributes: Attributes): string | null {
  const [value = ''] = attributes['targetAddress'] ?? [];
  const address = smtp.exec(value)?.[1] ?? (value.includes('@') ? value : null);
  return address?.toLowerCase() ?? null;
}

/** All SMTP addresses of the entry, lower case, the primary one first. */
export function addressesOf(attributes: Attributes): readonly string[] {
  const proxies = attributes['proxyAddresses'] ?? [];
  const of = (accepts: (value: string) => boolean) =>
    proxies.flatMap((value) => (accepts(value) ? [value.slice(5).toLowerCase()] : []));
  const all = [
    ...of((value) => value.startsWith('SMTP:')),
    ...(attributes['mail'] ?? []).map((mail) => mail.toLowerCase()),
    ...of((value) => /^smtp:/i.test(value)),
  ];
  return [...new Set(all)];
}

/**
 * The address under which the other organization finds the person here: in the routing domain when there is one, since only that is sure
 * to be routed here; otherwise the address of the pair.
 */
export function routingAddress(attributes: Attributes, address: string, routingDomain: string | null): string {
  if (routingDomain === null) return address.toLowerCase();
  const suffix = `@${routingDomain.toLowerCase()}`;
  return addressesOf(attributes).find((one) => one.endsWith(suffix)) ?? address.toLowerCase();
}

/** Whether replies to old mail reach the entry: it has the other side's legacyExchangeDN as an X500 address (FACTS §8). */
export function answersTo(attributes: Attributes, legacyExchangeDn: string): boolean {
  const wanted = `x500:${legacyExchangeDn}`.toLowerCase();
  return (attributes['proxyAddresses'] ?? []).some((value) => value.toLowerCase() === wanted);
}

/** Values to remove and to add so that the entry redirects to `to` (null: nowhere); null: it does already. */
export function redirect(
  attributes: Attributes,
  to: string | null,
): { readonly remove: readonly string[]; readonly add: readonly string[] } | null {
  const now = attributes['targetAddress'] ?? [];
  if (redirectionOf(attributes) === (to?.toLowerCase() ?? null) && now.length === (to === null ? 0 : 1)) return null;
  return { remove: now, add: to === null ? [] : [`SMTP:${to}`] };
}
