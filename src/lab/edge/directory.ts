import type { Account } from '../world/account.ts';

/**
 * Who may sign in, and where a mailbox is found: all that the edge knows of the world. The world's Organization has this shape;
 * tests give their own.
 */
export interface Directory {
  /** By `user@domain`, lower case. */
  account(user: string): Account | null;
  /** By address, lower case. */
  entry(address: string): { readonly address: string; readonly displayName: string; readonly guid: string } | null;
}

/** The parts of a sign-in name: `user@domain`, `DOMAIN\user`, `user`. Lower case. */
function splitSignInName(name: string): { readonly user: string; readonly domain: string } {
  const lower = name.toLowerCase();
  const back = lower.indexOf('\\');
  if (back >= 0) return { domain: lower.slice(0, back), user: lower.slice(back + 1) };
  const at = lower.lastIndexOf('@');
  if (at >= 0) return { domain: lower.slice(at + 1), user: lower.slice(0, at) };
  return { domain: '', user: lower };
}

/** `SOURCE` for `source.test`: the name that Windows of old knows a domain by. At most 15 characters. */
export function netbiosName(domain: string): string {
  return (domain.split('.')[0] ?? '').toUpperCase().slice(0, 15);
}

/** The account of a sign-in name in an organization whose DNS domain is `domain`; a name of another domain finds nobody. */
export function findAccount(directory: Directory, domain: string, name: string): Account | null {
  const parts = splitSignInName(name);
  const own = parts.domain === '' || parts.domain === domain || parts.domain === netbiosName(domain).toLowerCase();
  return own && parts.user !== '' ? directory.account(`${parts.user}@${domain}`) : null;
}
