/** Why a document could not be read. A closed list; `detail` of the fault says where. */
const xmlFaultReasons = {
  truncated: 'the document ends before its root element does',
  malformed: 'the document is not well-formed XML with namespaces',
  doctype: 'the document has a document type declaration or uses an entity; both are refused',
  'too-deep': 'elements are nested deeper than the limit',
  'too-large': 'the document, a text, an attribute or the number of elements is over its limit',
  'not-xml': 'what arrived is not XML (a page for people, or plain text)',
  encoding: 'the document is not in UTF-8',
} as const;
export type XmlFaultReason = keyof typeof xmlFaultReasons;

/** A document that cannot be read. The message names a place and a rule, never content. */
export class XmlFault extends Error {
  override readonly name = 'XmlFault';
  readonly reason: XmlFaultReason;
  /** Bytes from the start of the document to where the rule was broken. */
  readonly offset: number;
  constructor(reason: XmlFaultReason, detail: string, offset: number) {
    super(`${detail} (${reason}, at byte ${offset})`);
    this.reason = reason;
    this.offset = offset;
  }
}

/** A character XML 1.0 forbids, which servers send nevertheless; it was read as U+FFFD. */
export interface XmlRepair {
  /** Bytes from the start of the document. */
  readonly offset: number;
  /** What stood there: a reference such as `&#x1F;` as it was written, or `U+001F` for a raw character, or `bytes` for ill-formed UTF-8. */
  readonly raw: string;
  /** Key of the attribute that holds it (see XmlAttributes); null in text. */
  readonly attribute: string | null;
}

/** What one document may cost. Lengths in bytes of the document as sent. */
export interface XmlLimits {
  /** All of the document, spooled texts not counted. */
  readonly bytesMax: number;
  readonly depthMax: number;
  readonly elementsMax: number;
  readonly attributesMax: number;
  /** One tag with all its attributes. */
  readonly tagBytesMax: number;
  /** All text directly inside one element. */
  readonly textBytesMax: number;
}

export const defaultXmlLimits: XmlLimits = {
  bytesMax: 256 * 1024 * 1024,
  depthMax: 200,
  elementsMax: 4_000_000,
  attributesMax: 256,
  tagBytesMax: 1024 * 1024,
  textBytesMax: 64 * 1024 * 1024,
};
