import { endMsOf, isMaster, startMsOf } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Attendee, Day } from '../world/calendar-part.ts';
import type { Item, ItemContent } from '../world/item.ts';
import { isOutOfDate } from './apply-message.ts';
import type { Aspect } from './authorship.ts';
import { clientIntent } from './meeting-keys.ts';
import {
  attendeesOf,
  cleanIdOf,
  isCancelled,
  organizerOf,
  partOf,
  propertyText,
  responseOf,
  sequenceOf,
} from './meeting-view.ts';
import { type Showing, showing } from './occurrences.ts';

/** The checks of the Calendar Repair Assistant, in their order. (its log; KB 3019798) */
export const checkTypes = [
  'CanValidateOwnerCheck',
  'ValidateStoreObjectCheck',
  'MeetingExistenceCheck',
  'MeetingCancellationCheck',
  'TimeZoneMatchCheck',
  'MeetingPropertiesMatchCheck',
] as const;
export type CheckType = (typeof checkTypes)[number];

/** Kinds of repair update messages. */
export type RumType = 'Update' | 'MissingAttendee' | 'Cancellation';

/** Something that does not fit. */
export interface Inconsistency {
  /** Whose copy is wrong. */
  readonly owner: 'Organizer' | 'Attendee';
  /** Flags are ours but for the obvious ones: no complete public list was found. */
  readonly flag: string;
  readonly shouldFix: boolean;
  /** What corrects it; null: a write into the organizer's copy, without a message. */
  readonly rum: RumType | null;
  /** What of the copies it is about. */
  readonly aspects: readonly Aspect[];
}

export interface CheckResult {
  readonly type: CheckType;
  readonly passed: boolean;
  readonly inconsistencies: readonly Inconsistency[];
}

/** The two copies of a meeting, on a day of its series or as a whole. */
export interface Copies {
  readonly day: Day | null;
  /** Null: the organizer's calendar has no such meeting. */
  readonly organizers: Item | null;
  readonly attendees: Item | null;
  /** In lower case: a recipient is known by any of them. */
  readonly attendeeAddresses: ReadonlySet<string>;
  /** PidLidClientIntent of the attendee's missing copy. */
  readonly intent: number;
  /** Null: the owner of the other copy can be asked. */
  readonly cannotValidate: string | null;
  readonly missingItemFixDisabled: boolean;
}

const fine = (type: CheckType): CheckResult => ({ type, passed: true, inconsistencies: [] });
const wrong = (type: CheckType, ...inconsistencies: readonly Inconsistency[]): CheckResult => ({
  type,
  passed: false,
  inconsistencies,
});

/** Runs the checks until one of those fails that the others rest on. */
export function runChecks(copies: Copies): readonly CheckResult[] {
  const results: CheckResult[] = [];
  for (const check of [owner, storeObject, existence, cancellation, zones, properties]) {
    const result = check(copies);
    results.push(result);
    if (!result.passed && result.type !== 'TimeZoneMatchCheck') break;
  }
  return results;
}

/** The other mailbox is one that this organization can read. Over it the assistant is blind: it stops there. */
function owner({ cannotValidate }: Copies): CheckResult {
  return cannotValidate === null ? fine('CanValidateOwnerCheck') : wrong('CanValidateOwnerCheck');
}

/** Both copies are whole enough to be compared. */
function storeObject({ organizers, attendees }: Copies): CheckResult {
  for (const item of [organizers, attendees]) {
    if (item === null) continue;
    const { content } = item;
    if (cleanIdOf(content) === null || organizerOf(content) === null || endMsOf(content) < startMsOf(content))
      return wrong('ValidateStoreObjectCheck');
  }
  return fine('ValidateStoreObjectCheck');
}

const declined = clientIntent.respondedDecline | clientIntent.respondedExceptionDecline;
const meant = declined | clientIntent.deletedWithNoResponse | clientIntent.deletedExceptionWithNoResponse;

function existence(copies: Copies): CheckResult {
  const { day, organizers, attendees, intent } = copies;
  const type = 'MeetingExistenceCheck';
  const theirs = organizers === null ? null : showing(organizers.content, day);
  const mine = attendees === null ? null : shownOn(attendees, day);
  if (theirs === null && mine === null) return fine(type);
  if (theirs === null)
    return mine !== null && isCancelled(mine)
      ? fine(type)
      : wrong(type, {
          owner: 'Attendee',
          flag: 'OrganizerItemMissing',
          shouldFix: true,
          rum: 'Cancellation',
          aspects: ['existence', 'identity', 'recurrence'],
        });
  const invited = listedIn(theirs, copies);
  if (mine === null) {
    if (invited === null || isCancelled(theirs) || invited.response === 'Decline') return fine(type);
    return wrong(type, {
      owner: 'Attendee',
      flag: 'MissingItem',
      shouldFix: (intent & meant) === 0 && !copies.missingItemFixDisabled,
      rum: 'MissingAttendee',
      aspects: ['existence', 'identity', 'people', 'sent', 'recurrence'],
    });
  }
  if (invited === null && !isCancelled(mine))
    return wrong(type, {
      owner: 'Attendee',
      flag: 'AttendeeNotOnList',
      shouldFix: true,
      rum: 'Cancellation',
      aspects: ['people', 'existence'],
    });
  return fine(type);
}

