import { isMaster } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Origin } from '../world/post-office.ts';
import {
  cancelledCopy,
  cancelledOccurrence,
  isKnown,
  isOutOfDate,
  newCopy,
  updatedCopy,
  updatedOccurrence,
  withTracking,
} from './apply-message.ts';
import { meetingKey, meetingType, processingAction } from './meeting-keys.ts';
import { answerOf } from './meeting-message.ts';
import {
  cleanIdOf,
  findMeeting,
  flag,
  idDayOf,
  integer,
  isCancellation,
  isMeetingMessage,
  isOrganizers,
  isReceived,
  isRequest,
  isResponse,
  numberOf,
  organizerOf,
  propertyValue,
  same,
  withProperties,
} from './meeting-view.ts';
import { showing } from './occurrences.ts';
import type { Surroundings } from './surroundings.ts';

/** What came of a meeting message. */
export type Outcome = 'created' | 'updated' | 'cancelled' | 'tracked' | 'known' | 'outdated' | 'ignored';

export interface Processed {
  readonly outcome: Outcome;
  /** The copy it was about; null: there is none. */
  readonly item: Item | null;
}

const ignored: Processed = { outcome: 'ignored', item: null };

/**
 * What a meeting message does to a mailbox's calendar, by the rules that Calendar Attendant and Outlook share: matching by
 * CleanGlobalObjectId and date of the exception, order by sequence and critical change times.
 * [MS-OXOCAL] 3.1.4.7, 3.1.4.8.5, 3.1.4.9.3, 3.1.5.2
 * @param repair a message of the Repair Assistant: it corrects a copy and takes no answer back.
 */
export function applyMessage(
  surroundings: Surroundings,
  message: Item,
  origin: Origin,
  options: { readonly addsNew: boolean; readonly repair?: boolean },
): Processed {
  const { mailbox } = message.folder;
  const { content } = message;
  const cleanId = cleanIdOf(content);
  if (cleanId === null) return ignored;
  const found = findMeeting(mailbox, cleanId);
  if (isRequest(message)) return applyRequest(surroundings, mailbox, found, content, origin, options);
  if (isCancellation(message)) return applyCancellation(surroundings, found, content, origin);
  if (isResponse(message)) return applyResponse(surroundings, found, content, origin);
  return ignored;
}

/** The copy a message about `day` belongs to: the series, or an occurrence that is on its own in the calendar. */
export function copyFor(found: readonly Item[], content: ItemContent): Item | null {
  const day = idDayOf(content);
  const series = found.find((item) => isMaster(item.content)) ?? null;
  if (day === null) return series ?? found.find((item) => idDayOf(item.content) === null) ?? null;
  return series ?? found.find((item) => idDayOf(item.content) === day) ?? null;
}

function applyRequest(
  surroundings: Surroundings,
  mailbox: Mailbox,
  found: readonly Item[],
  content: ItemContent,
  origin: Origin,
  options: { readonly addsNew: boolean; readonly repair?: boolean },
): Processed {
  const day = idDayOf(content);
  const organizer = organizerOf(content);
  if (organizer !== null && same(organizer.address, mailbox.address)) return ignored;
  const copy = copyFor(found, content);
  if (copy === null) {
    if (!options.addsNew) return ignored;
    // Occurrences that came alone are part of the series that comes now. [MS-OXOCAL] 3.1.4.7.2
    if (day === null) for (const orphan of found) mailbox.remove(orphan, 'MoveToDeletedItems', mailbox.server);
    return { outcome: 'created', item: surroundings.place(mailbox, newCopy(content), origin) };
  }
  // Somebody who thinks that he called the meeting himself is not updated by another's request.
  if (isOrganizers(copy.content)) return { outcome: 'ignored', item: copy };
  const before = copy.content;
  const inSeries = day !== null && isMaster(before);
  const shown = inSeries ? showing(before, day) : before;
  if (shown !== null) {
    if (isOutOfDate(shown, content)) return { outcome: 'outdated', item: copy };
    if (isKnown(shown, content) && options.repair !== true) return { outcome: 'known', item: copy };
  }
  const after = inSeries
    ? updatedOccurrence(before, day, content, mailbox.nowMs, options.repair)
    : updatedCopy(before, content, options.repair);
  surroundings.write(copy, after, origin, { day: inSeries ? day : null });
  return { outcome: 'updated', item: copy };
}

function applyCancellation(
  surroundings: Surroundings,
  found: readonly Item[],
  content: ItemContent,
  origin: Origin,
): Processed {
  const day = idDayOf(content);
  const copy = copyFor(found, content);
  // The end of a series is the end of its occurrences that are alone in the calendar.
  if (copy === null && day === null) {
    const alone = found.filter((item) => isReceived(item.content));
    for (const item of alone) surroundings.write(item, cancelledCopy(item.content, content), origin);
    return { outcome: alone.length === 0 ? 'ignored' : 'cancelled', item: alone[0] ?? null };
  }
  if (copy === null || !isReceived(copy.content)) return { outcome: 'ignored', item: copy };
  const before = copy.content;
  const inSeries = day !== null && isMaster(before);
  const shown = inSeries ? showing(before, day) : before;
  if (shown === null) return { outcome: 'known', item: copy };
  if (isOutOfDate(shown, content)) return { outcome: 'outdated', item: copy };
  const nowMs = copy.folder.mailbox.nowMs;
  surroundings.write(
    copy,
    inSeries ? cancelledOccurrence(before, day, content, nowMs) : cancelledCopy(before, content),
    origin,
    {
      day: inSeries ? day : null,
    },
  );
  return { outcome: 'cancelled', item: copy };
}

