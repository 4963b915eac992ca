import {
  contentOfOccurrence,
  endMsOf,
  isMaster,
  occurrenceOn,
  occurrencesBetween,
  overlaps,
  startMsOf,
} from '../world/appointment.ts';
import type { Day } from '../world/calendar-part.ts';
import type { ItemContent } from '../world/item.ts';

/** One time at which an appointment takes place. */
export interface Showing {
  /** Day of the series; null: a single appointment. */
  readonly day: Day | null;
  /** UTC milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly isException: boolean;
  /** What it shows there. */
  readonly content: ItemContent;
}

/** When an appointment takes place within a span, by its start. Series are expanded. */
export function showingsBetween(content: ItemContent, fromMs: number, toMs: number): readonly Showing[] {
  if (!isMaster(content)) {
    const startMs = startMsOf(content);
    const endMs = endMsOf(content);
    return overlaps(startMs, endMs, fromMs, toMs) ? [{ day: null, startMs, endMs, isException: false, content }] : [];
  }
  return occurrencesBetween(content, fromMs, toMs).map((one) => ({
    day: one.day,
    startMs: one.startMs,
    endMs: one.endMs,
    isException: one.exception !== null,
    content: contentOfOccurrence(content, one),
  }));
}

/** What an appointment shows on a day of its series; `day` null: all of it. Null: it has no such occurrence. */
export function showing(content: ItemContent, day: Day | null): ItemContent | null {
  if (day === null) return content;
  if (!isMaster(content)) return null;
  const occurrence = occurrenceOn(content, day);
  return occurrence === null ? null : contentOfOccurrence(content, occurrence);
}
