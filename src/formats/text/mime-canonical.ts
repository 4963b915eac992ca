import { createHash } from 'node:crypto';
import { decodeCharset } from './charset.ts';
import { decodeHeader, type MailAddress, type MimeHeader, parseAddresses, parseMailDate } from './mime-header.ts';
import { headerOf, type MimeLimits, type MimePart, splitMime } from './mime-split.ts';

/** A text that is shown as the message. */
export interface CanonicalBody {
  /** `text/plain`, `text/html`, `text/calendar`, … */
  readonly type: string;
  /** Bodies with the same number are alternatives of each other, those with different numbers are shown one after another. */
  readonly group: number;
  /** Unicode, lines ended by LF, line ends at the very end left out. */
  readonly text: string;
  /** Of the decoded bytes, line ends as LF and those at the very end left out: to know it again as a file, whatever it is called there. Not compared. */
  readonly sha256OfText: string;
}

export interface CanonicalAttachment {
  /** '' when it has no name. */
  readonly fileName: string;
  readonly contentType: string;
  /** Without angle brackets; '' when it has none. */
  readonly contentId: string;
  readonly inline: boolean;
  /** Of the decoded bytes, hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /**
   * The same with every line end as LF; equal to `sha256` when the content could not travel as lines (it has NUL bytes).
   * Compared instead when one of two sides is text or travelled as lines (7bit, 8bit, quoted-printable): transport and the files
   * that mail is kept in change their ends.
   */
  readonly sha256OfLines: string;
  readonly asLines: boolean;
  /** As that of a text that is shown. Not compared. */
  readonly sha256OfText: string;
  /** Of a file that is a signed part as it was written (`smime.p7m`): as in `signed`; null for all others. Not compared. */
  readonly signedInside: string | null;
  /** An attached message, which a server may render anew; the hashes are then '' and the size is 0. */
  readonly message: CanonicalContent | null;
}

/** What a person sees of a message, and what machines read of its headers: independent of how it was put into MIME. */
export interface CanonicalContent {
  readonly subject: string | null;
  readonly from: readonly MailAddress[];
  readonly sender: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly replyTo: readonly MailAddress[];
  /** Milliseconds since 1970; null when there is none or it cannot be read (then it is among `headers`). */
  readonly date: number | null;
  readonly messageId: string | null;
  readonly inReplyTo: readonly string[];
  readonly references: readonly string[];
  readonly bodies: readonly CanonicalBody[];
  readonly attachments: readonly CanonicalAttachment[];
  /**
   * SHA-256 of what each multipart/signed signs, line ends as CR LF, and of its signature. A signature is only good for exactly these bytes,
   * so here rendering does matter.
   */
  readonly signed: readonly string[];
  /** All other headers but those of MIME itself: lower-case name, decoded values in order, runs of white space as one space. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/** Headers that are read into fields of their own, or that only say how the message is put into MIME. */
const known = new Set([
  '',
  'subject',
  'from',
  'sender',
  'to',
  'cc',
  'bcc',
  'reply-to',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'content-length',
  'lines',
]);
/** Other headers whose value is a list of addresses. */
const addressHeaders = new Set([
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-bcc',
  'resent-reply-to',
  'return-path',
  'errors-to',
  'disposition-notification-to',
  'return-receipt-to',
  'mail-followup-to',
  'delivered-to',
  'x-original-to',
  'apparently-to',
]);
const dateHeaders = new Set([
  'resent-date',
  'expires',
  'expiry-date',
  'reply-by',
  'delivery-date',
  'deferred-delivery',
  'latest-delivery-time',
]);
/** Headers whose value is one or more ids in angle brackets. */
const idHeaders = new Set(['resent-message-id', 'x-microsoft-original-message-id']);

/** Reads a whole message. Never fails: broken messages are read as far as they go. */
export function canonicalContent(mime: Uint8Array, limits: Partial<MimeLimits> = {}): CanonicalContent {
  return contentOf(splitMime(mime, limits));
}

/** Header fields that servers write from the importance and the sensitivity of an item, which are carried and compared by themselves. [MS-OXCMAIL] 2.2.3.2 */
const headersOfState: ReadonlySet<string> = new Set([
  'importance',
  'priority',
  'x-priority',
  'x-msmail-priority',
  'sensitivity',
]);

/** What somebody wrote, whatever importance and sensitivity it has at the moment. */
export const withoutState = (content: CanonicalContent): CanonicalContent => ({
  ...content,
  headers: new Map([...content.headers].filter(([name]) => !headersOfState.has(name))),
});

/** Without the iCalendar of a message about a meeting, which servers make anew of its properties, each in its own way. */
export const withoutCalendar = (content: CanonicalContent): CanonicalContent => ({
  ...content,
  bodies: content.bodies.filter(({ type }) => type !== 'text/calendar'),
});

function contentOf(message: MimePart): CanonicalContent {
  const addresses = (name: string): readonly MailAddress[] =>
    message.headers.filter((h) => h.name.toLowerCase() === name).flatMap((h) => parseAddresses(h.rawValue));
  const ids = (name: string): readonly string[] =>
    message.headers.filter((h) => h.name.toLowerCase() === name).flatMap((h) => idsOf(h.rawValue));
  const subject = headerOf(message.headers, 'subject');
  const dateText = headerOf(message.headers, 'date');
  const date = dateText === null ? null : parseMailDate(dateText);
  const collected = new Collected();
  collected.visit(message, { group: null, related: false });
  return {
    subject: subject === null ? null : decodeHeader(subject).replace(/\t/g, ' ').trim(),
    from: addresses('from'),
    sender: addresses('sender'),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    replyTo: addresses('reply-to'),
    date,
    messageId: ids('message-id')[0] ?? null,
    inReplyTo: ids('in-reply-to'),
    references: ids('references'),
    bodies: collected.bodies,
    attachments: collected.attachments,
    signed: collected.signed,
    headers: otherHeaders(message.headers, date === null),
  };
}

function idsOf(raw: string): readonly string[] {
  const text = decodeHeader(raw).replace(/\s+/g, ' ').trim();
  const bracketed = [...text.matchAll(/<\s*([^<>]*?)\s*>/g)].map((match) => (match[1] ?? '').replace(/\s+/g, ''));
  return bracketed.length > 0 ? bracketed : text === '' ? [] : text.split(' ');
}

function otherHeaders(headers: readonly MimeHeader[], dateUnread: boolean): ReadonlyMap<string, readonly string[]> {
  const others = new Map<string, string[]>();
  for (const { name: written, rawValue } of headers) {
    const name = written.toLowerCase();
    if (known.has(name) && !(name === 'date' && dateUnread)) continue;
    const list = others.get(name) ?? [];
    list.push(headerText(name, rawValue));
    others.set(name, list);
  }
  return others;
}

function headerText(name: string, raw: string): string {
  if (addressHeaders.has(name))
    return parseAddresses(raw)
      .map((one) => (one.name === '' ? one.address : `${one.name} <${one.address}>`))
      .join(', ');
  if (idHeaders.has(name)) return idsOf(raw).join(' ');
  const date = dateHeaders.has(name) ? parseMailDate(raw) : null;
  return date === null ? decodeHeader(raw).replace(/\s+/g, ' ').trim() : new Date(date).toISOString();
}

interface Place {
  /** Number of the alternative this part is inside of. */
  readonly group: number | null;
  readonly related: boolean;
}

class Collected {
  readonly bodies: CanonicalBody[] = [];
  readonly attachments: CanonicalAttachment[] = [];
  readonly signed: string[] = [];
  #groups = 0;

