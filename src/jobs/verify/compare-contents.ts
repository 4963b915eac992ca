import { createHash } from 'node:crypto';
import {
  type CanonicalAttachment,
  type CanonicalBody,
  type CanonicalContent,
  canonicalContent,
  type Difference,
  differences,
} from '#formats/text/mime-canonical.ts';
import { type MailAddress, parseAddresses } from '#formats/text/mime-header.ts';

/** The MIME of one side, and the blind copies that servers leave out of it. */
export interface ContentSide {
  readonly mime: Uint8Array;
  /** `Name <address>`. */
  readonly bcc: readonly string[];
}

/** Everything in which two contents differ, except for what a server may do to a message when it renders it (`serverHeaders`). */
export function compareContents(left: ContentSide, right: ContentSide): readonly Difference[] {
  if (Buffer.compare(left.mime, right.mime) === 0 && left.bcc.join() === right.bcc.join()) return [];
  const [l, r] = [contentOf(left), contentOf(right)];
  return differences(...withoutRendering(l, r));
}

/**
 * The closed list of what servers do to headers when they render a message. Anything else that is not the same is reported.
 * Described in `docs/operating/verify.md`.
 */
const serverHeaders = {
  /** Made by whoever renders the message, from what it is at that moment; left out on both sides. */
  madeAnew: [
    'x-ms-has-attach',
    'x-ms-tnef-correlator',
    'x-mapi-message-class',
    'x-ms-exchange-messagesentrepresentingtype',
  ],
  /** Removed from what comes from another organization by the header firewall of Exchange; left out on both sides. */
  firewall: [
    'x-ms-exchange-organization-',
    'x-ms-exchange-forest-',
    'x-ms-exchange-crosstenant-',
    'x-ms-exchange-transport-',
  ],
  /**
   * Written from properties of the item, which are compared by themselves, or made when the message has none. Accepted on the target where
   * the source has none; never lost, never changed.
   */
  added: [
    'accept-language',
    'content-language',
    'disposition-notification-to',
    'expiry-date',
    'importance',
    'keywords',
    'priority',
    'reply-by',
    'return-path',
    'return-receipt-to',
    'sensitivity',
    'thread-index',
    'thread-topic',
    'x-message-flag',
    'x-msmail-priority',
    'x-priority',
  ],
} as const;

const madeAnew: ReadonlySet<string> = new Set(serverHeaders.madeAnew);

function contentOf({ mime, bcc }: ContentSide): CanonicalContent {
  const content = canonicalContent(mime);
  const blind = new Map<string, MailAddress>();
  for (const one of [...content.bcc, ...bcc.flatMap((text) => parseAddresses(text))]) {
    const key = one.address.toLowerCase() || one.name;
    // The MIME and the property name the same person; whichever has the display name says more.
    if ((blind.get(key)?.name ?? '') === '') blind.set(key, one);
  }
  return { ...content, bcc: [...blind.values()].sort((a, b) => (a.address < b.address ? -1 : 1)) };
}

/** Both contents without what rendering explains, the attached messages too. */
function withoutRendering(left: CanonicalContent, right: CanonicalContent): [CanonicalContent, CanonicalContent] {
  const { bodies, files } = withoutTextsAsFiles(left, right);
  const lefts = [...left.attachments];
  const rights = [...files];
  for (const [n, one] of lefts.entries()) {
    const other = rights[n];
    if (one.fileName === '' && other !== undefined && isMadeUp(other)) lefts[n] = { ...one, fileName: other.fileName };
    if (!one.message || !other?.message) continue;
    const [l, r] = withoutRendering(one.message, other.message);
    lefts[n] = { ...one, message: l };
    rights[n] = { ...other, message: r };
  }
  const l = withoutServerHeaders(left);
  const r = withoutServerHeaders(right);
  const extra = serverHeaders.added.filter((name) => !l.headers.has(name) && r.headers.has(name));
  const kept = new Map([...r.headers].filter(([name]) => !(extra as readonly string[]).includes(name)));
  return [
    { ...l, bodies, attachments: lefts },
    {
      ...r,
      attachments: rights,
      headers: kept,
      // Servers make these where there are none.
      date: left.date === null && !left.headers.has('date') ? null : r.date,
      messageId: left.messageId === null ? null : r.messageId,
    },
  ];
}

/** Items keep a name for every file: `ATT00001.txt`, or the subject of a message, where there is none. A name is never accepted as lost or changed. */
const isMadeUp = ({ fileName, message }: CanonicalAttachment): boolean =>
  /^ATT\d{5}(?:\.\w{1,10})?$/.test(fileName) || (message !== null && fileName === (message.subject ?? ''));

/**
 * An item of Exchange has one plain text and one HTML text. What is shown beside them (a calendar, a second text) is a file of it with the very
 * same words when the message is made anew from properties.
 */
function withoutTextsAsFiles(left: CanonicalContent, right: CanonicalContent) {
  const files: CanonicalAttachment[] = [...right.attachments];
  if (left.bodies.length <= right.bodies.length) return { bodies: left.bodies, files };
  const seen = new Set<string>();
  const bodies = left.bodies.filter((body) => {
    const isFirst = /^text\/(?:plain|html)$/.test(body.type) && !seen.has(body.type);
    seen.add(body.type);
    const at = isFirst ? -1 : files.findIndex((file) => isOf(file, body));
    if (at >= 0) files.splice(at, 1);
    return at < 0;
  });
  return { bodies, files };
}

/** The line ends at the very end belong to the form in which a text travels. */
const isOf = (file: CanonicalAttachment, { text }: CanonicalBody): boolean =>
  ['', '\n'].some((end) => createHash('sha256').update(`${text}${end}`).digest('hex') === file.sha256OfLines);

function withoutServerHeaders(content: CanonicalContent): CanonicalContent {
  const headers = new Map(
    [...content.headers].filter(
      ([name]) => !madeAnew.has(name) && !serverHeaders.firewall.some((start) => name.startsWith(start)),
    ),
  );
  // A sender who is the author is written or not, as the server likes (RFC 5322 §3.6.2 says: not).
  const [author] = content.from;
  const [sender] = content.sender;
  const same = content.from.length === 1 && content.sender.length === 1 && author?.address === sender?.address;
  return { ...content, headers, sender: same ? [] : content.sender };
}
