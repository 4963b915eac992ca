import { composeMime } from '../world/compose-mime.ts';
import { imceaexOf } from '../world/directory/recipients.ts';
import type { Item } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import { plainContent } from '../world/plain-content.ts';
import { key, messageFlag, type Property, type PropertyKey, tagKey } from '../world/property.ts';
import { contentOfMime } from '../world/read-message.ts';

const senderType = tagKey(0x0c1e);
const dayMs = 86_400_000;

/**
 * Puts mails into an Inbox that colleagues wrote long ago: their senders stand in them as objects of the organization's directory (type EX), as
 * Exchange keeps them. What a colleague is called there now does not matter.
 */
export function addOldMail(organization: Organization, mailbox: Mailbox, count: number): readonly Item[] {
  const at = organization.forest.first;
  const senders = organization.mailboxes.filter(({ address }) => address !== mailbox.address);
  const made: Item[] = [];
  // Everybody hears of others.
  const start =
    Math.max(
      0,
      organization.mailboxes.findIndex(({ address }) => address === mailbox.address),
    ) * count;
  for (let n = 0; n < count && senders.length > 0; n++) {
    const sender = senders[(start + n) % senders.length];
    const [entry] = sender === undefined ? [] : at.having('userPrincipalName', sender.user);
    const legacyDn = entry === undefined ? null : at.text(entry, 'legacyExchangeDN');
    if (sender === undefined || legacyDn === null) continue;
    const properties = new Map<PropertyKey, Property>([
      [key.subject, { type: 'String', value: `Old matter ${n}` }],
      [key.sentAt, { type: 'SystemTime', value: mailbox.nowMs - (400 + n) * dayMs }],
      [key.messageId, { type: 'String', value: `<old.${mailbox.guid.slice(0, 8)}.${n}@${organization.domain}>` }],
    ]);
    // Outside of Exchange a DN is written as an address.
    const mime = composeMime(
      plainContent({
        properties,
        from: { name: sender.displayName, address: imceaexOf(legacyDn, organization.domain) },
        to: [{ name: mailbox.displayName, address: mailbox.address }],
        body: { type: 'Text', text: `What was it, number ${n}?\r\n` },
      }),
    );
    const content = contentOfMime(mime);
    const all = new Map(content.properties)
      .set(key.receivedAt, { type: 'SystemTime', value: mailbox.nowMs - (400 + n) * dayMs })
      .set(key.senderAddress, { type: 'String', value: legacyDn })
      .set(senderType, { type: 'String', value: 'EX' });
    made.push(
      mailbox.create(
        mailbox.folder('inbox'),
        {
          content: { ...content, properties: all, from: { name: sender.displayName, address: legacyDn } },
          messageFlags: messageFlag.read,
          isRead: true,
        },
        mailbox.server,
      ),
    );
  }
  return made;
}

/** What came back of the replies to a mailbox's mails. */
export interface Replies {
  readonly replied: number;
  readonly delivered: number;
  /** Sender → status of the report. */
  readonly bounced: Readonly<Record<string, string>>;
}

const isWrapped = (address: string): boolean => /^imceaex-/i.test(address);

/** Lets the owner reply to every mail in the Inbox whose sender is a DN, as Outlook does: to that DN, or to the address that it was wrapped into. */
export function replyToOldMail(mailbox: Mailbox): Replies {
  const { postOffice } = mailbox.organization.world;
  const bounced: Record<string, string> = {};
  let replied = 0;
  let delivered = 0;
  for (const item of [...mailbox.folder('inbox').items()]) {
    const address = item.content.from?.address.startsWith('/')
      ? item.content.from.address
      : item.text(key.senderAddress);
    if (address === null || !(address.startsWith('/') || isWrapped(address))) continue;
    const before = postOffice.outcomes.length;
    const properties = new Map<PropertyKey, Property>([
      [key.subject, { type: 'String', value: `RE: ${item.text(key.normalizedSubject) ?? ''}` }],
      [key.sentAt, { type: 'SystemTime', value: mailbox.nowMs }],
    ]);
    postOffice.send(mailbox, {
      cause: 'sent-by-person',
      content: plainContent({
        properties,
        from: { name: mailbox.displayName, address: mailbox.address },
        to: [{ name: item.content.from?.name ?? '', address }],
        body: { type: 'Text', text: 'It is settled.' },
      }),
      recipients: [address],
      origin: { caller: mailbox.user, doing: 'person', through: null },
    });
    replied++;
    const report = postOffice.outcomes.slice(before).find(({ kind }) => kind === 'bounced');
    if (report === undefined) delivered++;
    else bounced[address] = report.detail;
  }
  return { replied, delivered, bounced };
}
