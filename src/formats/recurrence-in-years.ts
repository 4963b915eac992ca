import type { Recurrence } from '#model/recurrence.ts';

/**
 * Every 24 months is every other year, and servers keep either: a pattern of years has its period in months ([MS-OXOCAL] 2.2.1.44.1,
 * [MS-OXCICAL] 2.1.3.2.2.3), and EWS has no other words for it. Every 12 months stay months: all of them have words for both.
 */
export function inYears(recurrence: Recurrence): Recurrence {
  const { pattern, range } = recurrence;
  if (pattern.kind !== 'monthly' && pattern.kind !== 'monthly-relative') return recurrence;
  if (pattern.interval <= 12 || pattern.interval % 12 !== 0) return recurrence;
  const years = { interval: pattern.interval / 12, month: Number(range.startDay.slice(5, 7)) };
  if (pattern.kind === 'monthly')
    return { pattern: { kind: 'yearly', ...years, dayOfMonth: pattern.dayOfMonth }, range };
  const { day, index } = pattern;
  return { pattern: { kind: 'yearly-relative', ...years, day, index }, range };
}
