import {
  type CanonicalAttachment,
  type CanonicalBody,
  type CanonicalContent,
  canonicalContent,
  type Difference,
  differences,
  withoutCalendar,
} from '#formats/text/mime-canonical.ts';
import { type MailAddress, parseAddressText } from '#formats/text/mime-header.ts';
import { isDraft, type MailFacts, type MailState } from '#model/mail.ts';

/** The MIME of one side, and the blind copies that servers leave out of it. */
export interface ContentSide {
  readonly mime: Uint8Array;
  /** `Name <address>`. */
  readonly bcc: readonly string[];
  /** What the item says as properties; without it, as for an attached message, every time that is missing in the MIME may be made up. */
  readonly item?: {
    readonly facts: Pick<MailFacts, 'sentAt' | 'receivedAt' | 'createdAt' | 'messageFlags'>;
    readonly state: Pick<MailState, 'importance' | 'sensitivity'>;
  };
}

/**
 * Everything in which two contents differ, except for what a server may do to a message when it renders it (`serverHeaders`).
 *
 * @param saysMeeting the iCalendar is made of properties, which are compared by themselves
 */
export function compareContents(left: ContentSide, right: ContentSide, saysMeeting = false): readonly Difference[] {
  if (Buffer.compare(left.mime, right.mime) === 0 && left.bcc.join() === right.bcc.join()) return [];
  const read = (side: ContentSide) => (saysMeeting ? withoutCalendar(contentOf(side)) : contentOf(side));
  const [l, r] = [read(left), read(right)];
  return differences(...withoutRendering(l, r, left.item));
}

/**
 * The copy's date, as it is compared. Servers make the header of the time of sending when they make MIME of properties, and that is compared by
 * itself. So where the source says one time in its MIME and another as a property, the copy may show either; where its MIME says none, the copy shows
 * the time of sending that a copy is given.
 */
function dateOf(l: CanonicalContent, r: CanonicalContent, item: ContentSide['item']): number | null {
  if (item === undefined) return l.date === null ? null : r.date;
  const { facts } = item;
  const isIt = (time: number | null) => time !== null && r.date !== null && Math.abs(time - r.date) < 1000;
  if (l.date !== null) return isIt(facts.sentAt) ? l.date : r.date;
  const given = facts.sentAt ?? facts.receivedAt ?? facts.createdAt;
  return given === null || isDraft(facts) || isIt(given) ? null : r.date;
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
    // They describe the MIME, and stay in the headers with which a message arrived, which items keep as they were.
    'content-description',
    'content-language',
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
  for (const one of [...content.bcc, ...bcc.flatMap(parseAddressText)]) {
    const key = one.address.toLowerCase() || one.name;
    // The MIME and the property name the same person; whichever has the display name says more.
    if ((blind.get(key)?.name ?? '') === '') blind.set(key, one);
  }
  return { ...content, bcc: [...blind.values()].sort((a, b) => (a.address < b.address ? -1 : 1)) };
}

type Said = MailState['importance'] | MailState['sensitivity'];
/** What headers say that servers make of properties, in the words of the property; of other words nobody knows. */
const saidByHeaders: Readonly<Record<string, (text: string) => Said | undefined>> = {
  importance: wordsOf({ high: 'high', normal: 'normal', low: 'low' }),
  priority: wordsOf({ urgent: 'high', normal: 'normal', 'non-urgent': 'low' }),
  'x-priority': (text) => {
    const [, level] = /^([1-5])(?:\s*\([a-z ]*\))?$/.exec(text) ?? [];
    return level === undefined ? undefined : level < '3' ? 'high' : level > '3' ? 'low' : 'normal';
  },
  'x-msmail-priority': wordsOf({ high: 'high', normal: 'normal', low: 'low' }),
  sensitivity: wordsOf({ personal: 'personal', private: 'private', 'company-confidential': 'confidential' }),
};

