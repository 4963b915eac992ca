import { calendarKey } from '../world/calendar-keys.ts';
import type { ItemContent } from '../world/item.ts';
import { key, type PropertyKey } from '../world/property.ts';
import { wallOf } from '../world/zone.ts';
import type { SeriesBlob } from './recur-blob.ts';

/** What PidLidAppointmentRecur says of a series; null: it is none. */
export function seriesOfContent({ calendar }: ItemContent): SeriesBlob | null {
  const recurrence = calendar?.recurrence ?? null;
  if (calendar === undefined || recurrence === null) return null;
  return {
    recurrence,
    deletedDays: calendar.deletedDays,
    exceptions: calendar.exceptions.map((exception) => {
      const own = <T>(at: PropertyKey, name: string, absent: T): Record<string, T> => {
        const property = exception.properties.get(at);
        return property === undefined ? {} : { [name]: (property?.value ?? absent) as T };
      };
      return {
        day: exception.day,
        startWall: wallOf(calendar.startZone, exception.startMs),
        endWall: wallOf(calendar.startZone, exception.endMs),
        ...own(key.subject, 'subject', ''),
        ...own(calendarKey.location, 'location', ''),
        ...own(calendarKey.stateFlags, 'stateFlags', 0),
        ...own(calendarKey.reminderMinutes, 'reminderMinutes', 15),
        ...own(key.reminderSet, 'reminderSet', false),
        ...own(calendarKey.busyStatus, 'busyStatus', 2),
        ...own(calendarKey.allDay, 'allDay', false),
        ...(exception.attachments === null ? {} : { hasAttachments: exception.attachments.length > 0 }),
        ownBody: exception.body !== null,
      };
    }),
  };
}
