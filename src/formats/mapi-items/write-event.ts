import type { Instant } from '#model/mail.ts';
import type { TypedDraft, TypedItem } from '#model/typed-item.ts';
import type { MapiMessage, MapiPropertyValue } from '../mapi/mapi-message.ts';
import { reminderTimes } from '../occurrences.ts';
import { writeAttachment } from './attachments.ts';
import { writeAppearance, writePlainFields } from './event-fields.ts';
import { writeExceptions, writeIdentity, writeSeries } from './event-series.ts';
import { writeReminderTimes, writeWhen, writeZones } from './event-times.ts';
import { writeExtras } from './extras.ts';
import { extrasToWrite, writeBody } from './item-body.ts';
import { mainProperties, stampProperty } from './item-properties.ts';
import { writeOrganizer } from './people.ts';
import { writeRecipients } from './recipients.ts';

/**
 * The properties of an event itself, but for its stamp and its extras.
 *
 * @param now The reminder of a series rings for its next occurrence after this.
 * @throws BlobError `no-occurrences` for a series without any
 */
export function eventValues(item: TypedItem<'calendar'>, now: Instant): readonly MapiPropertyValue[] {
  const { fields, head } = item;
  const { body: _, ...others } = fields;
  return [
    { property: mainProperties.messageClass, value: head.itemClass },
    { property: mainProperties.messageFlags, value: 1 },
    ...writePlainFields(others),
    ...writeBody(item),
    ...writeWhen(fields.when),
    ...writeReminderTimes(reminderTimes(item, fields.reminder.minutesBefore, now)),
    ...writeAppearance(fields),
    ...writeZones(fields.when),
    ...writeOrganizer(fields.organizer),
    ...writeIdentity(head.identity, null),
    ...writeSeries(item),
  ].filter(({ value }) => value !== null && !(Array.isArray(value) && value.length === 0));
}

/**
 * An event as a message, with what no request of EWS can write: the true organizer, who answered what, and exceptions as messages of
 * their own. The stamp is in it. Modified and deleted days outside of the pattern are left out (see `strayDays`): nothing in a calendar
 * could show them.
 *
 * @throws BlobError `no-occurrences` for a series without any
 */
export function writeEvent({ item, stamp, ...draft }: TypedDraft<'calendar'>, now: Instant): MapiMessage {
  const { attendees, organizer } = item.fields;
  const values = [...eventValues(item, now), { property: stampProperty, value: stamp }];
  return {
    properties: [...values, ...writeExtras(extrasToWrite(item), values)],
    recipients: writeRecipients(attendees, organizer),
    attachments: [
      ...draft.attachments.map((file) => writeAttachment(file)),
      ...writeExceptions(item, draft.occurrenceAttachments).values(),
    ],
  };
}
