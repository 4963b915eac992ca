import { isMaster } from '../world/appointment.ts';
import type { MeetingAnswer } from '../world/calendar-hooks.ts';
import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import type { Day } from '../world/calendar-part.ts';
import type { Item } from '../world/item.ts';
import type { Origin } from '../world/post-office.ts';
import { Refusal } from '../world/refusal.ts';
import { answered, newCopy } from './apply-message.ts';
import { copyFor } from './attendant.ts';
import { clientIntent, meetingKey } from './meeting-keys.ts';
import { type Answer, responseContent } from './meeting-message.ts';
import {
  attendeesOf,
  cleanIdOf,
  findMeeting,
  flag,
  idDayOf,
  integer,
  isCancellation,
  isCancelled,
  isOrganizers,
  isReceived,
  isRequest,
  organizerOf,
  partOf,
  withProperties,
} from './meeting-view.ts';
import { showing } from './occurrences.ts';
import { cancel, keepCopy } from './organizer.ts';
import type { Surroundings } from './surroundings.ts';

const answerOfKind = {
  AcceptItem: 'Accept',
  TentativelyAcceptItem: 'Tentative',
  DeclineItem: 'Decline',
} as const satisfies Partial<Record<MeetingAnswer['kind'], Answer>>;

const refused = (message: string): Refusal => new Refusal('ErrorInvalidOperation', message);

/** Carries out a response object of CreateItem. (EWS doc: createitem-acceptitem, cancelcalendaritem, removeitem) */
export function carryOut(surroundings: Surroundings, answer: MeetingAnswer, origin: Origin): readonly Item[] {
  switch (answer.kind) {
    case 'CancelCalendarItem':
      return callOff(surroundings, answer, origin);
    case 'RemoveItem':
      return removeCancelled(surroundings, answer);
    default:
      return respond(surroundings, answer, answerOfKind[answer.kind], origin);
  }
}

/** An attendee answers: the copy is accepted, tentative, or goes; the organizer is told unless the answer is only saved. */
function respond(
  surroundings: Surroundings,
  { item, day: askedDay, disposition, body, by }: MeetingAnswer,
  answer: Answer,
  origin: Origin,
): readonly Item[] {
  const { mailbox } = item.folder;
  const isMessage = isRequest(item);
  if (!isMessage && !isReceived(item.content))
    throw refused('Only a meeting to which one was invited can be answered.');
  if (isCancelled(item.content)) throw refused('The meeting was cancelled.');
  const cleanId = cleanIdOf(item.content);
  if (cleanId === null) throw refused('The request has no identity.');
  const day = askedDay ?? idDayOf(item.content);
  const copy = !isMessage
    ? item
    : (copyFor(findMeeting(mailbox, cleanId), item.content) ??
      surroundings.place(mailbox, newCopy(item.content), origin, by));
  const inSeries = day !== null && isMaster(copy.content) ? day : null;
  const organizer = organizerOf(copy.content) ?? organizerOf(item.content);
  const shown = showing(copy.content, inSeries) ?? copy.content;
  const results: Item[] = [];
  surroundings.write(copy, answered(copy.content, inSeries, answer, mailbox.nowMs), origin, { by, day: inSeries });
  // Of an occurrence that is alone in the calendar, the version store remembers its day.
  const about = inSeries ?? (isMaster(copy.content) ? null : idDayOf(copy.content));
  if (answer === 'Decline') decline(surroundings, copy, inSeries, about, cleanId, origin);
  else {
    surroundings.intents.forget(mailbox, cleanId, about);
    results.push(copy);
  }
  if (disposition !== 'SaveOnly' && organizer !== null) {
    const sending = surroundings.sending(mailbox, [organizer]);
    const content = responseContent(shown, day, answer, sending, body);
    surroundings.world.postOffice.send(mailbox, {
      cause: 'meeting-response',
      content,
      recipients: [organizer.address],
      origin,
    });
    if (disposition === 'SendAndSaveCopy') results.unshift(keepCopy(mailbox, content));
  }
  // A request that was answered is done with: it goes to Deleted Items. (EWS doc: acceptitem)
  if (isMessage && !item.gone) {
    mailbox.update(item, withProperties(item.content, { [meetingKey.processed]: flag(true) }), by);
    mailbox.remove(item, 'MoveToDeletedItems', by, { suppressReceipts: true });
  }
  return results;
}

