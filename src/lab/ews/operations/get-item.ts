import type { XmlElement } from '#formats/text/xml-read.ts';
import { isMaster, occurrenceItem, occurrencesBetween } from '../../world/appointment.ts';
import type { Item } from '../../world/item.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { prepareShape, readItemShape, writeItem } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, isTrue, kids } from '../request.ts';

/** The occurrences of a series within spans of time, each span with a largest number. (EWS doc: recurringmasteritemidranges) */
function occurrencesIn(master: Item, element: XmlElement): readonly Item[] {
  if (!isMaster(master.content))
    throw new EwsError('ErrorCalendarCannotUseIdForRecurringMasterId', 'The Id is not that of a recurring master.');
  const days = new Set<string>();
  for (const range of kids(child(element, 'Ranges'))) {
    const fromMs = Date.parse(attribute(range, 'Start') ?? '1601-01-01T00:00:00Z');
    const toMs = Date.parse(attribute(range, 'End') ?? '4500-01-01T00:00:00Z');
    // Without an end a series could be as long as the calendar.
    const count = Math.min(Number(attribute(range, 'Count') ?? occurrencesMax), occurrencesMax);
    const byOriginal = isTrue(attribute(range, 'CompareOriginalStartTime'));
    let left = count;
    const found = occurrencesBetween(master.content, fromMs, Math.min(toMs, fromMs + rangeMaxMs));
    for (const { day, originalStartMs } of found) {
      if (byOriginal && (originalStartMs < fromMs || originalStartMs >= toMs)) continue;
      if (left-- <= 0) break;
      days.add(day);
    }
  }
  return [...days].sort().map((day) => occurrenceItem(master, day));
}

/** Bounds of one answer (assumed). */
const occurrencesMax = 1000;
const rangeMaxMs = 20 * 366 * 86_400_000;

/** EWS doc: getitem-operation. */
export const getItem: Operation = {
  request: 'GetItem',
  name: 'GetItem',
  since: 'Exchange2007',
  run(request, context) {
    const element = child(request, 'ItemShape');
    return batch(
      context,
      'GetItem',
      kids(child(request, 'ItemIds')),
      async (id) => {
        const prepared = prepareShape(readItemShape(element), false);
        const { item } = context.item(id);
        const shown = id.name === 'RecurringMasterItemIdRanges' ? occurrencesIn(item, id) : [item];
        return ['<m:Items>', await Promise.all(shown.map((one) => writeItem(context, one, prepared))), '</m:Items>'];
      },
      '<m:Items/>',
    );
  },
};