  visit(part: MimePart, place: Place): void {
    const type = part.contentType.value;
    if (part.children.length > 0 && type.startsWith('multipart/')) {
      const signed = signedHash(part);
      if (signed !== null) this.signed.push(signed);
      const inner = {
        group: type === 'multipart/alternative' ? (place.group ?? this.#groups++) : place.group,
        related: place.related || type === 'multipart/related',
      };
      for (const one of part.children) this.visit(one, inner);
      return;
    }
    const disposition = part.disposition?.value ?? '';
    const fileName = (part.disposition?.parameters.get('filename') ?? part.contentType.parameters.get('name') ?? '')
      .replace(/\s+/g, ' ')
      .trim();
    // A multipart that could not be taken apart is shown as the text it is.
    if (type.startsWith('multipart/')) this.#body(part, 'text/plain', place);
    else if (type.startsWith('text/') && disposition !== 'attachment' && fileName === '') this.#body(part, type, place);
    else this.#attachment(part, type, disposition, fileName, place);
  }

  #body(part: MimePart, type: string, place: Place): void {
    const text = visibleText(part, type);
    if (text === '') return;
    this.bodies.push({ type, group: place.group ?? this.#groups++, text, sha256OfText: sha256(asText(part.body())) });
  }

  #attachment(part: MimePart, type: string, disposition: string, fileName: string, place: Place): void {
    const contentId = idsOf(headerOf(part.headers, 'content-id') ?? '')[0] ?? '';
    const [message] = part.children;
    const bytes = message === undefined ? part.body() : Buffer.alloc(0);
    const hash = message === undefined ? sha256(bytes) : '';
    this.attachments.push({
      fileName,
      contentType: type,
      contentId,
      inline: disposition === 'inline' || (disposition !== 'attachment' && place.related && contentId !== ''),
      sha256: hash,
      sizeBytes: bytes.length,
      sha256OfLines: bytes.includes(0x0d) && !bytes.includes(0) ? sha256(withLf(bytes)) : hash,
      asLines: type.startsWith('text/') || (part.encoding !== 'base64' && part.encoding !== 'binary'),
      sha256OfText: message === undefined ? sha256(asText(bytes)) : '',
      signedInside: fileName.toLowerCase() === 'smime.p7m' ? signedHash(splitMime(bytes, { partsMax: 10 })) : null,
      message: message === undefined ? null : contentOf(message),
    });
  }
}

function signedHash({ contentType, children: [first, signature] }: MimePart): string | null {
  if (contentType.value !== 'multipart/signed' || first === undefined) return null;
  return sha256(`${sha256(withCrlf(first.raw))} ${signature === undefined ? '' : sha256(withLf(signature.body()))}`);
}

function visibleText(part: MimePart, type: string): string {
  const bytes = part.body();
  let charset = part.contentType.parameters.get('charset') ?? '';
  // HTML without a charset parameter names it itself, within its first 1024 bytes.
  if (type === 'text/html' && charset === '') charset = metaCharset.exec(bytes.toString('latin1', 0, 1024))?.[2] ?? '';
  const text = decodeCharset(bytes, charset).replace(/\r\n?/g, '\n').replace(/\n+$/, '');
  // Whoever changes the charset of HTML must change its name inside, too.
  return type === 'text/html' ? text.replace(metaCharset, '$1utf-8') : text;
}
const metaCharset = /(<meta\b[^>]{0,400}?\bcharset\s*=\s*["']?)([\w.:-]+)/i;

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function withLf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/\r\n?/g, '\n'), 'latin1');
}

function asText(bytes: Buffer): Buffer {
  const lines = withLf(bytes);
  let end = lines.length;
  while (end > 0 && lines[end - 1] === 0x0a) end--;
  return lines.subarray(0, end);
}

function withCrlf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
}

