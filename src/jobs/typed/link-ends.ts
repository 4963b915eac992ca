import type { TypedWritten, Written } from '#connectors/contract.ts';
import { isHeldAsHash, sameJson, sameShown, sameTimes, shown, visibleText } from '#engine/shown.ts';
import type { Version } from '#model/ids.ts';
import type { TypedEdit, TypedHead, TypedItem } from '#model/typed-item.ts';
import type { Json, LinkEnd, Shown, TypedLinkRow } from '#model/typed-link.ts';
import type { Day } from '#model/wall-time.ts';

/** A side as it was read. */
export const endOf = (item: TypedItem, seen: LinkEnd['seen'] = shown(item)): LinkEnd => ({
  id: item.head.id,
  folder: item.head.folder,
  version: item.head.version,
  seen,
});

/**
 * A side after a write of ours. Normally what it shows when it is read back: a server normalises what it is given. At another version
 * than the write left it, somebody wrote in between; then what we gave is the base and the write's version is recorded, so that the
 * next look finds the difference, whoever made it, and nothing of it is taken for ours.
 */
export function endAfter(
  written: Written,
  given: TypedItem,
  back: TypedItem,
  seenOf: (item: TypedItem) => LinkEnd['seen'] = shown,
): LinkEnd {
  if (back.head.version === written.version) return endOf(back, seenOf(back));
  return { ...endOf(back, seenOf(given)), version: written.version };
}

/**
 * What a side shows after an edit, but for what somebody else wrote while it was carried out. Occurrences follow their series in requests
 * of their own, and the version after the last of them does not tell who wrote in between. So a value that we set is trusted as it is
 * read back only where a server brings it into a form of its own or cannot keep it; anything else that is not as we gave it is somebody's
 * own, and so is a day that is not there any more when the series has another schedule, which drops days.
 */
export function ownShare(given: TypedItem, back: TypedItem, edit: TypedEdit, answer: TypedWritten): Shown {
  const [due, now] = [shown(given), shown(back)];
  const isUnwritten = back.head.version === answer.version;
  // What we left empty servers fill in by themselves, with our write: who changed what when.
  const isFilled = (field: string): boolean => isUnwritten && isServersOwn(field);
  const filled = Object.fromEntries(
    Object.entries(due.fields).map(([f, value]) => [f, value ?? (isFilled(f) ? now.fields[f] : null) ?? null]),
  );
  const isSameBody = visibleBody(given) === visibleBody(back);
  const fields = ownValues(filled, now.fields, edit.set, answer, { isSameText: isSameBody, isUnwritten });
  const isLast = isUnwritten && schedule.every((field) => sameJson(now.fields[field], due.fields[field]));
  const occurrences: Record<Day, Shown['occurrences'][Day]> = { ...due.occurrences };
  for (const one of edit.occurrences) {
    if (one.do === 'delete' || !isLast) continue;
    const { day, overrides } = one;
    const [ours, entry] = [due.occurrences[day], now.occurrences[day]];
    if (entry === undefined) delete occurrences[day];
    else if (ours !== undefined && ours !== 'deleted' && entry !== 'deleted') {
      const isSameText = visibleBody(given, day) === visibleBody(back, day);
      occurrences[day] = ownValues(ours, entry, overrides, answer, { isSameText, isUnwritten });
    }
  }
  return { fields, occurrences };
}

/**
 * A copy that was made. Occurrences follow their series in requests of their own here, too: what of the series is not as we gave it was
 * written by somebody in between, and the next look finds it.
 */
export function endOfCreated(answer: TypedWritten, given: TypedItem, back: TypedItem): LinkEnd {
  const end = endAfter(answer, given, back);
  if (given.occurrences.length === 0 && given.deletedDays.length === 0) return end;
  const now = shown(back);
  const ours = ownShare(given, back, { set: given.fields, occurrences: [], attachments: new Map() }, answer).fields;
  const fields = Object.fromEntries(
    Object.entries(now.fields).map(([field, is]) => [field, isServersOwn(field) ? is : (ours[field] ?? is)]),
  );
  const seen = { ...now, fields };
  return end.version !== back.head.version || sameShown(now, seen) ? end : { ...endOf(back, seen), version: noVersion };
}

/** What only servers write, or write in their own way. */
const isServersOwn = (field: string): boolean => serversOwn.has(field) || field.endsWith('At');
const serversOwn = new Set([
  'reminder',
  'stateFlags',
  'invited',
  'sequence',
  'myResponse',
  'myResponseAt',
  'intendedShowAs',
]);

