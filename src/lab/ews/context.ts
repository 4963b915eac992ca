import type { XmlElement } from '#formats/text/xml-read.ts';
import { type Caller, type EwsVersion, ewsVersionOf, type FaultPoint, type FaultSpec } from '../seams.ts';
import { dayAtIndex, isMaster, occurrenceItem } from '../world/appointment.ts';
import type { Folder } from '../world/folder.ts';
import { mailboxGuidOf } from '../world/ids.ts';
import type { Item } from '../world/item.ts';
import type { Hand, Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import type { World } from '../world/world.ts';
import type { Zone } from '../world/zone.ts';
import { EwsError } from './ews-error.ts';
import { attribute, child, childText } from './request.ts';
import { type Schema, schemaOf } from './schema/check-schema.ts';
import type { Subscriptions } from './subscriptions.ts';

/** One request, on behalf of somebody, in one version of the protocol. */
export class Context {
  readonly world: World;
  readonly organization: Organization;
  readonly caller: Caller;
  /** Address of the mailbox the request acts for; null: an account without one, not impersonating anybody. */
  readonly actingAs: string | null;
  /** What the request is read and answered as: what it asked for, never newer than the server. */
  readonly version: EwsVersion;
  readonly operation: string;
  readonly subscriptions: Subscriptions;
  readonly signal: AbortSignal;
  /** DateTimePrecision asked for milliseconds. */
  readonly precise: boolean;
  /** `TimeZoneContext` of the request: the zone of times without an offset. */
  readonly timeZone: Zone | null;

  constructor(init: {
    readonly organization: Organization;
    readonly caller: Caller;
    readonly actingAs: string | null;
    readonly version: EwsVersion;
    readonly operation: string;
    readonly subscriptions: Subscriptions;
    readonly signal: AbortSignal;
    readonly precise: boolean;
    readonly timeZone: Zone | null;
  }) {
    this.world = init.organization.world;
    this.organization = init.organization;
    this.caller = init.caller;
    this.actingAs = init.actingAs;
    this.version = init.version;
    this.operation = init.operation;
    this.subscriptions = init.subscriptions;
    this.signal = init.signal;
    this.precise = init.precise;
    this.timeZone = init.timeZone;
  }

  get schema(): Schema {
    return schemaOf(this.version);
  }
  /** The server's own version, whatever the client asked for. */
  get serverVersion(): EwsVersion {
    return ewsVersionOf(this.organization.version);
  }
  get nowMs(): number {
    return this.world.surroundings.clock.nowMs();
  }

  /** Whose hand writes: the caller in the journal, the mailbox's owner in the item (that is how impersonation looks). */
  hand(): Hand {
    const entry = this.actingAs === null ? null : this.organization.entry(this.actingAs);
    return { caller: this.caller.user, displayName: entry?.displayName ?? this.caller.user };
  }

  strike(point: FaultPoint, mailbox: string | null = this.actingAs): FaultSpec | null {
    return this.world.surroundings.faults.strike(point, {
      organization: this.organization.name,
      mailbox,
      operation: this.operation,
    });
  }

  /** The mailbox the request acts for. */
  ownMailbox(): Mailbox {
    if (this.actingAs === null) throw new EwsError('ErrorMissingEmailAddress');
    const mailbox = this.organization.mailbox(this.actingAs);
    if (mailbox === null) throw new EwsError('ErrorNonExistentMailbox');
    return mailbox;
  }

  /** Another mailbox by address, if the acting user may open it. */
  mailboxAt(address: string): Mailbox {
    if (!address.includes('@')) throw new EwsError('ErrorInvalidSmtpAddress');
    const mailbox = this.organization.mailbox(address);
    if (mailbox === null) throw new EwsError('ErrorNonExistentMailbox');
    this.#refuseStranger(mailbox);
    return mailbox;
  }

  #refuseStranger(mailbox: Mailbox): void {
    if (this.actingAs === mailbox.address) return;
    if (this.organization.mayOpen(this.actingAs ?? this.caller.user, mailbox.address)) return;
    throw new EwsError('ErrorAccessDenied');
  }

  #mailboxOfId(id: string, missing: string): Mailbox {
    if (id === '') throw new EwsError('ErrorInvalidIdEmpty');
    if (id.length > 1024) throw new EwsError('ErrorInvalidIdTooLong');
    const guid = mailboxGuidOf(id);
    if (guid === null) throw new EwsError('ErrorInvalidIdMalformed');
    const mailbox = this.organization.mailboxByGuid(guid);
    if (mailbox === null) throw new EwsError(missing);
    this.#refuseStranger(mailbox);
    return mailbox;
  }

  /** A folder by `t:FolderId` or `t:DistinguishedFolderId`. */
  folder(element: XmlElement, missing = 'ErrorFolderNotFound'): Folder {
    const id = attribute(element, 'Id') ?? '';
    if (element.name === 'DistinguishedFolderId') {
      const mailboxElement = child(element, 'Mailbox');
      const address = mailboxElement === null ? null : childText(mailboxElement, 'EmailAddress');
      const mailbox = address === null ? this.ownMailbox() : this.mailboxAt(address);
      const folder = mailbox.roles.get(id);
      if (folder === undefined) throw new EwsError(missing);
      return folder;
    }
    const mailbox = this.#mailboxOfId(id, missing);
    const read = mailbox.ids.read(id);
    if (read === null) throw new EwsError('ErrorInvalidIdMalformed');
    if (read.kind !== 'folder') throw new EwsError('ErrorCannotUseItemIdForFolderId');
    const changeKey = attribute(element, 'ChangeKey');
    if (changeKey !== null && changeKey !== '' && mailbox.ids.cnOf(changeKey) === null)
      throw new EwsError('ErrorInvalidChangeKey');
    const folder = mailbox.folderByNo(read.no);
    if (folder === null) throw new EwsError(missing);
    return folder;
  }

  /** An item by `t:ItemId`, with the change number of the change key it came with. */
  item(element: XmlElement): { readonly item: Item; readonly cn: number | null } {
    switch (element.name) {
      case 'ItemId':
      case 'ReferenceItemId':
      case 'ParentItemId':
      case 'RecurringMasterItemIdRanges':
        break;
      case 'OccurrenceItemId':
        return this.#occurrence(element);
      case 'RecurringMasterItemId':
        return this.#masterOf(element);
      default:
        throw new EwsError('ErrorItemNotFound');
    }
    return this.itemById(attribute(element, 'Id') ?? '', attribute(element, 'ChangeKey'));
  }

  /** An occurrence by its series and its place in it. (EWS doc: occurrenceitemid) */
  #occurrence(element: XmlElement): { readonly item: Item; readonly cn: number | null } {
    const found = this.itemById(attribute(element, 'RecurringMasterId') ?? '', attribute(element, 'ChangeKey'));
    if (found.item.occurrence !== null || !isMaster(found.item.content))
      throw new EwsError('ErrorCalendarCannotUseIdForRecurringMasterId', 'The Id is not that of a recurring master.');
    const day = dayAtIndex(found.item.content, Number(attribute(element, 'InstanceIndex')));
    if (day === null)
      throw new EwsError(
        'ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange',
        'Occurrence index is out of recurrence range.',
      );
    return { item: occurrenceItem(found.item, day), cn: found.cn };
  }

  /** A series by one of its occurrences. (EWS doc: recurringmasteritemid) */
  #masterOf(element: XmlElement): { readonly item: Item; readonly cn: number | null } {
    const found = this.itemById(attribute(element, 'OccurrenceId') ?? '', attribute(element, 'ChangeKey'));
    if (found.item.occurrence === null)
      throw new EwsError('ErrorCalendarCannotUseIdForOccurrenceId', 'The Id is not that of an occurrence.');
    return { item: found.item.occurrence.master, cn: found.cn };
  }

  itemById(id: string, changeKey: string | null): { readonly item: Item; readonly cn: number | null } {
    const mailbox = this.#mailboxOfId(id, 'ErrorItemNotFound');
    const read = mailbox.ids.read(id);
    if (read === null) throw new EwsError('ErrorInvalidIdMalformed');
    if (read.kind !== 'item') throw new EwsError('ErrorCannotUseFolderIdForItemId');
    let cn: number | null = null;
    if (changeKey !== null && changeKey !== '') {
      cn = mailbox.ids.cnOf(changeKey);
      if (cn === null) throw new EwsError('ErrorInvalidChangeKey');
    }
    const item = mailbox.itemByNo(read.no);
    if (item === null) throw new EwsError('ErrorItemNotFound');
    return { item: read.day === null ? item : occurrenceItem(item, read.day), cn };
  }

  /** The folder inside `m:ToFolderId`, `m:ParentFolderId`, `m:SavedItemFolderId`, `m:SyncFolderId`. */
  folderIn(request: XmlElement, name: string, missing = 'ErrorFolderNotFound'): Folder {
    const inner = child(request, name)?.children[0];
    if (inner === undefined) throw new EwsError('ErrorInvalidRequest');
    return this.folder(inner, missing);
  }
}
