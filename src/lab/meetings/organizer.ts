import type { CalendarWrite, InvitationChoice } from '../world/calendar-hooks.ts';
import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import type { Attendee, Day } from '../world/calendar-part.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Origin } from '../world/post-office.ts';
import { messageFlag } from '../world/property.ts';
import { withOccurrence } from './apply-message.ts';
import { meetingKey, type meetingType } from './meeting-keys.ts';
import { cancellationContent, requestContent } from './meeting-message.ts';
import {
  attendeesOf,
  flag,
  integer,
  isReceived,
  partOf,
  propertyValue,
  same,
  sequenceOf,
  time,
  wasSent,
  withProperties,
} from './meeting-view.ts';
import { showing } from './occurrences.ts';
import type { Surroundings } from './surroundings.ts';

/** Times are kept in whole seconds, as every protocol that shows them does. */
const secondsOf = (ms: number): number => Math.floor(ms / 1000) * 1000;

const isIn = (list: readonly Attendee[], { address }: Attendee): boolean =>
  list.some((one) => same(one.address, address));

/** Whether attendees have to think again: it is at another time or in another pattern. [MS-OXOCAL] 3.1.4.7.2 */
function isSignificant(before: ItemContent, after: ItemContent): boolean {
  const changed = [calendarKey.start, calendarKey.end, calendarKey.allDay].some(
    (at) => propertyValue(before, at) !== propertyValue(after, at),
  );
  return changed || JSON.stringify(partOf(before).recurrence) !== JSON.stringify(partOf(after).recurrence);
}

const onlyChanged = (choice: InvitationChoice): boolean =>
  choice === 'SendOnlyToChanged' || choice === 'SendToChangedAndSaveCopy';
const savesCopy = (choice: InvitationChoice): boolean =>
  choice === 'SendToAllAndSaveCopy' || choice === 'SendToChangedAndSaveCopy';

/** What an organizer tells the attendees because of a write, by the choice that was made with it. */
export function tellAttendees(surroundings: Surroundings, write: CalendarWrite, origin: Origin): void {
  const { mailbox, item, day, before, after, choice, kind } = write;
  if (choice === 'SendToNone') return;
  const meeting = after ?? before;
  // An attendee's copy is nobody's invitation: what its owner writes into it concerns nobody else.
  if (meeting === null || isReceived(meeting)) return;
  if (kind === 'deleted') {
    if (before !== null && attendeesOf(before).length > 0)
      cancel(surroundings, mailbox, before, day, attendeesOf(before), origin, savesCopy(choice));
    return;
  }
  if (after === null || item.gone) return;
  const now = attendeesOf(after);
  const then = before === null ? [] : attendeesOf(before);
  const removed = then.filter((one) => !isIn(now, one));
  if (removed.length > 0 && before !== null && wasSent(before))
    cancel(surroundings, mailbox, before, day, removed, origin, savesCopy(choice));
  if (now.length === 0) return;
  invite(surroundings, mailbox, item, day, { before, added: now.filter((one) => !isIn(then, one)) }, origin, {
    onlyChanged: onlyChanged(choice),
    savesCopy: savesCopy(choice),
  });
}

/** Sends requests to who is new and updates to the others; the organizer's copy notes that it was sent. */
export function invite(
  surroundings: Surroundings,
  mailbox: Mailbox,
  item: Item,
  day: Day | null,
  since: { readonly before: ItemContent | null; readonly added: readonly Attendee[] },
  origin: Origin,
  options: { readonly onlyChanged: boolean; readonly savesCopy: boolean },
): void {
  const nowMs = secondsOf(mailbox.nowMs);
  const { before, added } = since;
  const shown = showing(item.content, day);
  if (shown === null) return;
  const everSent = before !== null && wasSent(before);
  const significant = before === null || isSignificant(before, shown);
  // Most writes of an organizer's copy raise the number by themselves.
  const isRaised = before !== null && sequenceOf(shown) > sequenceOf(before);
  const sequence = everSent && !options.onlyChanged && !isRaised ? sequenceOf(shown) + 1 : sequenceOf(shown);
  const noted = {
    [calendarKey.sequence]: integer(sequence),
    // Who comes later is told the version that the others have.
    ...(everSent && options.onlyChanged
      ? {}
      : { [calendarKey.ownerCriticalChange]: time(nowMs), [meetingKey.sequenceTime]: time(nowMs) }),
    [calendarKey.fInvited]: flag(true),
    [calendarKey.stateFlags]: integer(stateFlag.meeting),
  };
  // A full update takes the answers back that were given to what was before. (assumed: the tracking begins anew)
  const attendees = attendeesOf(shown).map((one) =>
    significant && everSent && !options.onlyChanged
      ? ({ ...one, response: 'NoResponseReceived', respondedAtMs: null } as const)
      : one,
  );
  const next =
    day === null
      ? withProperties({ ...item.content, calendar: { ...partOf(item.content), attendees } }, noted)
      : withOccurrence(
          withProperties(item.content, { [calendarKey.fInvited]: flag(true) }),
          day,
          noted,
          nowMs,
          significant ? attendees : undefined,
        );
  surroundings.write(item, next, origin, { day });
  const sent = showing(next, day);
  if (sent === null) return;
  const recipients = attendeesOf(sent).filter(({ address }) => !same(address, mailbox.address));
  const fresh = recipients.filter((one) => !everSent || isIn(added, one));
  const others = recipients.filter((one) => !fresh.includes(one));
  const send = (
    to: readonly Attendee[],
    type: keyof typeof meetingType,
    cause: 'meeting-request' | 'meeting-update',
  ) => {
    if (to.length === 0) return;
    const sending = surroundings.sending(mailbox, to);
    const content = requestContent(sent, day, type, sending);
    surroundings.world.postOffice.send(mailbox, {
      cause,
      content,
      recipients: to.map(({ address }) => address),
      origin,
    });
    if (options.savesCopy) keepCopy(mailbox, content);
  };
  send(fresh, 'request', 'meeting-request');
  if (!options.onlyChanged) send(others, significant ? 'full' : 'informational', 'meeting-update');
}

/** Sends cancellations. */
export function cancel(
  surroundings: Surroundings,
  mailbox: Mailbox,
  meeting: ItemContent,
  day: Day | null,
  to: readonly Attendee[],
  origin: Origin,
  savesCopy: boolean,
  body: string | null = null,
): void {
  const recipients = to.filter(({ address }) => !same(address, mailbox.address));
  // What was never sent is news to nobody.
  if (recipients.length === 0 || !wasSent(meeting)) return;
  const nowMs = secondsOf(mailbox.nowMs);
  const last = withProperties(meeting, {
    [calendarKey.sequence]: integer(sequenceOf(meeting) + 1),
    [calendarKey.ownerCriticalChange]: time(nowMs),
  });
  const content = cancellationContent(last, day, surroundings.sending(mailbox, recipients), body);
  surroundings.world.postOffice.send(mailbox, {
    cause: 'meeting-cancellation',
    content,
    recipients: recipients.map(({ address }) => address),
    origin,
  });
  if (savesCopy) keepCopy(mailbox, content);
}

/** The copy in Sent Items. */
export function keepCopy(mailbox: Mailbox, content: ItemContent): Item {
  return mailbox.create(
    mailbox.folder('sentitems'),
    { content, messageFlags: messageFlag.read | messageFlag.fromMe, isRead: true },
    mailbox.server,
  );
}
