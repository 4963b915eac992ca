import { type CanonicalContent, canonicalContent, type Difference, differences } from '#formats/text/mime-canonical.ts';
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
  const lefts = [...left.attachments];
  const rights = [...right.attachments];
  for (const [n, one] of lefts.entries()) {
    const other = rights[n];
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
    { ...l, attachments: lefts },
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
