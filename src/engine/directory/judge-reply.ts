/** What becomes of a reply to somebody whom an old mail names, by what the directory of the organization says that it is written in. */
import type { DirectoryObject } from '#model/directory/directory-object.ts';
import { recipientType } from '#model/directory/recipient-type.ts';

export type ReplyOutcome =
  | { readonly kind: 'resolves'; readonly to: DirectoryObject }
  /** 5.1.1: nobody has the address. */
  | { readonly kind: 'nobody' }
  /** 5.1.4: several have it, and none of them gets the mail. */
  | { readonly kind: 'ambiguous'; readonly holders: readonly DirectoryObject[] }
  /** Somebody has it who has neither a mailbox nor a place where mail is sent on to. */
  | { readonly kind: 'no-mailbox'; readonly to: DirectoryObject }
  /** Somebody has it who has no mailbox, in a tenant, where Graph does not show whether and where mail is sent on to. */
  | { readonly kind: 'not-shown'; readonly to: DirectoryObject };

/** @param holders Objects that have the address: as legacyExchangeDN, or among their proxyAddresses. */
export function judgeReply(holders: readonly DirectoryObject[], directory: 'ad' | 'entra'): ReplyOutcome {
  const different = [...new Map(holders.map((one) => [one.guid, one])).values()];
  const [to] = different;
  if (to === undefined) return { kind: 'nobody' };
  if (different.length > 1) return { kind: 'ambiguous', holders: different };
  if (to.attributes['targetAddress']?.[0] !== undefined) return { kind: 'resolves', to };
  const type = recipientType(to);
  const isNowhere = type === 'mail-user' || type === 'mail-contact' || type === 'none';
  if (!isNowhere) return { kind: 'resolves', to };
  return { kind: directory === 'entra' ? 'not-shown' : 'no-mailbox', to };
}
