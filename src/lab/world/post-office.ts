import type { Doing, Machinery, OutboxCause } from '../seams.ts';
import type { Controller } from './directory/controller.ts';
import type { Entry } from './directory/entry.ts';
import {
  imceaexOf,
  isGroup,
  isLegacyDn,
  legacyDnOf,
  mailboxGuidOf,
  type Resolved,
  resolveRecipient,
} from './directory/recipients.ts';
import { ruleSendings } from './inbox-rules.ts';
import type { Address, Item, ItemContent } from './item.ts';
import type { Hand, Mailbox } from './mailbox.ts';
import type { Organization } from './organization.ts';
import { outOfOfficeOf } from './out-of-office.ts';
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
  /** Addresses as they are written, DNs of Exchange among them; routing finds out whose they are. */
  readonly recipients: readonly string[];
  readonly origin: Origin;
}

/** A message that has arrived. */
export interface Delivery {
  readonly item: Item;
  readonly mailbox: Mailbox;
  readonly mail: Mail;
  /** Organization in which it was sent; null: in none of the lab's. */
  readonly from: Organization | null;
  /** From another organization: outside, to every setting that tells them apart. */
  readonly external: boolean;
}

/** What became of a message for one recipient, for who asks later. */
export interface Outcome {
  readonly atMs: number;
  readonly messageId: string;
  /** As it was written. */
  readonly recipient: string;
  readonly kind: 'delivered' | 'bounced' | 'left';
  /** Address of the mailbox, status of the report, or the address outside the lab. */
  readonly detail: string;
}

/** Turns what crosses into another organization into what arrives there. */
export type Crossing = (content: ItemContent, into: Organization) => ItemContent;

/** A message on its way to one recipient. */
interface Underway {
  readonly from: Mailbox | null;
  readonly sender: string;
  readonly mail: Mail;
  readonly content: ItemContent;
  /** As it was written, for the report. */
  readonly recipient: string;
  /** Servers it has passed. */
  readonly hops: number;
  /** Objects of the organization it is in that it was redirected by. */
  readonly via: ReadonlySet<Entry>;
  /** Inbox rules that have sent it on. */
  readonly rules: number;
  readonly out: Sending;
}

/** All copies of one message. */
interface Sending {
  readonly delivered: Delivery[];
  readonly reached: Set<Mailbox>;
}

/** Rules that send on what rules have sent stop here. (assumed: X-MS-Exchange-Inbox-Rules-Loop) */
const rulesMax = 3;
const outcomesMax = 200_000;

/**
 * Transport: counts what leaves a mailbox and brings it to mailboxes of the lab, by what the directories of their organizations say. What
 * is addressed to anywhere else leaves the mailbox and is never delivered.
 */
