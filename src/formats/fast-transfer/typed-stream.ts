import { type Payload, payloadBytes } from '#kit/payload.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { Instant } from '#model/mail.ts';
import type { TypedDraft, TypedKind } from '#model/typed-item.ts';
import type { MapiMessage } from '../mapi/mapi-message.ts';
import type { ReadItem } from '../mapi-items/read-item.ts';
import { readTyped, writeTyped } from '../mapi-items/typed-message.ts';
import { mimeOfMessage } from '../mime-mapi/mime-of-message.ts';
import type { StreamVersion } from './frames.ts';
import { messageOfStream } from './message-of-stream.ts';
import { streamOfMessage } from './stream-of-message.ts';

/** Where an item was exported from: a stream does not say. */
export interface ExportedAt {
  readonly id: ItemId;
  readonly version: Version;
  readonly folder: FolderId;
}

/** Attached items are known by their MIME. */
export const mimeOfItem = (message: MapiMessage): Promise<Buffer> => payloadBytes(mimeOfMessage(message));

/**
 * An exported item, understood.
 *
 * @throws StreamError for a stream that cannot be read to its end
 * @throws ItemError for one that holds something else
 */
export const readTypedStream = <Kind extends TypedKind>(
  kind: Kind,
  bytes: Uint8Array,
  at: ExportedAt,
): Promise<ReadItem<Kind>> =>
  readTyped(kind, messageOfStream(bytes).message, { ...at, sizeBytes: bytes.length, itemBytes: mimeOfItem });

export interface TypedStreamOptions {
  /** The reminder of a series rings for its next occurrence after this. */
  readonly now: Instant;
  /** Of the server that the stream says it comes from; servers refuse those of newer ones. */
  readonly version?: StreamVersion;
}

/**
 * An item as a stream for UploadItems and importItem. It is made as it is read: attachments must not be disposed of before.
 *
 * @throws BlobError `no-occurrences` for a series without any
 */
export const writeTypedStream = <Kind extends TypedKind>(
  kind: Kind,
  draft: TypedDraft<Kind>,
  { now, version }: TypedStreamOptions,
): Payload => streamOfMessage(writeTyped(kind, draft, now), version);
