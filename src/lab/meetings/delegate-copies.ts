import { calendarRightsOf } from '../world/calendar-rights.ts';
import type { Item } from '../world/item.ts';
import type { Origin } from '../world/post-office.ts';
import { meetingKey, meetingType } from './meeting-keys.ts';
import { integer, isCancellation, isRequest, numberOf, text, withProperties } from './meeting-view.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Sends requests, updates and cancellations on to the delegates who want them. [MS-OXODLGT] 3.1.4.4: the rule that delivers
 * meeting objects to delegates.
 */
export function copyToDelegates(surroundings: Surroundings, message: Item, origin: Origin): void {
  const { mailbox } = message.folder;
  if (!isRequest(message) && !isCancellation(message)) return;
  // A delegate's copy goes no further.
  if (message.content.properties.has(meetingKey.receivedFor)) return;
  const rights = calendarRightsOf(mailbox.organization);
  const delivery = rights.delivery(mailbox.address);
  if (delivery === 'NoForward') return;
  const to = rights
    .of(mailbox.address)
    .filter(({ receivesCopies }) => receivesCopies)
    .map(({ address }) => address);
  if (to.length === 0) return;
  const kind = numberOf(message.content, meetingKey.meetingType) ?? meetingType.request;
  surroundings.world.postOffice.send(mailbox, {
    cause: 'meeting-copy',
    content: withProperties(message.content, { [meetingKey.receivedFor]: text(mailbox.address) }),
    recipients: to,
    origin: { ...origin, through: 'transport' },
  });
  // What the owner keeps is for information: the delegates answer. [MS-OXOCAL] 2.2.6.5 mtgDelegatorCopy
  if (delivery !== 'DelegatesAndMe' && isRequest(message))
    mailbox.update(
      message,
      withProperties(message.content, { [meetingKey.meetingType]: integer(kind | meetingType.delegatorCopy) }),
      mailbox.server,
    );
}