/**
 * A person may have given a message another importance than it was sent with: then its MIME and its property say different things, and servers make
 * the copy's header of the property, which is compared by itself. So the copy may show either; anything else is a difference.
 */
function asTheItemSays(
  { state }: NonNullable<ContentSide['item']>,
  left: ReadonlyMap<string, readonly string[]>,
  right: Map<string, readonly string[]>,
): void {
  const word = (values: readonly string[] | undefined, said: (text: string) => Said | undefined) =>
    values === undefined ? 'normal' : values.length === 1 ? said(values[0]?.trim().toLowerCase() ?? '') : undefined;
  for (const [name, said] of Object.entries(saidByHeaders)) {
    const before = left.get(name);
    const property = name === 'sensitivity' ? state.sensitivity : state.importance;
    const isOtherwise = before !== undefined && word(before, said) !== property;
    if (isOtherwise && word(right.get(name), said) === property) right.set(name, before);
  }
}

function wordsOf(words: Readonly<Record<string, Said>>): (text: string) => Said | undefined {
  return (text) => words[text];
}

/** Both contents without what rendering explains, the attached messages too. */
function withoutRendering(
  left: CanonicalContent,
  right: CanonicalContent,
  item?: ContentSide['item'],
): [CanonicalContent, CanonicalContent] {
  const signed = withSignedCopies(left, right);
  const texts = withoutTextsAsFiles(left, signed);
  const lefts = [...left.attachments];
  const rights = [...texts.files];
  for (const [n, other] of rights.entries()) {
    const one = lefts[n];
    if (one === undefined) break;
    const [l, r] =
      one.message === null || other.message === null
        ? [one.message, other.message]
        : withoutRendering(one.message, other.message);
    const isSaidOnly = one.inline && !other.inline && !isNamedIn(left.bodies, one);
    lefts[n] = { ...one, message: l };
    rights[n] = {
      ...other,
      message: r,
      fileName: one.fileName === '' && isMadeUp(other) ? '' : other.fileName,
      inline: isSaidOnly || other.inline,
    };
  }
  const l = withoutServerHeaders(left);
  const r = withoutServerHeaders(right);
  const extra = serverHeaders.added.filter((name) => !l.headers.has(name) && r.headers.has(name));
  const kept = new Map([...r.headers].filter(([name]) => !(extra as readonly string[]).includes(name)));
  if (item !== undefined) asTheItemSays(item, l.headers, kept);
  // A date that nobody can read is replaced by the time of sending, like one that is not there.
  if (left.date === null && right.date !== null) l.headers.delete('date');
  return [
    { ...l, bodies: texts.left, attachments: lefts },
    {
      ...r,
      bodies: texts.right,
      signed: signed.signed,
      attachments: rights,
      headers: kept,
      // Servers make these where there are none.
      date: dateOf(left, r, item),
      messageId: left.messageId === null ? null : r.messageId,
      subject: left.subject === null && r.subject === '' ? null : r.subject,
    },
  ];
}

/** A text shows the file in its place. Items know no other way for a file to be within the text: that it should be shown without being attached is not kept. */
const isNamedIn = (bodies: readonly CanonicalBody[], { contentId, fileName }: CanonicalAttachment): boolean =>
  bodies.some(({ type, text }) => {
    if (type !== 'text/html') return false;
    const html = asWritten(text);
    return (
      (contentId !== '' && html.includes(`cid:${asWritten(contentId)}`)) ||
      // By its Content-Location, which is the name of the file.
      (fileName !== '' && shownBy.some((attribute) => html.includes(`${attribute}="${asWritten(fileName)}"`)))
    );
  });

const shownBy = ['src', 'background'];

/** Without the ways in which an address may be written within HTML: RFC 2392 escapes it, HTML names characters by number. */
const asWritten = (text: string): string =>
  text
    .replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/&#(\d{1,7}|x[0-9a-f]{1,6});/gi, (whole, code: string) => {
      const point = Number(code.replace(/^x/i, '0x'));
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    })
    .replaceAll('&amp;', '&')
    .replaceAll("'", '"')
    .toLowerCase();

