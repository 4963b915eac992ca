import type { Instant } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { MapiMessage } from '../mapi/mapi-message.ts';
import { isSameProperty } from '../mapi/mapi-message.ts';
import { itemClasses } from './item-classes.ts';
import { stampProperty } from './item-properties.ts';
import { writeEvent } from './write-event.ts';

/** What makes an occurrence one of a meeting, and what is only weight. */
const ofMeetings: ReadonlySet<string> = new Set([
  'attendees',
  'attachments',
  'myResponse',
  'myResponseAt',
  'stateFlags',
]);

/**
 * The same event as an appointment of the owner’s own: without attendees, organizer and answers, so that nobody is told when it is
 * removed. It replaces the meeting under its identity; times, text and days stay for whoever recovers it, and nothing rings.
 *
 * @throws BlobError `no-occurrences` for a series without any
 */
export function plainAppointmentOver(item: TypedItem<'calendar'>, now: Instant): MapiMessage {
  const plain: TypedItem<'calendar'> = {
    ...item,
    head: { ...item.head, itemClass: itemClasses.calendar },
    fields: {
      ...item.fields,
      attendees: [],
      attachments: [],
      organizer: null,
      stateFlags: 0,
      invited: false,
      responseRequested: false,
      myResponse: 'unknown',
      myResponseAt: null,
      ownerCriticalChangeAt: null,
      attendeeCriticalChangeAt: null,
      intendedShowAs: null,
      onlineMeetingUrl: null,
      reminder: { ...item.fields.reminder, isSet: false },
    },
    occurrences: item.occurrences.map(({ day, overrides }) => {
      const own = Object.fromEntries(
        Object.entries(overrides).filter(([field]) => !ofMeetings.has(field)),
      ) as typeof overrides;
      return {
        day,
        overrides: { ...own, ...(own.reminder === undefined ? {} : { reminder: { ...own.reminder, isSet: false } }) },
      };
    }),
    extras: [],
  };
  const draft = {
    item: plain,
    attachments: [],
    occurrenceAttachments: new Map(),
    stamp: item.head.stamp ?? ('' as StampText),
  };
  const message = writeEvent(draft, now);
  if (item.head.stamp !== null) return message;
  return {
    ...message,
    properties: message.properties.filter(({ property }) => !isSameProperty(property, stampProperty)),
  };
}
