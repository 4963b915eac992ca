import { createHash } from 'node:crypto';
import { type CanonicalContent, canonicalContent } from './mime-canonical.ts';

/**
 * What identifies an attached item. Servers render it into MIME anew for everybody who asks, so its bytes say nothing; what a person
 * sees of it does.
 *
 * @returns 16 bytes of SHA-256 in hex
 */
export function itemDigest(mime: Buffer): string {
  return createHash('sha256')
    .update(JSON.stringify(seen(canonicalContent(mime))))
    .digest('hex')
    .slice(0, 32);
}

function seen(content: CanonicalContent): unknown {
  const { subject, from, to, cc, date, messageId, bodies, attachments } = content;
  return {
    subject,
    people: [from, to, cc],
    date,
    messageId,
    bodies: bodies.map(({ type, text }) => [type, text]),
    attachments: attachments.map(({ fileName, sha256OfLines, message }) => [
      fileName,
      message === null ? sha256OfLines : seen(message),
    ]),
  };
}
