import { hash } from 'node:crypto';
import type { Brand } from '#kit/brand.ts';
import type { ItemId, MailboxGuid } from './ids.ts';

/**
 * The mark that Causeway writes into everything it creates, in the same request, as a named property of an own set. It says
 * which source item the copy stands for, so that a copy is recognised after a lost answer, a crash, or the loss of the database.
 */
export interface Stamp {
  /** Organization of the source, as named in the project file. */
  readonly organization: string;
  /** Mailbox of the source. */
  readonly mailbox: MailboxGuid;
  /** PidTagSearchKey of the source item in hex, or '' when it has none. Copies of a message share it. */
  readonly searchKey: string;
  /** First 16 bytes of SHA-256 of the item id under which the item was first copied, in hex. */
  readonly firstId: string;
  /** Fingerprint of what never changes in the item, see `mailFingerprint`. */
  readonly fingerprint: string;
  /** Size that the source showed when it was copied: a difference later means that the content may have been edited since. */
  readonly sizeBytes: number;
  /** Random, one per create request: a copy that a person makes has the nonce of its original, a second create of ours has not. */
  readonly nonce: string;
}

/** Text of a stamp as it stands in the property: `cw1;organization;mailbox;searchKey;firstId;fingerprint;size;nonce`. */
export type StampText = Brand<'StampText'>;
/** First 16 bytes of SHA-256 of the stamp's text, in hex: what indexes hold. */
export type StampKey = Brand<'StampKey'>;

/** The mark of an update of ours that writes lists, in the same request. It says that the update was carried out, although its answer was lost. */
export type Receipt = Brand<'Receipt'>;

/** Property set of everything that is ours. */
export const causewayPropertySet = '7c3c5a4e-9d1b-4f0e-8a66-2f4b1d0c7e91';
export const stampPropertyName = 'CausewayStamp';
export const receiptPropertyName = 'CausewayReceipt';

const VERSION = 'cw1';

export function hash128(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

export function writeStamp(stamp: Stamp): StampText {
  const organization = encodeURIComponent(stamp.organization);
  return [
    VERSION,
    organization,
    stamp.mailbox,
    stamp.searchKey,
    stamp.firstId,
    stamp.fingerprint,
    stamp.sizeBytes,
    stamp.nonce,
  ].join(';') as StampText;
}

/** @returns null for a text that is no stamp of ours, or of a version this program does not know. */
export function readStamp(text: string): Stamp | null {
  const parts = text.split(';');
  if (parts.length !== 8 || parts[0] !== VERSION) return null;
  const [, organization = '', mailbox = '', searchKey = '', firstId = '', fingerprint = '', size = '', nonce = ''] =
    parts;
  try {
    return {
      organization: decodeURIComponent(organization),
      mailbox: mailbox as MailboxGuid,
      searchKey,
      firstId,
      fingerprint,
      sizeBytes: Number(size),
      nonce,
    };
  } catch {
    return null;
  }
}

export const stampKey = (text: StampText): StampKey => hash128(text) as StampKey;
export const firstIdOf = (id: ItemId): string => hash128(id);
