import type { Organization } from '../organization.ts';
import type { Controller } from './controller.ts';
import type { Entry } from './entry.ts';
import { isGroup, mailboxGuidOf } from './recipients.ts';
import { excludedFromPolicies } from './seed.ts';

/** Whether address policies leave an object alone. */
const isExcluded = (at: Controller, entry: Entry): boolean =>
  at.texts(entry, 'msExchPoliciesExcluded').some((one) => one.toUpperCase().includes(excludedFromPolicies));

/** Templates of a policy: `SMTP:%m@source.test` is the primary address, `smtp:%g.%s@…` another one. (Set-EmailAddressPolicy) */
function addressOf(at: Controller, entry: Entry, template: string): string {
  const letters = (name: string): string =>
    (at.text(entry, name) ?? '').normalize('NFD').replace(/[^A-Za-z0-9.-]/g, '');
  return template
    .replaceAll('%m', at.text(entry, 'mailNickname') ?? '')
    .replaceAll('%g', letters('givenName'))
    .replaceAll('%s', letters('sn'))
    .replaceAll('%d', letters('displayName'))
    .toLowerCase();
}

/**
 * Gives a recipient the addresses that the organization's policy says, and makes the policy's the primary one: whatever was primary before
 * stays as an ordinary address. Contacts, mail users (their primary address is the one outside) and excluded objects are left alone.
 *
 * @returns whether anything was written.
 */
export function applyAddressPolicy(organization: Organization, entry: Entry): boolean {
  const { first: at, names } = organization.forest;
  const isOwn = isGroup(at, entry) || mailboxGuidOf(at, entry) !== null;
  const hasAddress = at.texts(entry, 'proxyAddresses').length > 0 || at.text(entry, 'mail') !== null;
  if (at.text(entry, 'mailNickname') === null || isExcluded(at, entry) || (!isOwn && hasAddress)) return false;
  const policy = at.byGuid(names.defaultPolicy);
  const templates = policy === null ? [] : at.texts(policy, 'gatewayProxy');
  const usn = at.usn;
  let addresses = [...at.texts(entry, 'proxyAddresses')];
  for (const template of templates) {
    if (!/^smtp:/i.test(template)) continue;
    const isPrimary = template.startsWith('SMTP:');
    let address = addressOf(at, entry, template.slice(5));
    const taken = (one: string): boolean => at.having('proxyAddresses', `smtp:${one}`).some((other) => other !== entry);
    // A taken address gets a number. (assumed from practice)
    for (let n = 2; taken(address); n++) address = addressOf(at, entry, template.slice(5)).replace('@', `${n}@`);
    addresses = addresses.filter((one) => one.toLowerCase() !== `smtp:${address}`);
    if (isPrimary) addresses = addresses.map((one) => (one.startsWith('SMTP:') ? `smtp:${one.slice(5)}` : one));
    addresses.push(`${isPrimary ? 'SMTP' : 'smtp'}:${address}`);
  }
  const primary = addresses.find((one) => one.startsWith('SMTP:'));
  at.put(entry, { proxyAddresses: addresses, ...(primary === undefined ? {} : { mail: [primary.slice(5)] }) });
  return at.usn > usn;
}

/** Applies the policy to everybody, as Update-EmailAddressPolicy does. @returns how many were written to. */
export function updateAddressPolicy(organization: Organization): number {
  const { first: at } = organization.forest;
  let written = 0;
  for (const entry of [...at.entries()])
    if (!entry.isDeleted && at.classOf(entry).groups.includes('recipient') && applyAddressPolicy(organization, entry))
      written++;
  return written;
}
