import type { Context, Mailbox } from '#connectors/contract.ts';
import { parseAddresses } from '#formats/text/mime-header.ts';
import { headerOf, splitMime } from '#formats/text/mime-split.ts';
import { isFault } from '#kit/fault.ts';
import type { Payload } from '#kit/payload.ts';
import { decodeImceaex } from '#model/directory/imceaex.ts';
import { domainOfAddress, isSmtpAddress } from '#model/directory/proxy-address.ts';
import type { FolderRole } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import type { MailHead } from '#model/mail.ts';
import type { MapiProperty } from '#model/property-row.ts';

/** Whom a mail names, so that a reply could go there. */
export type OldRecipient =
  | {
      readonly kind: 'ex';
      readonly legacyExchangeDn: string;
      /** Domain of the IMCEAEX address that it stands in; null: it stands there as it is. */
      readonly wrappedFor: string | null;
    }
  | { readonly kind: 'smtp'; readonly address: string };

/** Somebody whom mails name. */
export interface NamedRecipient {
  readonly recipient: OldRecipient;
  mails: number;
  /** Domains for which a DN was wrapped, with the number of mails. */
  readonly wrapped: Map<string, number>;
}

/** Header lines of a mail that are looked at; a larger head is cut off. */
const headBytesMax = 256 * 1024;
/** Of larger mails only the properties are read: their recipients come with all of the content. */
const contentBytesMax = 2 * 1024 * 1024;
const pagesMax = 20;
/** Heads that the mails are chosen from, for each that is wanted. */
const choicePerMail = 10;

const folders = ['inbox', 'sentitems', 'archive'] as const satisfies FolderRole[];

/** Type and address of the sender, and of whom it was sent for. [MS-OXOMSG] 2.2.1.48 to 2.2.1.57 */
const senders = [
  [0x0c1e, 0x0c1f],
  [0x0064, 0x0065],
] as const;
const wanted: readonly MapiProperty[] = senders.flat().map((tag) => ({ tag, type: 'string' }));

/**
 * Whom a sample of a mailbox's mails names as sender or recipient: DNs of an Exchange organization (type EX, or wrapped as IMCEAEX), and
 * SMTP addresses. The mails are spread over the time that they are from. Throws FaultError.
 *
 * @returns each address once with the number of mails that name it, and how many mails were looked at.
 */
export async function oldRecipients(
  mailbox: Mailbox,
  mails: number,
  batchMax: number,
  call: () => Context,
): Promise<{
  readonly mails: number;
  readonly found: ReadonlyMap<string, NamedRecipient>;
}> {
  const roles = await mailbox.roles(call());
  const heads: MailHead[] = [];
  for (const role of folders) {
    const folder = roles.get(role);
    if (folder !== undefined) heads.push(...(await headsOf(mailbox, folder, mails * choicePerMail, call)));
  }
  const dateOf = ({ facts }: MailHead) => facts.sentAt ?? facts.receivedAt ?? 0;
  heads.sort((a, b) => dateOf(a) - dateOf(b));
  const chosen =
    heads.length <= mails
      ? heads
      : Array.from({ length: mails }, (_, n) => heads[Math.floor((n * heads.length) / mails)] as MailHead);
  const found = new Map<string, NamedRecipient>();
  for (let at = 0; at < chosen.length; at += batchMax) {
    const batch = chosen.slice(at, at + batchMax);
    const perMail = new Map<string, Map<string, OldRecipient>>(batch.map(({ id }) => [id, new Map()]));
    const note = (id: string, recipient: OldRecipient | null) => {
      if (recipient !== null) perMail.get(id)?.set(keyOf(recipient), recipient);
    };
    const properties = await mailbox.properties(
      batch.map(({ id }) => id),
      wanted,
      call(),
    );
    for (const [id, values] of properties) {
      if (isFault(values)) continue;
      const valueAt = (tag: number) =>
        values.find(({ property }) => 'tag' in property && property.tag === tag)?.values[0] ?? null;
      for (const [type, address] of senders) note(id, recipientOf(valueAt(address), valueAt(type)));
    }
    const small = batch.filter(({ facts }) => facts.sizeBytes <= contentBytesMax);
    for (const { id, facts } of small) {
      // One at a time: contents of a batch have a size of their own.
      const content = (await mailbox.contents([{ id, sizeBytes: facts.sizeBytes }], call())).get(id);
      if (content === undefined || isFault(content)) continue;
      try {
        for (const address of await addressesOf(content.mime)) note(id, recipientOf(address, null));
      } finally {
        await content.mime.dispose();
      }
    }
    for (const recipients of perMail.values())
      for (const [key, recipient] of recipients) {
        const known = found.get(key) ?? { recipient, mails: 0, wrapped: new Map() };
        known.mails++;
        const domain = recipient.kind === 'ex' ? recipient.wrappedFor : null;
        if (domain !== null) known.wrapped.set(domain, (known.wrapped.get(domain) ?? 0) + 1);
        found.set(key, known);
      }
  }
  return { mails: chosen.length, found };
}

async function headsOf(
  mailbox: Mailbox,
  folder: FolderId,
  max: number,
  call: () => Context,
): Promise<readonly MailHead[]> {
  const heads: MailHead[] = [];
  let cursor: Parameters<Mailbox['changes']>[1] = null;
  for (let page = 0; page < pagesMax && heads.length < max; page++) {
    const { changes, cursor: next, complete } = await mailbox.changes(folder, cursor, call());
    for (const change of changes) if (change.kind === 'upsert') heads.push(change.head);
    if (complete) break;
    cursor = next;
  }
  return heads;
}

const keyOf = (recipient: OldRecipient): string =>
  (recipient.kind === 'ex' ? recipient.legacyExchangeDn : recipient.address).toLowerCase();

function recipientOf(address: string | null, type: string | null): OldRecipient | null {
  if (address === null || address === '') return null;
  if (type?.toUpperCase() === 'EX' || (type === null && address.startsWith('/')))
    return { kind: 'ex', legacyExchangeDn: address, wrappedFor: null };
  const inner = decodeImceaex(address);
  if (inner !== null) return { kind: 'ex', legacyExchangeDn: inner.legacyExchangeDn, wrappedFor: inner.domain };
  return isSmtpAddress(address) && domainOfAddress(address) !== '' ? { kind: 'smtp', address } : null;
}

async function addressesOf(mime: Payload): Promise<readonly string[]> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of mime.bytes()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= headBytesMax) break;
  }
  // Only the head: parts would be taken apart for nothing.
  const head = Buffer.concat(chunks);
  const end = /\r?\n\r?\n/.exec(head.toString('latin1'));
  const { headers } = splitMime(head.subarray(0, end === null ? head.length : end.index + end[0].length));
  return ['from', 'sender', 'reply-to', 'to', 'cc'].flatMap((name) => {
    const value = headerOf(headers, name);
    return value === null ? [] : parseAddresses(value).map(({ address }) => address);
  });
}