/**
 * Items keep a name for every file: `ATT00001.txt`, or the subject of a message as far as names of files allow it, where there is none. A
 * name is never accepted as lost or changed.
 */
const isMadeUp = ({ fileName, message }: CanonicalAttachment): boolean =>
  /^ATT\d{5}(?:\.\w{1,10})?$/.test(fileName) ||
  (message !== null && asName(fileName) === asName(message.subject ?? ''));
const asName = (text: string): string => text.replace(/[\p{P}\p{S}\p{C}\s]+/gu, ' ').trim();

/** A signed part within a message is taken apart like any other; the bytes that the signature is good for are a file of the item. */
function withSignedCopies(left: CanonicalContent, right: CanonicalContent): CanonicalContent {
  const attachments = [...right.attachments];
  const signed = left.signed.filter((hash) => {
    if (right.signed.includes(hash)) return true;
    const at = attachments.findIndex(({ signedInside }) => signedInside === hash);
    if (at >= 0) attachments.splice(at, 1);
    return at >= 0;
  });
  const isAllThere = signed.length === left.signed.length && right.signed.every((hash) => left.signed.includes(hash));
  return isAllThere ? { ...right, attachments, signed } : right;
}

/**
 * An item of Exchange has one plain text and one HTML text, in this order. What is shown beside them (a calendar, a second text) is a file of
 * it with the very same bytes when the message is made anew from properties.
 */
function withoutTextsAsFiles(left: CanonicalContent, right: CanonicalContent) {
  const files: CanonicalAttachment[] = [...right.attachments];
  const others: CanonicalBody[] = [...right.bodies];
  const homes = new Map<string, number>();
  const kept: CanonicalBody[] = [];
  const inPlace: CanonicalBody[] = [];
  let isInOrder = true;
  for (const body of plainFirst(left.bodies)) {
    // The first text has its place, and its alternative in the other form has.
    const isAlternative = homes.size === 1 && !homes.has(body.type) && homes.values().next().value === body.group;
    const hasPlace = /^text\/(?:plain|html)$/.test(body.type) && (homes.size === 0 || isAlternative);
    if (hasPlace) homes.set(body.type, body.group);
    const at = others.findIndex(({ type, text }) => type === body.type && text === body.text);
    // Of the same type, or nobody would open it as what it is.
    const isIt = (one: CanonicalAttachment) =>
      one.sha256OfText === body.sha256OfText && one.contentType === body.type && isMadeUp(one);
    const file = at >= 0 || hasPlace ? -1 : files.findIndex(isIt);
    if (file >= 0) files.splice(file, 1);
    else kept.push(body);
    if (at > 0) isInOrder = false;
    if (at >= 0) inPlace.push(...others.splice(at, 1));
  }
  const isAllThere = isInOrder && kept.length === inPlace.length && others.length === 0;
  return isAllThere
    ? { left: inGroups(kept), right: inGroups(inPlace), files }
    : { left: inGroups(left.bodies.filter((body) => kept.includes(body))), right: inGroups(right.bodies), files };
}

/** Alternatives in the order in which servers write them. */
const plainFirst = (bodies: readonly CanonicalBody[]): readonly CanonicalBody[] => {
  const rank = ({ type }: CanonicalBody) => (type === 'text/html' ? 1 : 0);
  const groups = [...new Set(bodies.map(({ group }) => group))];
  return groups.flatMap((group) => bodies.filter((body) => body.group === group).toSorted((a, b) => rank(a) - rank(b)));
};

/** Groups numbered in the order in which their texts come. */
function inGroups(bodies: readonly CanonicalBody[]): readonly CanonicalBody[] {
  const numbers = new Map<number, number>();
  return bodies.map((body) => {
    const group = numbers.get(body.group) ?? numbers.size;
    numbers.set(body.group, group);
    return { ...body, group };
  });
}

function withoutServerHeaders(content: CanonicalContent) {
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
