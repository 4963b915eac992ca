import type { XmlElement } from '#formats/text/xml-read.ts';
import { endMsOf, isMaster, occurrenceItem, occurrencesBetween, overlaps, startMsOf } from '../world/appointment.ts';
import type { Item } from '../world/item.ts';
import type { Context } from './context.ts';
import { EwsError } from './ews-error.ts';
import { type PreparedShape, writeItemNow } from './item-shape.ts';
import { attribute } from './request.ts';
import type { Xml } from './xml-out.ts';

/** Two years, with both of them leap years. (EWS doc: calendarview) */
const rangeMaxMs = 732 * 86_400_000;

/** What takes place between two times, series expanded, by start. (EWS doc: calendarview) */
export function calendarView(context: Context, view: XmlElement, items: readonly Item[], prepared: PreparedShape): Xml {
  const time = (name: string): number => {
    const text = (attribute(view, name) ?? '').trim();
    return Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
  };
  const fromMs = time('StartDate');
  const toMs = time('EndDate');
  if (toMs < fromMs)
    throw new EwsError('ErrorCalendarEndDateIsEarlierThanStartDate', 'EndDate is earlier than StartDate');
  if (toMs - fromMs > rangeMaxMs)
    throw new EwsError(
      'ErrorCalendarViewRangeTooBig',
      'The specified view range exceeds the maximum range of two years.',
    );
  const max = attribute(view, 'MaxEntriesReturned');
  if (max !== null && Number(max) < 1) throw new EwsError('ErrorInvalidPagingMaxRows');
  const found: { readonly startMs: number; readonly item: Item; readonly day: string | null }[] = [];
  for (const item of items) {
    const { content } = item;
    if (content.calendar === undefined) continue;
    if (isMaster(content))
      for (const { startMs, day } of occurrencesBetween(content, fromMs, toMs)) found.push({ startMs, item, day });
    else if (overlaps(startMsOf(content), endMsOf(content), fromMs, toMs))
      found.push({ startMs: startMsOf(content), item, day: null });
  }
  found.sort((a, b) => a.startMs - b.startMs || a.item.no - b.item.no);
  const limit = Math.min(
    max === null ? Number.POSITIVE_INFINITY : Number(max),
    context.organization.facts.findCountLimit ?? Number.POSITIVE_INFINITY,
  );
  const shown = found.slice(0, limit);
  return [
    `<m:RootFolder TotalItemsInView="${found.length}" IncludesLastItemInRange="${shown.length === found.length}"><t:Items>`,
    shown.map(({ item, day }) => writeItemNow(context, day === null ? item : occurrenceItem(item, day), prepared)),
    '</t:Items></m:RootFolder>',
  ];
}
