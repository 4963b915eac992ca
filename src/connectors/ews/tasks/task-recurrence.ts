import { childText, type XmlElement } from '#formats/text/xml-read.ts';
import type { Recurrence, RecurrencePattern, RecurrenceRange } from '#model/recurrence.ts';
import { typesNamespace } from '../namespaces.ts';
import type { SchemaVersion } from '../server-version.ts';
import {
  interval,
  positive,
  readRange,
  readRecurrence,
  recurrenceLoss,
  writeRange,
  writeRecurrence,
} from '../typed/recurrence-codec.ts';

/**
 * `t:Recurrence` of tasks: that of events, or so long after the last one was completed.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/recurrence-taskrecurrencetype
 */

type Every = (RecurrencePattern & { readonly kind: 'regenerating' })['every'];
const regenerations = [
  ['DailyRegeneration', 'day'],
  ['WeeklyRegeneration', 'week'],
  ['MonthlyRegeneration', 'month'],
  ['YearlyRegeneration', 'year'],
] as const satisfies readonly (readonly [string, Every])[];

export function writeTaskRecurrence(recurrence: Recurrence, version: SchemaVersion): string | null {
  const { pattern, range } = recurrence;
  if (pattern.kind !== 'regenerating') return writeRecurrence(recurrence, version);
  const name = regenerations.find(([, every]) => every === pattern.every)?.[0] ?? 'DailyRegeneration';
  return `<t:Recurrence><t:${name}>${interval(pattern.interval)}</t:${name}>${writeRange(range)}</t:Recurrence>`;
}

/** Undefined: something in it cannot be read. */
export function readTaskRecurrence(element: XmlElement): Recurrence | undefined {
  let pattern: RecurrencePattern | undefined;
  let range: RecurrenceRange | undefined;
  for (const one of element.children) {
    const every = regenerations.find(([name]) => name === one.name)?.[1];
    const count = every === undefined ? undefined : positive(childText(one, typesNamespace, 'Interval'));
    if (every !== undefined && count !== undefined) pattern = { kind: 'regenerating', every, interval: count };
    range ??= readRange(one);
  }
  if (pattern === undefined) return readRecurrence(element);
  return range === undefined ? undefined : { pattern, range };
}

/** Why a recurrence cannot be told to a server of this version exactly; null: it can. */
export const taskRecurrenceLoss = (recurrence: Recurrence, version: SchemaVersion): string | null =>
  recurrence.pattern.kind === 'regenerating' ? null : recurrenceLoss(recurrence, version);