/** The attendee on the organizer's list, at whichever of its addresses; null: it is not there. */
export const listedIn = (theirs: ItemContent, { attendeeAddresses }: Copies): Attendee | null =>
  attendeesOf(theirs).find(({ address }) => attendeeAddresses.has(address.toLowerCase())) ?? null;

/** A copy on a day: an occurrence that stands alone in the calendar is its own. */
const shownOn = (item: Item, day: Day | null): ItemContent | null =>
  day !== null && !isMaster(item.content) ? item.content : showing(item.content, day);

interface Pair {
  readonly theirs: ItemContent;
  readonly mine: ItemContent;
}

function pairOf({ organizers, attendees, day }: Copies): Pair | null {
  const theirs = organizers === null ? null : showing(organizers.content, day);
  const mine = attendees === null ? null : shownOn(attendees, day);
  return theirs === null || mine === null ? null : { theirs, mine };
}

function cancellation(copies: Copies): CheckResult {
  const type = 'MeetingCancellationCheck';
  const pair = pairOf(copies);
  if (pair === null) return fine(type);
  const { theirs, mine } = pair;
  if (isCancelled(theirs) && !isCancelled(mine))
    return wrong(type, {
      owner: 'Attendee',
      flag: 'Cancellation',
      shouldFix: true,
      rum: 'Cancellation',
      aspects: ['cancelled'],
    });
  if (isCancelled(mine) && !isCancelled(theirs))
    return wrong(type, {
      owner: 'Attendee',
      flag: 'Cancellation',
      shouldFix: true,
      rum: 'Update',
      aspects: ['cancelled'],
    });
  return fine(type);
}

/** Zones matter where they decide when a series takes place. */
function zones({ organizers, attendees }: Copies): CheckResult {
  const type = 'TimeZoneMatchCheck';
  if (organizers === null || attendees === null) return fine(type);
  const [theirs, mine] = [partOf(organizers.content), partOf(attendees.content)];
  if (theirs.recurrence === null || mine.recurrence === null || theirs.startZone.id === mine.startZone.id)
    return fine(type);
  return wrong(type, {
    owner: 'Attendee',
    flag: 'RecurringTimeZone',
    shouldFix: true,
    rum: 'Update',
    aspects: ['time', 'recurrence'],
  });
}

function properties(copies: Copies): CheckResult {
  const type = 'MeetingPropertiesMatchCheck';
  const pair = pairOf(copies);
  if (pair === null) return fine(type);
  const { theirs, mine } = pair;
  const found: Inconsistency[] = [];
  const attendee = (flag: string, aspects: readonly Aspect[], intents = 0): void => {
    found.push({ owner: 'Attendee', flag, shouldFix: (copies.intent & intents) === 0, rum: 'Update', aspects });
  };
  if (startMsOf(theirs) !== startMsOf(mine)) attendee('StartTime', ['time', 'recurrence'], clientIntent.modifiedStart);
  if (endMsOf(theirs) !== endMsOf(mine)) attendee('EndTime', ['time', 'recurrence'], clientIntent.modifiedEnd);
  if (propertyText(theirs, calendarKey.location) !== propertyText(mine, calendarKey.location))
    attendee('Location', ['place'], clientIntent.modifiedLocation);
  if (copies.organizers !== null && copies.attendees !== null && copies.day === null) {
    const [whole, copy] = [partOf(copies.organizers.content), partOf(copies.attendees.content)];
    if (JSON.stringify(whole.recurrence) !== JSON.stringify(copy.recurrence))
      attendee('RecurrenceBlob', ['recurrence']);
  }
  if (sequenceOf(theirs) > sequenceOf(mine) || (sequenceOf(theirs) === sequenceOf(mine) && isOutOfDate(theirs, mine)))
    attendee('VersionInfo', ['identity']);
  const tracked = listedIn(theirs, copies)?.response ?? 'Unknown';
  const answer = responseOf(mine);
  if (['Accept', 'Tentative', 'Decline'].includes(answer) && answer !== tracked)
    found.push({ owner: 'Organizer', flag: 'Response', shouldFix: true, rum: null, aspects: ['response', 'people'] });
  return found.length === 0 ? fine(type) : wrong(type, ...found);
}

/** What the assistant calls the kind of meeting. */
export function meetingTypeOf(content: ItemContent, one: Showing): string {
  if (one.day === null) return 'Single';
  if (!isMaster(content)) return 'Single';
  return one.isException ? 'Exception' : 'Occurrence';
}
