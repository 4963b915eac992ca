import type { EventIdentity } from './appointment.ts';
import type { Day } from './wall-time.ts';

/** Digits of the day in an identity, and which ones they are: year, month, day of the month ([MS-OXOCAL] 2.2.1.27). */
const day = /^(040000008200E00074C5B7101A82E008)([0-9A-F]{4})([0-9A-F]{2})([0-9A-F]{2})/;
const noDay = '00000000';

/**
 * Of an occurrence that is there without its series: the identity of that series, and the day by its pattern. Null: the identity is that of
 * a whole event.
 */
export function loneOccurrence(identity: EventIdentity): { readonly series: EventIdentity; readonly day: Day } | null {
  const [found, start = '', ...parts] = day.exec(identity) ?? [];
  if (found === undefined) return null;
  const [year = 0, month = 0, date = 0] = parts.map((digits) => Number.parseInt(digits, 16));
  if (year < 1601 || year > 4500 || month < 1 || month > 12 || date < 1 || date > 31) return null;
  return {
    series: `${start}${noDay}${identity.slice(found.length)}` as EventIdentity,
    day: [String(year).padStart(4, '0'), ...[month, date].map((n) => String(n).padStart(2, '0'))].join('-') as Day,
  };
}
