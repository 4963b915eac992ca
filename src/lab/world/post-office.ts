import type { Doing, Machinery, OutboxCause } from '../seams.ts';
import type { Address, Item, ItemContent } from './item.ts';
import type { Hand, Mailbox } from './mailbox.ts';
import type { Organization } from './organization.ts';
import { plainContent } from './plain-content.ts';
import { key, type Property, type PropertyKey } from './property.ts';
import { Refusal } from './refusal.ts';
import type { World } from './world.ts';

/** Who answers for a message: see `OutboxEntry`. */
export interface Origin {
  readonly caller: string;
  readonly doing: Doing;
  readonly through: Machinery | null;
}

export interface Mail {
  readonly cause: OutboxCause;
  readonly content: ItemContent;
  /** Addresses as they are written; routing finds out whose they are. */
  readonly recipients: readonly string[];
  readonly origin: Origin;
}

/** A message that has arrived. */
export interface Delivery {
  readonly item: Item;
  readonly mailbox: Mailbox;
  readonly mail: Mail;
  /** Organization in which it was sent. */
  readonly from: Organization;
  /** From another organization: outside, to every setting that tells them apart. */
  readonly external: boolean;
}

/** Turns what crosses into another organization into what arrives there. */
export type Crossing = (content: ItemContent, into: Organization) => ItemContent;

/**
 * Transport: counts what leaves a mailbox and brings it to mailboxes of the lab, by address, targetAddress, forwarding and hop
 * count. What is addressed to anywhere else leaves the mailbox and is never delivered.
 */
export class PostOffice {
  readonly #world: World;
  readonly #listeners = new Set<(delivery: Delivery) => void>();
  /** Set by who knows meeting messages. */
  crossing: Crossing = (content) => content;

  constructor(world: World) {
    this.#world = world;
  }

  /** Calls `listener` after each delivery, in the turn of the sender. */
  onDelivery(listener: (delivery: Delivery) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends a message. Answers what arrived; copies that were redirected or bounced are answered where they ended. */
  send(from: Mailbox, mail: Mail): readonly Delivery[] {
    const recipients = [...new Set(mail.recipients.map((one) => one.toLowerCase()).filter((one) => one !== ''))];
    if (recipients.length === 0) return [];
    from.leave(mail.cause, recipients, mail.origin);
    const delivered: Delivery[] = [];
    for (const recipient of recipients)
      this.#route(from.organization, recipient, { from, mail, hops: 0, content: mail.content }, delivered);
    return delivered;
  }

  #route(
    at: Organization,
    recipient: string,
    on: { readonly from: Mailbox; readonly mail: Mail; readonly hops: number; readonly content: ItemContent },
    delivered: Delivery[],
  ): void {
    if (on.hops > at.mailFlow.hopMax) {
      this.#bounce(on.from, on.mail, recipient, '5.4.6 Hop count exceeded - possible mail loop', delivered);
      return;
    }
    const address = at.mailFlow.primary(recipient);
    const domain = address.slice(address.lastIndexOf('@') + 1);
    const next = { ...on, hops: on.hops + 1 };
    if (domain !== at.domain) {
      const other = this.#world.organizations.find((organization) => organization.domain === domain);
      if (other !== undefined)
        this.#route(other, address, { ...next, content: this.crossing(on.content, other) }, delivered);
      return;
    }
    const target = at.mailFlow.targetAddress(address);
    if (target !== null) {
      this.#route(at, target, next, delivered);
      return;
    }
    const mailbox = at.mailbox(address);
    if (mailbox === null) {
      this.#bounce(on.from, on.mail, recipient, '5.1.1 The recipient was not found', delivered);
      return;
    }
    const forwarding = at.mailFlow.forwarding(address);
    if (forwarding !== null) {
      mailbox.leave('rule', [forwarding.to], { ...on.mail.origin, through: 'transport' });
      this.#route(at, forwarding.to, next, delivered);
      if (!forwarding.keepsCopy) return;
    }
    this.#deliver(mailbox, on, delivered);
  }

  #deliver(
    mailbox: Mailbox,
    on: { readonly from: Mailbox; readonly mail: Mail; readonly content: ItemContent },
    delivered: Delivery[],
  ): void {
    const properties = new Map(on.content.properties);
    properties.set(key.receivedAt, { type: 'SystemTime', value: mailbox.nowMs });
    let item: Item;
    try {
      item = mailbox.create(
        mailbox.folder('inbox'),
        { content: { ...on.content, properties }, messageFlags: null, isRead: false, delivered: true },
        mailbox.server,
      );
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#bounce(on.from, on.mail, mailbox.address, `5.2.2 ${error.message}`, delivered);
      return;
    }
    const from = on.from.organization;
    const delivery = { item, mailbox, mail: on.mail, from, external: from !== mailbox.organization };
    delivered.push(delivery);
    for (const listener of this.#listeners) listener(delivery);
  }

  /** A non-delivery report to the sender; reports about reports are not made. */
  #bounce(from: Mailbox, mail: Mail, recipient: string, status: string, delivered: Delivery[]): void {
    if (mail.cause === 'delivery-report') return;
    const subject = mail.content.properties.get(key.subject)?.value;
    const properties = new Map<PropertyKey, Property>([
      [key.itemClass, { type: 'String', value: 'REPORT.IPM.Note.NDR' }],
      [key.subject, { type: 'String', value: `Undeliverable: ${typeof subject === 'string' ? subject : ''}` }],
      [key.sentAt, { type: 'SystemTime', value: from.nowMs }],
    ]);
    const postmaster: Address = { name: 'Microsoft Outlook', address: `postmaster@${from.organization.domain}` };
    const report: Mail = {
      cause: 'delivery-report',
      content: plainContent({
        properties,
        from: postmaster,
        to: [{ name: from.displayName, address: from.address }],
        body: { type: 'Text', text: `${recipient}\r\n${status}\r\n` },
      }),
      recipients: [from.address],
      origin: { ...mail.origin, through: 'transport' },
    };
    from.leave('delivery-report', [from.address], report.origin);
    this.#deliver(from, { from, mail: report, content: report.content }, delivered);
  }
}

/** Whose doing a call is. `people` are the lab's own; accounts with a mailbox of their own are people's programs. */
export function originOfCall(organization: Organization, by: Hand): Origin {
  const person = by.caller === 'people' || organization.account(by.caller)?.kind === 'person';
  return { caller: by.caller, doing: person ? 'person' : 'api', through: null };
}
