import { endMsOf, isMaster, startMsOf } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Origin } from '../world/post-office.ts';
import { key } from '../world/property.ts';
import { answered } from './apply-message.ts';
import type { CalendarSettings } from './calendar-settings.ts';
import { busy, clientIntent } from './meeting-keys.ts';
import { type Answer, responseContent } from './meeting-message.ts';
import {
  appointments,
  cleanIdOf,
  flag,
  idDayOf,
  integer,
  numberOf,
  organizerOf,
  subjectOf,
  text,
  withProperties,
} from './meeting-view.ts';
import { showing, showingsBetween } from './occurrences.ts';
import type { Surroundings } from './surroundings.ts';

const dayMs = 86_400_000;

/** Why a room says no; null: it can be had. (PSDOC Set-CalendarProcessing) */
function objection(mailbox: Mailbox, copy: Item, shown: ItemContent, settings: CalendarSettings): string | null {
  const startMs = startMsOf(shown);
  const endMs = endMsOf(shown);
  const horizonMs = mailbox.nowMs + settings.bookingWindowInDays * dayMs;
  if (startMs > horizonMs) return `it is more than ${settings.bookingWindowInDays} days ahead`;
  if (endMs <= mailbox.nowMs && !isMaster(shown)) return 'it is in the past';
  if (settings.maximumDurationInMinutes > 0 && endMs - startMs > settings.maximumDurationInMinutes * 60_000)
    return `it is longer than ${settings.maximumDurationInMinutes} minutes`;
  if (settings.allowConflicts) return null;
  const wanted = showingsBetween(shown, Math.max(startMs, mailbox.nowMs), Math.max(endMs, horizonMs));
  for (const other of appointments(mailbox)) {
    if (other === copy) continue;
    for (const one of wanted)
      if (showingsBetween(other.content, one.startMs, one.endMs).some(({ content }) => isTaken(content)))
        return 'the room is taken then';
  }
  return null;
}

/** Something tentative that nobody has decided on holds no room. */
const isTaken = (content: ItemContent): boolean =>
  (numberOf(content, calendarKey.busyStatus) ?? busy.busy) >= busy.busy;

/** The Resource Booking Attendant: answers for a room, and keeps of the meeting what strangers may see. */
export function book(surroundings: Surroundings, message: Item, copy: Item, origin: Origin): Answer {
  const { mailbox } = copy.folder;
  const settings = surroundings.settings(mailbox.address);
  const day = isMaster(copy.content) ? idDayOf(message.content) : null;
  const shown = showing(copy.content, day) ?? copy.content;
  const reason = objection(mailbox, copy, shown, settings);
  const answer: Answer = reason === null ? 'Accept' : 'Decline';
  const by: Origin = { ...origin, through: 'booking-attendant' };
  const organizer = organizerOf(message.content);
  const cleanId = cleanIdOf(copy.content);
  const responded = answered(copy.content, day, answer, mailbox.nowMs);
  surroundings.write(copy, day === null ? discreet(responded, settings) : responded, by, { day });
  if (answer === 'Decline' && day === null) {
    if (cleanId !== null)
      surroundings.intents.note(mailbox, cleanId, null, clientIntent.manager | clientIntent.respondedDecline);
    mailbox.remove(copy, 'MoveToDeletedItems', mailbox.server, { suppressReceipts: true });
  }
  if (organizer !== null)
    surroundings.world.postOffice.send(mailbox, {
      cause: 'meeting-response',
      content: responseContent(
        shown,
        idDayOf(message.content),
        answer,
        surroundings.sending(mailbox, [organizer]),
        reason,
      ),
      recipients: [organizer.address],
      origin: by,
    });
  if (!message.gone) mailbox.remove(message, 'MoveToDeletedItems', mailbox.server, { suppressReceipts: true });
  return answer;
}

/** DeleteSubject, AddOrganizerToSubject, DeleteComments, RemovePrivateProperty: on by default. */
function discreet(content: ItemContent, settings: CalendarSettings): ItemContent {
  const name = organizerOf(content)?.name ?? '';
  const rest = settings.deleteSubject ? '' : subjectOf(content);
  const subject = settings.addOrganizerToSubject ? `${name} ${rest}`.trim() : rest;
  const renamed = withProperties(content, {
    [key.subject]: text(subject),
    [key.normalizedSubject]: text(subject),
    ...(settings.removePrivateProperty ? { [key.sensitivity]: integer(0), [calendarKey.private]: flag(false) } : {}),
  });
  return settings.deleteComments ? { ...renamed, body: { type: 'Text', text: '' } } : renamed;
}
