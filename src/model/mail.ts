import type { Payload } from '#kit/payload.ts';
import type { FolderId, ItemId, Version } from './ids.ts';
import type { MapiProperty } from './property-row.ts';
import { hash128, type StampText } from './stamp.ts';

/** UTC milliseconds since 1970. Exchange's zero, 1601-01-01, is -11644473600000 and kept as such. */
export type Instant = number;

/** What a person changes in a mail after it arrived. Every field has a row in `mailProperties` with carriage `state`. */
export interface MailState {
  readonly isRead: boolean;
  /** 0 none, 1 complete, 2 flagged. */
  readonly flagStatus: number;
  readonly flagCompletedAt: Instant | null;
  readonly flagRequest: string | null;
  readonly flagStartAt: Instant | null;
  readonly flagDueAt: Instant | null;
  /** 1–6; colour of the flag in clients before 2007 and in rules. */
  readonly flagColour: number | null;
  readonly toDoFlags: number | null;
  /** In the person's order; compared as a set. */
  readonly categories: readonly string[];
  readonly importance: 'low' | 'normal' | 'high';
  readonly sensitivity: 'normal' | 'personal' | 'private' | 'confidential';
  /** 102 replied, 103 replied to all, 104 forwarded. */
  readonly lastVerb: number | null;
  readonly lastVerbAt: Instant | null;
  /** 0x105 replied, 0x106 forwarded; what the list shows. */
  readonly iconIndex: number | null;
  /** A meeting message that a client has dealt with, often long after it arrived; without it Outlook deals with it again. */
  readonly processed: boolean | null;
  readonly serverProcessed: boolean | null;
}
export type MailStateField = keyof MailState;

/** What never changes in a mail. Every field has a row in `mailProperties` with carriage `fact` or `server`. */
export interface MailFacts {
  readonly itemClass: string;
  /** 0x0E07. Bit 8 (UNSENT) makes it a draft. */
  readonly messageFlags: number;
  readonly sentAt: Instant | null;
  readonly receivedAt: Instant | null;
  readonly subject: string | null;
  readonly internetMessageId: string | null;
  /** Hex. */
  readonly searchKey: string | null;
  /** Base64. */
  readonly conversationIndex: string | null;
  readonly conversationTopic: string | null;
  readonly expiresAt: Instant | null;
  readonly replyBy: Instant | null;
  /** Voting buttons, PidLidVerbStream, base64. */
  readonly votingOptions: string | null;
  readonly votingResponse: string | null;
  readonly readReceiptRequested: boolean;
  readonly hasAttachments: boolean;
  /** The server's own count; differs between servers. */
  readonly sizeBytes: number;
  readonly createdAt: Instant | null;
  readonly modifiedAt: Instant | null;
  /** Base64 of the tag of a retention policy of the source; means nothing in another organization. */
  readonly retentionTag: string | null;
}
export type MailFields = MailState & MailFacts;

/** A property that is not in the table, or whose value could not be read: kept as it came. */
export interface RawProperty {
  readonly property: MapiProperty;
  readonly values: readonly string[];
}

/** One mail as a change feed shows it: everything but its content. Plain data. */
export interface MailHead {
  readonly id: ItemId;
  readonly version: Version;
  readonly folder: FolderId;
  readonly state: MailState;
  readonly facts: MailFacts;
  readonly stamp: StampText | null;
  /** Values that could not be read, kept raw and reported. */
  readonly unread: readonly RawProperty[];
  /** As in `MailContent`. Only in a head that shows all fields, those too that feeds of other servers leave to the item. */
  readonly bcc?: readonly string[];
}

/** A mail with its bytes as the server handed them out. Whoever holds it disposes of `mime`. */
export interface MailContent {
  readonly head: MailHead;
  readonly mime: Payload;
  /** Recipients of blind copies, which servers leave out of the MIME they make: `Name <address>`. */
  readonly bcc: readonly string[];
}

/** What is created on the other side. */
export interface MailDraft {
  readonly content: MailContent;
  readonly stamp: StampText;
  /** What an item of its class has besides its MIME (`classRows`), as the source shows it. */
  readonly ofClass: readonly RawProperty[];
}

/**
 * Fingerprint of what never changes in a mail, so that an item can be recognised under another id. Not unique: equal mails
 * have equal fingerprints, and matching counts them.
 */
export function mailFingerprint(facts: MailFacts): string {
  return hash128(
    JSON.stringify([facts.itemClass, facts.internetMessageId, facts.subject, facts.sentAt, facts.receivedAt]),
  );
}

export const MESSAGE_FLAG_READ = 0x1;
export const MESSAGE_FLAG_UNSENT = 0x8;
export const isDraft = (facts: Pick<MailFacts, 'messageFlags'>): boolean =>
  (facts.messageFlags & MESSAGE_FLAG_UNSENT) !== 0;
