import { effectiveOccurrences } from '#formats/occurrences.ts';
import type { BusyTime } from '../contract.ts';
import type { MemoryMailbox } from './memory-organization.ts';

/** Times that are not free in the default calendar, in order of start, each as long as its event. Other calendars do not count. */
export function busyTimes(box: MemoryMailbox, from: number, until: number): readonly BusyTime[] {
  const calendar = box.byRole('calendar');
  const events = [...box.typed.items.values()].flatMap((item) => {
    const event = box.typed.find('calendar', item.id);
    return event && event.folder === calendar ? [box.typed.show(event)] : [];
  });
  return events
    .flatMap((event) =>
      effectiveOccurrences(event, { from, until }).flatMap(({ start, end, overrides }): BusyTime[] => {
        const showAs = overrides?.showAs ?? event.fields.showAs;
        return showAs === 'free' ? [] : [{ start, end, showAs }];
      }),
    )
    .sort((a, b) => a.start - b.start || a.end - b.end);
}
