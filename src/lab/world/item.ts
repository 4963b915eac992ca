import type { CalendarPart, Day } from './calendar-part.ts';
import type { Folder } from './folder.ts';
import type { Property, PropertyKey } from './property.ts';

export interface Address {
  readonly name: string;
  /** Empty for a name without an address. */
  readonly address: string;
}

export interface Attachment {
  /** Unique within the mailbox. */
  readonly no: number;
  readonly name: string;
  readonly contentType: string;
  readonly contentId: string | null;
  readonly isInline: boolean;
  readonly content: Buffer;
  /** An attached item instead of a file: XML of its element as it was sent. */
  readonly itemXml: string | null;
}

export interface Body {
  readonly type: 'Text' | 'HTML';
  readonly text: string;
}

/** Everything an item holds. Shared between copies until one of them changes. */
export interface ItemContent {
  /** Bytes as they were given; null: an item made of properties, its MIME is composed when asked for. */
  readonly mime: Buffer | null;
  readonly properties: ReadonlyMap<PropertyKey, Property>;
  readonly from: Address | null;
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  /** Null: inside the MIME. */
  readonly body: Body | null;
  /** Null: inside the MIME. */
  readonly attachments: readonly Attachment[] | null;
  /** Fields of contacts and tasks that the lab keeps without looking into: element name → its XML. */
  readonly typed: ReadonlyMap<string, string>;
  /** Of appointments. */
  readonly calendar?: CalendarPart;
}

/** Where an item that nobody has touched comes from: derived anew whenever it is looked at. */
export interface ItemOrigin {
  content(): ItemContent;
  /** PidTagMessageFlags, cheap. */
  readonly messageFlags: number;
}

/** Where an item that is only a view of a series comes from. */
export interface OccurrenceOf {
  readonly master: Item;
  readonly day: Day;
  /** It differs from its series. */
  readonly isException: boolean;
}

/** What stays the same through all moves of an item. */
export interface Lineage {
  /** Whose call made it: sign-in name, `people` or `server`; empty: nobody's, it was there from the beginning. */
  readonly madeBy: string;
}

/** One item in one folder. A move makes another one, because its id changes. */
export class Item {
  /** Unique within the mailbox, never used again. */
  readonly no: number;
  /** Number under which it first was in its mailbox, which moves within it do not change. */
  readonly firstNo: number;
  readonly folder: Folder;
  readonly createdCn: number;
  /** Of the last change of content; the change key. Read flags have one of their own. */
  cn: number;
  readCn = 0;
  /** Deleted or moved away. */
  gone = false;
  isRead: boolean;
  /** PidTagMessageFlags without the read bit and the receipt bits. */
  flags: number;
  /** A read receipt was asked for and neither sent nor suppressed. */
  receiptPending: boolean;
  readonly searchKey: string;
  readonly createdAtMs: number;
  modifiedAtMs: number;
  modifiedBy: string;
  readonly createdBy: string;
  readonly lineage: Lineage;
  /** Null: an item that is kept as such. */
  readonly occurrence: OccurrenceOf | null;
  #content: ItemContent | null;
  #origin: ItemOrigin | null;

  constructor(init: {
    readonly no: number;
    readonly firstNo?: number;
    readonly folder: Folder;
    readonly cn: number;
    readonly isRead: boolean;
    readonly flags: number;
    readonly receiptPending: boolean;
    readonly searchKey: string;
    readonly atMs: number;
    readonly createdAtMs?: number;
    readonly by: string;
    readonly lineage?: Lineage;
    readonly content: ItemContent | ItemOrigin;
    readonly occurrence?: OccurrenceOf;
  }) {
    this.no = init.no;
    this.firstNo = init.firstNo ?? init.no;
    this.folder = init.folder;
    this.createdCn = init.cn;
    this.cn = init.cn;
    this.isRead = init.isRead;
    this.flags = init.flags;
    this.receiptPending = init.receiptPending;
    this.searchKey = init.searchKey;
    this.createdAtMs = init.createdAtMs ?? init.atMs;
    this.modifiedAtMs = init.atMs;
    this.createdBy = init.by;
    this.lineage = init.lineage ?? { madeBy: '' };
    this.modifiedBy = init.by;
    this.occurrence = init.occurrence ?? null;
    this.#content = 'content' in init.content ? null : init.content;
    this.#origin = 'content' in init.content ? init.content : null;
  }

  get content(): ItemContent {
    return this.#content ?? (this.#origin as ItemOrigin).content();
  }
  set content(content: ItemContent) {
    this.#content = content;
    this.#origin = null;
  }
  /** The content as it can be handed to a copy without being derived. */
  get source(): ItemContent | ItemOrigin {
    return this.#content ?? (this.#origin as ItemOrigin);
  }

  text(key: PropertyKey): string | null {
    const value = this.content.properties.get(key)?.value;
    return typeof value === 'string' ? value : null;
  }
  number(key: PropertyKey): number | null {
    const value = this.content.properties.get(key)?.value;
    return typeof value === 'number' ? value : null;
  }
  get itemClass(): string {
    return this.text('0x001a') ?? 'IPM.Note';
  }
  get associated(): boolean {
    return (this.flags & 0x40) !== 0;
  }
  /** What the server counts; never the same as the length of the MIME. */
  get sizeBytes(): number {
    const content = this.content;
    let size = 350 + 2 * (content.body?.text.length ?? 0);
    if (content.mime !== null) size += content.mime.length;
    for (const attachment of content.attachments ?? []) size += attachment.content.length + 120;
    return size;
  }
}
