import type { XmlElement } from '#formats/text/xml-read.ts';

/** What Autodiscover said about a mailbox, whichever of its two dialects it spoke. */
export type AutodiscoverAnswer =
  | { readonly kind: 'settings'; readonly settings: AutodiscoverSettings }
  /** The same question, to another place. */
  | { readonly kind: 'redirect-url'; readonly url: string }
  /** Another question: the mailbox is known by this address elsewhere. */
  | { readonly kind: 'redirect-address'; readonly address: string }
  /** `mailboxUnknown`: there is no such mailbox in this organization; otherwise the service itself has a problem. */
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly mailboxUnknown: boolean };

export interface AutodiscoverSettings {
  /** EWS addresses, those for the outside first, each once. */
  readonly ewsUrls: readonly string[];
  /** `14.3.136`; null when it is not said. */
  readonly serverVersion: string | null;
  /** Mailboxes with the same value may share a streaming connection; null before 2010 SP3. */
  readonly groupingInformation: string | null;
}

/** Answers mix two namespaces and some servers use a third, so names alone are looked at. */
export const named = (element: XmlElement | null, name: string): XmlElement | null =>
  element?.children.find((child) => child.name === name) ?? null;

export const allNamed = (element: XmlElement | null, name: string): readonly XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];

/** Trimmed text of a child; null when it is missing or empty. */
export const textNamed = (element: XmlElement | null, name: string): string | null =>
  named(element, name)?.text.trim() || null;

/** Texts of servers may be long or hold line breaks; they go into one line of a report. */
export const oneLine = (text: string | null): string => (text ?? '').replace(/\s+/g, ' ').trim().slice(0, 200);
