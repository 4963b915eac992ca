import type { Version } from '#model/ids.ts';

/**
 * The service shows one change key in two forms: items as `CQAAABYAAAC…`, which is a kind, a length and the key, and the import as the
 * key alone, `kNny…` (GDOC `concepts/import-exchange-mailbox-item.md`, `api-reference/v1.0/api/message-get.md`). Not documented, read
 * off those samples; what has another form is left as it is.
 */
const keyBytes = 22;
const messageHead = Buffer.from([9, 0, 0, 0, keyBytes, 0, 0, 0]);

/** The key alone. */
export function bareKey(changeKey: string): Version {
  const bytes = Buffer.from(changeKey, 'base64');
  const isFull = bytes.length === keyBytes + messageHead.length && bytes.readUInt32LE(4) === keyBytes;
  return (isFull ? bytes.subarray(messageHead.length).toString('base64') : changeKey) as Version;
}

/** The key of a message as its resource shows it. */
export function messageKey(changeKey: string): Version {
  const bytes = Buffer.from(changeKey, 'base64');
  const isBare = bytes.length === keyBytes && bytes.toString('base64') === changeKey;
  return (isBare ? Buffer.concat([messageHead, bytes]).toString('base64') : changeKey) as Version;
}

/** The version as `If-Match` wants it (RFC 9110 section 8.8.3). */
export const etagOf = (version: Version): string => `W/"${version}"`;