/** What we gave a copy, as it is found again: values that servers write themselves as they are now. @param due What it was made of. */
export function givenShare(due: Shown, copy: TypedItem): Shown {
  const now = shown(copy);
  const isOurs = (field: string, given: Json | undefined, is: Json | undefined): boolean =>
    isServersOwn(field) || (field === 'when' && sameTimes(given, is));
  const share = (field: string, given: Json | undefined, is: Json): Json => {
    if (field === 'attendees' && sameNames(given, is)) return withoutNews(given, is);
    return isOurs(field, given, is) ? is : (given ?? null);
  };
  const fields = Object.fromEntries(
    Object.entries(now.fields).map(([field, is]) => [field, share(field, due.fields[field], is)]),
  );
  return { fields, occurrences: due.occurrences };
}

/** Values that we wrote, as they are now where the server had a say in them. @param set What we wrote. */
function ownValues(
  due: Shown['fields'],
  now: Shown['fields'],
  set: object,
  { unkept }: TypedWritten,
  { isSameText, isUnwritten }: { readonly isSameText: boolean; readonly isUnwritten: boolean },
): Shown['fields'] {
  const isTrusted = (field: string): boolean =>
    field in set &&
    (field in unkept ||
      (field === 'when' && sameTimes(due[field], now[field])) ||
      (isHeldAsHash(due[field]) && (field !== 'body' || isSameText)));
  const taken = (field: string): Json | undefined => {
    // Answers are the server's; who is on the list is ours, unless the server itself left somebody out.
    if (field === 'attendees' && field in set) return isUnwritten ? now[field] : withNamesOf(due[field], now[field]);
    return isTrusted(field) ? now[field] : due[field];
  };
  const values = Object.keys({ ...now, ...due }).map((field) => [field, taken(field)]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** The attendees whom we gave, with their answers as they are now. */
function withNamesOf(due: Json | undefined, now: Json | undefined): Json | undefined {
  if (due === undefined || isHeldAsHash(due) || isHeldAsHash(now)) return now;
  const is = (now ?? {}) as Readonly<Record<string, Json>>;
  return Object.fromEntries(Object.entries(due ?? {}).map(([who, given]) => [who, is[who] ?? (given as Json)]));
}

/** Attendees as they are, but for answers that came in since we gave them: a server takes an answer away, and never makes one up. */
function withoutNews(given: Json | undefined, is: Json): Json {
  const before = (given ?? {}) as Readonly<Record<string, Json>>;
  return Object.fromEntries(
    Object.entries((is ?? {}) as Readonly<Record<string, Json>>).map(([who, now]) => {
      const was = before[who];
      return [who, was !== undefined && hasAnswer(now) ? was : now];
    }),
  );
}

/** An attendee is shown as role, answer and time of the answer. */
const hasAnswer = (shown: Json): boolean => /^\w+ (?:accept|tentative|decline) /.test(String(shown));

const namesIn = (shown: Json | undefined): string =>
  Object.keys(shown ?? {})
    .sort()
    .join();
const sameNames = (a: Json | undefined, b: Json | undefined): boolean => namesIn(a) === namesIn(b);

const schedule = ['when', 'recurrence'];

const visibleBody = ({ fields, occurrences }: TypedItem, day?: Day): string =>
  visibleText(occurrences.find((o) => o.day === day)?.overrides.body ?? fields.body);

/** No version of any server: what is found there is compared with what was agreed. */
export const noVersion = '' as Version;

/** A link with the ids and folders of now, what those items show not yet carried over. Null: nothing is new there. */
export const unseenSince = (link: TypedLinkRow, left: TypedHead | null, right: TypedHead | null): TypedLinkRow => ({
  ...link,
  left: left ? { ...link.left, version: noVersion } : link.left,
  right: right ? { ...link.right, version: noVersion } : link.right,
});

export const sameLink = (a: TypedLinkRow, b: TypedLinkRow): boolean =>
  a.state === b.state &&
  a.goneSincePass === b.goneSincePass &&
  a.identity === b.identity &&
  sameEnd(a.left, b.left) &&
  sameEnd(a.right, b.right);

const sameEnd = (a: TypedLinkRow['left'], b: TypedLinkRow['left']): boolean =>
  a.id === b.id && a.folder === b.folder && a.version === b.version && sameSeen(a.seen, b.seen);
const sameSeen = (a: Shown, b: Shown): boolean =>
  a === b || (sameShown(a, b) && JSON.stringify(a.onTheirWay) === JSON.stringify(b.onTheirWay));
