import { createHash } from 'node:crypto';
import { sameValue } from '#engine/merge-state.ts';
import { isDraft, type MailFields, type MailHead, type MailStateField } from '#model/mail.ts';
import { type MailField, mailFields, mailProperties } from '#model/mail-properties.ts';

/** A property of the table that is not the same on both sides. Values that may be private are hashed. */
export interface PropertyDifference {
  readonly property: MailField;
  readonly left: string;
  readonly right: string;
}

/** Both sides of one field, with the items they belong to. */
interface Both<T> {
  readonly left: T;
  readonly right: T;
  readonly leftHead: MailHead;
  readonly rightHead: MailHead;
}
type Rule<T> = (both: Both<T>) => boolean;

/** EWS writes times of extended properties to the second, some versions with fractions and some without. */
const sameTime: Rule<number | null> = ({ left, right }) =>
  left === right || (left !== null && right !== null && Math.abs(left - right) < 1000);
/** Null and the value that a server takes an absent one for. */
const orAbsent =
  <T>(...absent: readonly T[]): Rule<T | null> =>
  ({ left, right }) => {
    const plain = (value: T | null) => (value !== null && absent.includes(value) ? null : value);
    return plain(left) === plain(right);
  };

/**
 * Server normalisations: the closed list of ways in which a copy may show another value than its source although everything was
 * carried. Every field that is not named here has to be equal. Described in `docs/operating/verify.md`.
 */
const propertyRules: { readonly [F in MailField]?: Rule<MailFields[F]> } = {
  flagCompletedAt: sameTime,
  flagStartAt: sameTime,
  flagDueAt: sameTime,
  lastVerbAt: sameTime,
  expiresAt: sameTime,
  replyBy: sameTime,
  // Without a time of its own a copy gets the nearest one that the source item has; without any, the server's present time.
  sentAt: (both) => {
    const { receivedAt, createdAt } = both.leftHead.facts;
    if (sameTime(both)) return true;
    if (both.left !== null || isDraft(both.leftHead.facts)) return false;
    const given = receivedAt ?? createdAt;
    return given === null || sameTime({ ...both, left: given });
  },
  receivedAt: (both) => {
    const { sentAt, createdAt } = both.leftHead.facts;
    if (sameTime(both)) return true;
    if (both.left !== null) return false;
    const given = sentAt ?? createdAt;
    return given === null || sameTime({ ...both, left: given });
  },
  // Only UNSENT is carried. READ is compared as `isRead`; the others are the server's own or must not travel ([MS-OXCMSG] 2.2.1.6).
  messageFlags: ({ leftHead, rightHead }) => isDraft(leftHead.facts) === isDraft(rightHead.facts),
  flagRequest: orAbsent(''),
  // Servers keep what follows from the flag by themselves: 8 in the to-do list, colour 6 (red), when somebody flagged without saying so.
  toDoFlags: (both) =>
    orAbsent(0)(both) ||
    (both.left === null &&
      both.right === 8 &&
      both.leftHead.state.flagStatus === 2 &&
      both.rightHead.state.flagStatus === 2),
  flagColour: (both) =>
    orAbsent(0)(both) ||
    (both.left === null &&
      both.right === 6 &&
      both.leftHead.state.flagStatus === 2 &&
      both.rightHead.state.flagStatus === 2),
  lastVerb: orAbsent(0),
  // -1 new, 0x100 read, 0x101 unread: what a list shows anyway for mail that nobody answered ([MS-OXOMSG] 2.2.1.10).
  iconIndex: orAbsent(-1, 0xffffffff, 0, 0x100, 0x101),
  processed: orAbsent(false),
  serverProcessed: orAbsent(false),
  votingResponse: orAbsent(''),
  // Made by the server where the source has none: a fresh header of 22 bytes ([MS-OXOMSG] 2.2.1.3), the subject without its prefix.
  conversationIndex: ({ left, right }) =>
    left === right || (left === null && right !== null && Buffer.from(right, 'base64').length === 22),
  conversationTopic: ({ left, right, rightHead }) =>
    orAbsent('')({ left, right, leftHead: rightHead, rightHead }) ||
    (left === null && oneSpace(right) === normalizedSubject(rightHead.facts.subject)),
  subject: ({ left, right }) => oneSpace(left) === oneSpace(right),
  internetMessageId: ({ left, right }) => left === null || left.trim() === '' || left.trim() === right?.trim(),
};

