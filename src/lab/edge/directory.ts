/**
 * Who may sign in to an organization, and where a mailbox is found: all that the edge knows of the world. The lab's world
 * implements it; tests give their own.
 */
export interface Account {
  /** Sign-in name, lower case: `user@domain`. */
  readonly user: string;
  readonly kind: 'person' | 'admin';
  readonly state: 'enabled' | 'disabled' | 'locked';
  checkPassword(password: string): boolean;
  /** MD4 of the password in UTF-16LE: the key that NTLM proves knowledge of. 16 bytes. */
  ntHash(): Buffer;
}

export interface MailboxEntry {
  /** Primary address, lower case. */
  readonly address: string;
  readonly displayName: string;
}

export interface Directory {
  /**
   * @param name `user@domain`, `DOMAIN\user` or `user`, in any case. A domain that is not the organization's finds nobody.
   */
  account(name: string): Account | null;
  mailbox(address: string): MailboxEntry | null;
}

/** The parts of a sign-in name: `user@domain`, `DOMAIN\user`, `user`. */
export function splitSignInName(name: string): { readonly user: string; readonly domain: string } {
  const back = name.indexOf('\\');
  if (back >= 0) return { domain: name.slice(0, back).toLowerCase(), user: name.slice(back + 1).toLowerCase() };
  const at = name.lastIndexOf('@');
  if (at >= 0) return { domain: name.slice(at + 1).toLowerCase(), user: name.slice(0, at).toLowerCase() };
  return { domain: '', user: name.toLowerCase() };
}

/** `SOURCE` for `source.test`: the name that Windows of old knows a domain by. At most 15 characters. */
export function netbiosName(domain: string): string {
  return (domain.split('.')[0] ?? '').toUpperCase().slice(0, 15);
}