function applyResponse(
  surroundings: Surroundings,
  found: readonly Item[],
  content: ItemContent,
  origin: Origin,
): Processed {
  const answer = answerOf(content);
  const copy = copyFor(found, content);
  if (answer === null || copy === null || content.from === null || !isOrganizers(copy.content))
    return { outcome: 'ignored', item: copy };
  const day = idDayOf(content);
  const shown = showing(copy.content, isMaster(copy.content) ? day : null);
  if (shown === null) return { outcome: 'ignored', item: copy };
  const requestedAtMs = numberOf(shown, meetingKey.sequenceTime) ?? undefined;
  if (isOutOfDate(shown, content, requestedAtMs)) return { outcome: 'outdated', item: copy };
  const nowMs = copy.folder.mailbox.nowMs;
  const answeredAtMs = numberOf(content, calendarKey.attendeeCriticalChange) ?? nowMs;
  const inSeries = isMaster(copy.content) ? day : null;
  const after = withTracking(copy.content, inSeries, content.from, answer, answeredAtMs, nowMs);
  if (after === null) return { outcome: 'outdated', item: copy };
  surroundings.write(copy, after, origin, { day: inSeries });
  return { outcome: 'tracked', item: copy };
}

/** What the Calendar Attendant notes on a message. [MS-OXOCAL] 2.2.5.4, 2.2.5.5, 2.2.6.5 */
function marks(message: Item, { outcome }: Processed): ItemContent {
  const action =
    outcome === 'created'
      ? processingAction.createdItem
      : outcome === 'updated' || outcome === 'cancelled'
        ? processingAction.updatedItem
        : outcome === 'tracked'
          ? processingAction.processedResponse
          : 0;
  return withProperties(message.content, {
    [meetingKey.serverProcessed]: flag(true),
    [meetingKey.serverProcessingActions]: integer(action),
    ...(outcome === 'outdated' && isRequest(message)
      ? { [meetingKey.meetingType]: integer(meetingType.outOfDate) }
      : {}),
    ...(outcome === 'outdated' && isResponse(message) ? { [meetingKey.promptSendUpdate]: flag(true) } : {}),
  });
}

/**
 * The Calendar Attendant of a mailbox: works at delivery, before anybody opens the message. (PSDOC Set-CalendarProcessing)
 * @param external the message came from another organization.
 */
export function attend(
  surroundings: Surroundings,
  message: Item,
  delivery: { readonly origin: Origin; readonly external: boolean; readonly repair: boolean },
): Processed {
  const { mailbox } = message.folder;
  const settings = surroundings.settings(mailbox.address);
  if (!isMeetingMessage(message) || message.gone) return ignored;
  if (settings.automateProcessing === 'None' && !delivery.repair) return ignored;
  if (settings.isResource && delivery.external && !settings.processExternalMeetingMessages) return ignored;
  if (isDelegatesCopy(message)) return ignored;
  const origin: Origin = { ...delivery.origin, through: 'attendant' };
  const processed = applyMessage(surroundings, message, origin, {
    addsNew: settings.addNewRequestsTentatively || delivery.repair,
    repair: delivery.repair,
  });
  if (processed.outcome === 'ignored') return processed;
  mailbox.update(message, marks(message, processed), mailbox.server);
  if (delivery.repair) mailbox.remove(message, 'MoveToDeletedItems', mailbox.server, { suppressReceipts: true });
  else if (settings.removeOldMeetingMessages) removeOld(surroundings, mailbox, message, processed);
  return processed;
}

/** A copy of somebody else's request, for a delegate to read. */
export const isDelegatesCopy = (message: Item): boolean =>
  propertyValue(message.content, meetingKey.receivedFor) !== null;

/** RemoveOldMeetingMessages: requests that a newer message made pointless, and answers that were counted. */
function removeOld(surroundings: Surroundings, mailbox: Mailbox, message: Item, { outcome }: Processed): void {
  const cleanId = cleanIdOf(message.content);
  const day = idDayOf(message.content);
  const trash = (item: Item): void => {
    mailbox.remove(item, 'MoveToDeletedItems', mailbox.server, { suppressReceipts: true });
  };
  if (outcome === 'outdated') {
    trash(message);
    return;
  }
  if (outcome !== 'updated' && outcome !== 'cancelled') return;
  for (const item of surroundings.deliveredTo(mailbox))
    if (
      item !== message &&
      item.folder.role === 'inbox' &&
      (isRequest(item) || isCancellation(item)) &&
      !isDelegatesCopy(item) &&
      cleanIdOf(item.content) === cleanId &&
      (day === null || idDayOf(item.content) === day)
    )
      trash(item);
}
