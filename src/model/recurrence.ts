import type { Day } from './wall-time.ts';

export const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof weekdays)[number];
/** EWS DayOfWeekType: a weekday, or one of the groups that Outlook offers for relative patterns. */
export type DayOfWeek = Weekday | 'day' | 'weekday' | 'weekend-day';

/**
 * How a series repeats, in the words of Exchange, not of iCalendar: a day of the month that a month lacks is its last day
 * ([MS-OXCICAL] 2.1.3.2.2.3). Everything is wall time in the zone of the series' start. [MS-OXOCAL] 2.2.1.44
 */
export interface Recurrence {
  readonly pattern: RecurrencePattern;
  readonly range: RecurrenceRange;
}

export type RecurrencePattern =
  | { readonly kind: 'daily'; readonly interval: number }
  | {
      readonly kind: 'weekly';
      readonly interval: number;
      /** In the order of `weekdays`, at least one. */
      readonly days: readonly Weekday[];
      readonly firstDayOfWeek: Weekday;
    }
  | { readonly kind: 'monthly'; readonly interval: number; readonly dayOfMonth: number }
  | {
      readonly kind: 'monthly-relative';
      readonly interval: number;
      readonly day: DayOfWeek;
      /** 5: the last. */
      readonly index: 1 | 2 | 3 | 4 | 5;
    }
  | { readonly kind: 'yearly'; readonly interval: number; readonly month: number; readonly dayOfMonth: number }
  | {
      readonly kind: 'yearly-relative';
      readonly interval: number;
      readonly month: number;
      readonly day: DayOfWeek;
      readonly index: 1 | 2 | 3 | 4 | 5;
    }
  /** Tasks only: the next one begins so long after the last was completed. */
  | { readonly kind: 'regenerating'; readonly every: 'day' | 'week' | 'month' | 'year'; readonly interval: number };

export type RecurrenceRange =
  | { readonly end: 'never'; readonly startDay: Day }
  /** `lastDay`: no occurrence begins after it. */
  | { readonly end: 'date'; readonly startDay: Day; readonly lastDay: Day }
  | { readonly end: 'count'; readonly startDay: Day; readonly count: number };