export class PostOffice {
  /** What became of messages, oldest first, bounded. */
  readonly outcomes: Outcome[] = [];
  readonly #world: World;
  readonly #listeners = new Set<(delivery: Delivery) => void>();
  /** Mailbox → senders that were told of an absence; forgotten when it is over. */
  readonly #told = new WeakMap<Mailbox, Set<string>>();
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
    const recipients = distinct(mail.recipients);
    if (recipients.length === 0) return [];
    from.leave(mail.cause, recipients, mail.origin);
    return this.#sendOut(from, from.address, from.organization, mail, recipients);
  }

  /** A message that a program hands in to an organization; it leaves the mailbox whose address the sender is, if there is one. */
  submit(at: Organization, sender: string, mail: Mail): readonly Delivery[] {
    const from = at.mailbox(sender);
    if (from !== null) return this.send(from, mail);
    return this.#sendOut(null, sender.toLowerCase(), at, mail, distinct(mail.recipients));
  }

  /** A message from outside the lab, for addresses of its organizations. Nothing of it is anybody's outbox. */
  receive(sender: string, content: ItemContent, recipients: readonly string[]): readonly Delivery[] {
    const mail: Mail = {
      cause: 'sent-by-person',
      content,
      recipients,
      origin: { caller: 'outside', doing: 'person', through: null },
    };
    return this.#sendOut(null, sender.toLowerCase(), null, mail, distinct(recipients));
  }

  #sendOut(
    from: Mailbox | null,
    sender: string,
    at: Organization | null,
    mail: Mail,
    recipients: readonly string[],
    rules = 0,
  ): readonly Delivery[] {
    const out: Sending = { delivered: [], reached: new Set() };
    for (const recipient of recipients) {
      const on: Underway = {
        from,
        sender,
        mail,
        content: mail.content,
        recipient,
        hops: 0,
        via: new Set(),
        rules,
        out,
      };
      const into = at ?? this.#organizationOf(recipient, null);
      if (into === null) this.#note(on, 'left', recipient);
      else this.#route(into, recipient, on);
    }
    const journal = at?.mailFlow.journalTo ?? null;
    if (journal !== null && at !== null && mail.cause !== 'delivery-report')
      this.#route(at, journal, {
        from,
        sender,
        mail,
        content: mail.content,
        recipient: journal,
        hops: 0,
        via: new Set(),
        rules,
        out,
      });
    return out.delivered;
  }

  /** Who takes mail for the domain of an address, as the world's MX records say: first who answers for it alone. */
  #organizationOf(address: string, except: Organization | null): Organization | null {
    const domain = domainOf(address);
    const all = this.#world.organizations.filter((one) => one !== except && one.mailFlow.acceptedDomains.has(domain));
    return (
      all.find((one) => one.domain === domain) ??
      all.find((one) => one.mailFlow.acceptedDomains.get(domain) === 'authoritative') ??
      all[0] ??
      null
    );
  }

  /** Finds the recipient in the directory of an organization. */
  #route(at: Organization, address: string, on: Underway): void {
    if (on.hops > at.mailFlow.hopMax) {
      this.#bounce(on, at, '5.4.6 Hop count exceeded - possible mail loop');
      return;
    }
    const { directory } = at.mailFlow;
    const legacyDn = isLegacyDn(address) ? address : legacyDnOf(address, at.domain);
    const resolved = resolveRecipient(directory, legacyDn ?? address);
    switch (resolved.kind) {
      case 'recipient':
        this.#reach(at, directory, resolved.entry, on);
        return;
      case 'ambiguous':
        this.#bounce(on, at, '5.1.4 RESOLVER.ADR.Ambiguous; ambiguous address');
        return;
      case 'nobody':
        if (legacyDn !== null)
          this.#bounce(
            { ...on, recipient: imceaexOf(legacyDn, at.domain) },
            at,
            '5.1.1 RESOLVER.ADR.ExRecipNotFound; not found',
          );
        else this.#leave(at, address, on);
    }
  }

  /** Nobody here has the address: the domain decides. */
  #leave(at: Organization, address: string, on: Underway): void {
    const kind = at.mailFlow.acceptedDomains.get(domainOf(address));
    const other = this.#organizationOf(address, at);
    // An organization that answers for a domain alone looks for nobody elsewhere.
    if (kind === 'authoritative') {
      this.#bounce(on, at, '5.1.1 RESOLVER.ADR.RecipNotFound; not found');
      return;
    }
    if (other === null) {
      if (kind === undefined) this.#note(on, 'left', address);
      else this.#bounce(on, at, '5.1.1 RESOLVER.ADR.RecipNotFound; not found');
      return;
    }
    this.#cross(other, address, on);
  }
  #cross(into: Organization, address: string, on: Underway): void {
    this.#route(into, address, { ...on, hops: on.hops + 1, via: new Set(), content: this.crossing(on.content, into) });
  }

  /** Brings it to one object: on to somewhere else, to its members, or into its mailbox. */
  #reach(at: Organization, directory: Controller, entry: Entry, on: Underway): void {
    const isInside = on.from?.organization === at;
    if (directory.text(entry, 'msExchRequireAuthToSendTo') === 'TRUE' && !isInside) {
      this.#bounce(on, at, '5.7.1 RESOLVER.RST.AuthRequired; authentication required');
      return;
    }
    if (!this.#mayWriteTo(directory, entry, on)) {
      this.#bounce(on, at, '5.7.1 RESOLVER.RST.NotAuthorized; not authorized');
      return;
    }
    if (on.via.has(entry)) {
      // A group that holds itself is expanded once; a redirection that comes back never ends.
      if (!isGroup(directory, entry)) this.#bounce(on, at, '5.4.6 RESOLVER.FWD.Loop; recipients forward to each other');
      return;
    }
    const next = { ...on, via: new Set([...on.via, entry]) };
    const target = at.mailFlow.redirection(directory, entry);
    if (target !== null) {
      this.#redirect(at, directory, entry, target, next);
      return;
    }
    if (isGroup(directory, entry)) {
      for (const member of directory.read(entry, 'member')) {
        const one = directory.byGuid(String(member));
        if (one !== null && !one.isDeleted && directory.read(one, 'mailnickname').length > 0)
          this.#reach(at, directory, one, next);
      }
      return;
    }
    const guid = mailboxGuidOf(directory, entry);
    const mailbox = guid === null ? null : at.mailboxByGuid(guid);
    if (mailbox === null) {
      const status =
        guid === null
          ? '5.2.4 RESOLVER.RST.RecipientMisconfigured; no address'
          : '5.1.1 STOREDRV.Deliver; no such mailbox';
      this.#bounce(on, at, status);
      return;
    }
    const forwarding = at.mailFlow.forwardingOf(directory, entry);
    if (forwarding !== null) {
      mailbox.leave('rule', [forwarding.to], { ...on.mail.origin, through: 'transport' });
      const isOutside = forwarding.entry === null && resolveRecipient(directory, forwarding.to).kind === 'nobody';
      if (isOutside && !at.mailFlow.mayForwardOutside)
        this.#bounce(on, at, '5.7.520 Access denied, Your organization does not allow external forwarding');
      else if (forwarding.entry !== null) this.#reach(at, directory, forwarding.entry, next);
      else this.#route(at, forwarding.to, next);
      if (!forwarding.keepsCopy) return;
    }
    this.#deliver(mailbox, on);
  }

  #redirect(at: Organization, directory: Controller, entry: Entry, target: string, on: Underway): void {
    const resolved: Resolved = resolveRecipient(directory, target);
    // An object that redirects to an address of its own is not expanded again: the mail leaves, if anybody else takes the domain.
    if (resolved.kind === 'recipient' && resolved.entry === entry) {
      const other = this.#organizationOf(target, at);
      if (other !== null) this.#cross(other, target, on);
      else if (at.mailFlow.acceptedDomains.has(domainOf(target)))
        this.#bounce(on, at, '5.4.6 RESOLVER.FWD.Loop; the recipient redirects to itself');
      else this.#note(on, 'left', target);
      return;
    }
    this.#route(at, target, on);
  }

  /** Whether the object takes mail of this sender. (authOrig, dLMemSubmitPerms, unauthOrig) */
  #mayWriteTo(directory: Controller, entry: Entry, on: Underway): boolean {
    const [allowed, groups, refused] = ['authorig', 'dlmemsubmitperms', 'unauthorig'].map((name) =>
      directory.read(entry, name),
    );
    if (allowed?.length === 0 && groups?.length === 0 && refused?.length === 0) return true;
    const sender = resolveRecipient(directory, on.sender);
    const guid = sender.kind === 'recipient' ? sender.entry.guid : null;
    if (guid !== null && refused?.includes(guid)) return false;
    if (allowed?.length === 0 && groups?.length === 0) return true;
    if (guid === null) return false;
    return (
      allowed?.includes(guid) === true ||
      groups?.some((group) => {
        const one = directory.byGuid(String(group));
        return one !== null && directory.read(one, 'member').includes(guid);
      }) === true
    );
  }

  #deliver(mailbox: Mailbox, on: Underway): void {
    // One copy for each mailbox, however many ways lead to it.
    if (on.out.reached.has(mailbox)) return;
    on.out.reached.add(mailbox);
    const properties = new Map(on.content.properties);
    properties.set(key.receivedAt, { type: 'SystemTime', value: mailbox.nowMs });
    const content = { ...on.content, properties };
    let item: Item;
    try {
      item = mailbox.create(
        mailbox.folder('inbox'),
        { content, messageFlags: null, isRead: false, delivered: true },
        mailbox.server,
      );
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#bounce(on, mailbox.organization, `5.2.2 ${error.message}`);
      return;
    }
    this.#note(on, 'delivered', mailbox.address);
    const from = on.from?.organization ?? null;
    const delivery = { item, mailbox, mail: on.mail, from, external: from !== mailbox.organization };
    on.out.delivered.push(delivery);
    for (const listener of this.#listeners) listener(delivery);
    if (on.mail.cause === 'delivery-report' || on.mail.cause === 'out-of-office') return;
    this.#answerAbsence(mailbox, delivery, on);
    this.#runRules(mailbox, content, on);
  }

  /** Once to each sender, while the absence lasts. */
  #answerAbsence(mailbox: Mailbox, { external }: Delivery, on: Underway): void {
    const { internal, external: forOthers } = outOfOfficeOf(mailbox);
    if (internal === null && forOthers === null) {
      this.#told.delete(mailbox);
      return;
    }
    const text = external ? forOthers : internal;
    if (text === null || on.sender === mailbox.address || on.mail.cause.endsWith('receipt')) return;
    const told = this.#told.get(mailbox) ?? new Set();
    this.#told.set(mailbox, told);
    if (told.has(on.sender)) return;
    told.add(on.sender);
    const subject = String(on.content.properties.get(key.subject)?.value ?? '');
    const content = plainContent({
      properties: new Map<PropertyKey, Property>([
        [key.itemClass, { type: 'String', value: 'IPM.Note.Rules.OofTemplate.Microsoft' }],
        [key.subject, { type: 'String', value: `Automatic reply: ${subject}` }],
        [key.sentAt, { type: 'SystemTime', value: mailbox.nowMs }],
      ]),
      from: { name: mailbox.displayName, address: mailbox.address },
      to: [{ name: '', address: on.sender }],
      body: { type: 'HTML', text },
    });
    const origin: Origin = { ...on.mail.origin, through: 'transport' };
    this.send(mailbox, { cause: 'out-of-office', content, recipients: [on.sender], origin });
  }

  #runRules(mailbox: Mailbox, content: ItemContent, on: Underway): void {
    if (on.rules >= rulesMax) return;
    for (const { to, kind } of ruleSendings(mailbox, content)) {
      const origin: Origin = { ...on.mail.origin, through: 'transport' };
      mailbox.leave('rule', to, origin);
      const flow = mailbox.organization.mailFlow;
      for (const recipient of to) {
        if (!flow.mayForwardOutside && resolveRecipient(flow.directory, recipient).kind === 'nobody') {
          this.#bounce(
            { ...on, recipient },
            mailbox.organization,
            '5.7.520 Access denied, Your organization does not allow external forwarding',
          );
          continue;
        }
        const sent: ItemContent =
          kind === 'redirect' ? content : { ...content, from: { name: mailbox.displayName, address: mailbox.address } };
        const mail: Mail = { cause: 'rule', content: sent, recipients: [recipient], origin };
        this.#sendOut(
          mailbox,
          kind === 'redirect' ? on.sender : mailbox.address,
          mailbox.organization,
          mail,
          [recipient],
          on.rules + 1,
        );
      }
    }
  }

  /** A non-delivery report to the sender; reports about reports are not made. */
  #bounce(on: Underway, at: Organization, status: string): void {
    this.#note(on, 'bounced', status);
    const { from, mail } = on;
    if (mail.cause === 'delivery-report' || mail.cause === 'out-of-office' || from === null) return;
    const subject = mail.content.properties.get(key.subject)?.value;
    const properties = new Map<PropertyKey, Property>([
      [key.itemClass, { type: 'String', value: 'REPORT.IPM.Note.NDR' }],
      [key.subject, { type: 'String', value: `Undeliverable: ${typeof subject === 'string' ? subject : ''}` }],
      [key.sentAt, { type: 'SystemTime', value: from.nowMs }],
    ]);
    const postmaster: Address = { name: 'Microsoft Outlook', address: `postmaster@${at.domain}` };
    const report: Mail = {
      cause: 'delivery-report',
      content: plainContent({
        properties,
        from: postmaster,
        to: [{ name: from.displayName, address: from.address }],
        body: { type: 'Text', text: `${on.recipient}\r\n${status}\r\n` },
      }),
      recipients: [from.address],
      origin: { ...mail.origin, through: 'transport' },
    };
    from.leave('delivery-report', [from.address], report.origin);
    const out: Sending = { delivered: on.out.delivered, reached: new Set() };
    this.#deliver(from, {
      ...on,
      sender: postmaster.address,
      mail: report,
      content: report.content,
      recipient: from.address,
      out,
    });
  }

  #note(on: Underway, kind: Outcome['kind'], detail: string): void {
    const messageId = on.mail.content.properties.get(key.messageId)?.value;
    if (this.outcomes.length >= outcomesMax) this.outcomes.splice(0, outcomesMax >> 1);
    this.outcomes.push({
      atMs: this.#world.surroundings.clock.nowMs(),
      messageId: typeof messageId === 'string' ? messageId : '',
      recipient: on.recipient,
      kind,
      detail,
    });
  }
}

/** Addresses in lower case, each once; DNs are compared without case too, but shown as they are. */
function distinct(recipients: readonly string[]): readonly string[] {
  const byKey = new Map<string, string>();
  for (const one of recipients) {
    const written = isLegacyDn(one) ? one : one.toLowerCase();
    if (one !== '' && !byKey.has(one.toLowerCase())) byKey.set(one.toLowerCase(), written);
  }
  return [...byKey.values()];
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();

/** Whose doing a call is. `people` are the lab's own; accounts with a mailbox of their own are people's programs. */
export function originOfCall(organization: Organization, by: Hand): Origin {
  const person = by.caller === 'people' || organization.account(by.caller)?.kind === 'person';
  return { caller: by.caller, doing: person ? 'person' : 'api', through: null };
}