/** A declined meeting leaves the calendar, and the version store knows why. */
function decline(
  surroundings: Surroundings,
  copy: Item,
  day: Day | null,
  about: Day | null,
  cleanId: string,
  origin: Origin,
): void {
  const { mailbox } = copy.folder;
  if (day === null) {
    surroundings.intents.note(mailbox, cleanId, about, clientIntent.manager | clientIntent.respondedDecline);
    mailbox.remove(copy, 'MoveToDeletedItems', mailbox.server, { suppressReceipts: true });
    return;
  }
  surroundings.intents.note(mailbox, cleanId, day, clientIntent.manager | clientIntent.respondedExceptionDecline);
  const part = partOf(copy.content);
  surroundings.write(
    copy,
    {
      ...copy.content,
      calendar: {
        ...part,
        exceptions: part.exceptions.filter((one) => one.day !== day),
        deletedDays: [...new Set([...part.deletedDays, day])].sort(),
      },
    },
    origin,
    { day },
  );
}

/** The organizer calls the meeting off: attendees are told, the own copy goes. */
function callOff(
  surroundings: Surroundings,
  { item, day, body, disposition }: MeetingAnswer,
  origin: Origin,
): readonly Item[] {
  const { mailbox } = item.folder;
  if (!isOrganizers(item.content)) throw refused('Only the organizer can cancel a meeting.');
  const shown = showing(item.content, day);
  if (shown === null) throw refused('The series has no such occurrence.');
  const cleanId = cleanIdOf(item.content);
  if (disposition !== 'SaveOnly')
    cancel(surroundings, mailbox, shown, day, attendeesOf(shown), origin, disposition === 'SendAndSaveCopy', body);
  if (day === null) {
    surroundings.write(
      item,
      withProperties(item.content, {
        [calendarKey.stateFlags]: integer(stateFlag.meeting | stateFlag.cancelled),
        [meetingKey.clientIntent]: integer(clientIntent.manager | clientIntent.cancelled),
      }),
      origin,
    );
    if (cleanId !== null)
      surroundings.intents.note(mailbox, cleanId, null, clientIntent.manager | clientIntent.cancelled);
    mailbox.remove(item, 'MoveToDeletedItems', mailbox.server, { suppressReceipts: true });
    return [];
  }
  const part = partOf(item.content);
  if (cleanId !== null)
    surroundings.intents.note(mailbox, cleanId, day, clientIntent.manager | clientIntent.exceptionCancelled);
  surroundings.write(
    item,
    {
      ...item.content,
      calendar: {
        ...part,
        exceptions: part.exceptions.filter((one) => one.day !== day),
        deletedDays: [...new Set([...part.deletedDays, day])].sort(),
      },
    },
    origin,
    { day },
  );
  return [];
}

/** An attendee takes a cancelled meeting out of the calendar. */
function removeCancelled(surroundings: Surroundings, { item, by }: MeetingAnswer): readonly Item[] {
  const { mailbox } = item.folder;
  if (!isCancellation(item)) throw refused('Only a cancellation can be answered like this.');
  const cleanId = cleanIdOf(item.content);
  const day = idDayOf(item.content);
  const found = cleanId === null ? [] : findMeeting(mailbox, cleanId).filter((one) => isReceived(one.content));
  for (const copy of found)
    if (day === null) mailbox.remove(copy, 'MoveToDeletedItems', by, { suppressReceipts: true });
    else if (isMaster(copy.content) && cleanId !== null)
      decline(surroundings, copy, day, day, cleanId, { caller: by.caller, doing: 'person', through: null });
  mailbox.remove(item, 'MoveToDeletedItems', by, { suppressReceipts: true });
  return [];
}