/** What travels inside the MIME is compared here too: it is at hand, and the content may not be in the sample. */
const travelsInside: readonly MailField[] = ['subject', 'internetMessageId', 'readReceiptRequested'];

const comparedFields: readonly MailField[] = mailFields.filter((field) => {
  const { carriage } = mailProperties[field];
  return carriage === 'state' || carriage === 'fact' || travelsInside.includes(field);
});

/** Fields whose value is nobody's words. */
const showable: ReadonlySet<MailField> = new Set(
  comparedFields
    .filter((field) => ['integer', 'boolean', 'time'].includes(mailProperties[field].mapi.type))
    .concat('itemClass'),
);

export function compareProperties(left: MailHead, right: MailHead): readonly PropertyDifference[] {
  const l: MailFields = { ...left.state, ...left.facts };
  const r: MailFields = { ...right.state, ...right.facts };
  return comparedFields.flatMap((field) =>
    same(field, l, r, left, right)
      ? []
      : [{ property: field, left: shown(field, l[field]), right: shown(field, r[field]) }],
  );
}

function same(field: MailField, l: MailFields, r: MailFields, leftHead: MailHead, rightHead: MailHead): boolean {
  const rule = propertyRules[field] as Rule<unknown> | undefined;
  const [left, right] = asRead(l[field], r[field]);
  if (rule) return rule({ left, right, leftHead, rightHead });
  return sameValue(field as MailStateField, left, right);
}

/**
 * XML 1.0 has no way to write most control characters, and servers that speak XML write them nevertheless; such a character is read as U+FFFD. The
 * other side may show the character itself. Both are read alike where one side is known not to have been readable, and nowhere else.
 */
function asRead(left: unknown, right: unknown): readonly [unknown, unknown] {
  if (typeof left !== 'string' || typeof right !== 'string' || left === right) return [left, right];
  const [a, b] = [[...left], [...right]];
  if (a.length !== b.length) return [left, right];
  const isRead = a.every((one, at) => {
    const other = b[at] ?? '';
    return one === other || (one === unreadable && notInXml(other)) || (other === unreadable && notInXml(one));
  });
  return isRead ? [left, left] : [left, right];
}
const unreadable = '\uFFFD';
/** What XML 1.0 (production 2, Char) has no place for: control characters, halves of pairs, U+FFFE and U+FFFF. */
const notInXml = (character: string): boolean =>
  /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(character);

function shown(field: MailField, value: unknown): string {
  if (value === null || value === undefined) return 'absent';
  if (mailProperties[field].mapi.type === 'time') return new Date(value as number).toISOString();
  if (showable.has(field)) return String(value);
  return hashed(Array.isArray(value) ? JSON.stringify([...value].sort()) : String(value));
}

/** A text that may be private, so that it can be told from another. */
export const hashed = (text: string): string =>
  `${text.length} characters, ${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;

/** Folding of headers knows these alone; other spaces (of Japanese, without a break) are what somebody wrote. */
const oneSpace = (text: string | null): string => (text ?? '').replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '');

/** [MS-OXOMSG] 2.2.1.5 with [MS-OXCMSG] 3.2.4.1: without a prefix of one to three characters that ends in a colon. */
function normalizedSubject(subject: string | null): string {
  return oneSpace(subject).replace(/^[^\s\d:]{1,3}:\s*/, '');
}