/** One thing that is not the same. */
export interface Difference {
  /** `subject`, `to[2].name`, `attachments[0].message.bodies[1].text`, `headers.received[3]`. */
  readonly path: string;
  /** What the left side has: the length and a piece of the hash of a text, the value itself where it cannot be private. */
  readonly left: string;
  readonly right: string;
}

/** Values that are shown as they are: nobody's words. */
const showable =
  /(?:^|\.)(?:date|inline|sizeBytes|sha256|sha256OfLines|contentType|type|group|length)$|^signed\[\d+\]$/;

/** Everything in which two messages differ; empty when a person would see the same. Holds no words of the messages. */
export function differences(left: CanonicalContent, right: CanonicalContent): readonly Difference[] {
  const found: Difference[] = [];
  compare('', left, right, found);
  return found;
}

function compare(path: string, left: unknown, right: unknown, found: Difference[]): void {
  if (Object.is(left, right)) return;
  if (left instanceof Map && right instanceof Map) {
    for (const key of new Set([...left.keys(), ...right.keys()]))
      compare(`${path}.${key}`, left.get(key) ?? [], right.get(key) ?? [], found);
  } else if (Array.isArray(left) && Array.isArray(right)) {
    if (left.length !== right.length)
      found.push({ path: `${path}.length`, left: String(left.length), right: String(right.length) });
    for (let i = 0; i < Math.min(left.length, right.length); i++) compare(`${path}[${i}]`, left[i], right[i], found);
  } else if (isRecord(left) && isRecord(right)) {
    const ignored = isAttachment(left) && isAttachment(right) ? ignoredOf(left, right) : bodyIgnored;
    for (const key of Object.keys(left))
      if (!ignored.has(key)) compare(path === '' ? key : `${path}.${key}`, left[key], right[key], found);
  } else found.push({ path, left: shown(path, left), right: shown(path, right) });
}

const linesIgnored: ReadonlySet<string> = new Set(['sha256', 'sizeBytes', 'asLines', 'sha256OfText', 'signedInside']);
const bytesIgnored: ReadonlySet<string> = new Set(['sha256OfLines', 'asLines', 'sha256OfText', 'signedInside']);
const bodyIgnored: ReadonlySet<string> = new Set(['sha256OfText']);

function isAttachment(value: Readonly<Record<string, unknown>>): boolean {
  return 'sha256OfLines' in value;
}

function ignoredOf(
  left: Readonly<Record<string, unknown>>,
  right: Readonly<Record<string, unknown>>,
): ReadonlySet<string> {
  return left['asLines'] === true || right['asLines'] === true ? linesIgnored : bytesIgnored;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(path: string, value: unknown): string {
  if (value === null || value === undefined) return 'absent';
  if (isRecord(value)) return 'present';
  const text = String(value);
  return showable.test(path) ? text : `${text.length} characters, ${sha256(text).slice(0, 12)}`;
}
