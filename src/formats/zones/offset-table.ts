import type { Instant } from '#model/mail.ts';
import type { WallTime } from '#model/wall-time.ts';

/** From this instant until the next span begins, wall time is UTC plus the offset. */
export interface OffsetSpan {
  readonly from: Instant;
  readonly offsetMs: number;
}

/** The spans of one zone, a UTC year at a time: never empty, ascending, the first begins with the year. */
export type OffsetTable = (year: number) => readonly OffsetSpan[];

const yearOf = (ms: number): number => new Date(ms).getUTCFullYear();

/** What Date can hold less two years, so that looking at neighbours stays inside. Exchange's calendars know 1601 to 4500. */
const [firstYear, lastYear] = [1000, 9999];
const clamped = (year: number): number =>
  Math.min(Math.max(Number.isNaN(year) ? firstYear : year, firstYear), lastYear);

export function offsetAt(table: OffsetTable, instant: Instant): number {
  const spans = table(clamped(yearOf(instant)));
  let offsetMs = 0;
  for (const [at, span] of spans.entries()) {
    if (at > 0 && span.from > instant) break;
    offsetMs = span.offsetMs;
  }
  return offsetMs;
}

/**
 * The instant at which a clock on the wall shows `wall`. Shown twice (the hour when daylight saving ends): the first of the two, in
 * daylight time. Never shown (the hour that is left out when it begins): as if the clock had not been changed yet, so that 02:30 is
 * what the clocks then call 03:30. So do TzSpecificLocalTimeToSystemTimeEx of Windows (documented there) and RFC 5545 3.3.5; for
 * Exchange itself no public source was found. See docs/time-zones.md.
 */
export function instantOfWall(table: OffsetTable, wall: WallTime): Instant {
  const year = clamped(yearOf(wall));
  const spans = [year - 1, year, year + 1].flatMap((one) => table(clamped(one)));
  let before = spans[0]?.offsetMs ?? 0;
  for (const [at, span] of spans.entries()) {
    const instant = wall - span.offsetMs;
    const next = spans[at + 1];
    if (next !== undefined && instant >= next.from) {
      before = span.offsetMs;
      continue;
    }
    // Not in the span that ended and not in this one: left out between the two.
    return at === 0 || instant >= span.from ? instant : wall - before;
  }
  return wall - before;
}
