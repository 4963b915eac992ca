import { must } from '#kit/assert.ts';
import type { Side } from '#model/ids.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { Day } from '#model/wall-time.ts';
import { type MergeContext, otherSide } from './merge-context.ts';
import { isChanged, isRevised, type Levels, type Values } from './merge-level.ts';

/** PidLidAppointmentStateFlags, [MS-OXOCAL] 2.2.1.10. */
const MEETING = 1;
const RECEIVED = 2;
const CANCELLED = 4;

/**
 * Whether it is a meeting, and whether it is cancelled, are merged; whose copy it is (received) belongs to each side, but for an
 * appointment that becomes a meeting. What the organizer said last is right about whether it is off; occurrences have no revisions of their own.
 */
export function mergeStateFlags(context: MergeContext, day: Day | null, levels: Levels) {
  const own = { left: levels.left.values['stateFlags'], right: levels.right.values['stateFlags'] };
  const isOccurrence = levels.left.series !== undefined;
  if (isOccurrence && own.left === undefined && own.right === undefined) return own;
  // An occurrence without flags has those of its series.
  const shown = (side: Side): number => Number(own[side] ?? levels[side].series?.values['stateFlags'] ?? 0);
  const before = (side: Side): number | null => {
    const { base, series } = levels[side];
    const value = base === null ? undefined : (base['stateFlags'] ?? series?.base?.['stateFlags']);
    return value === undefined ? null : Number(value);
  };
  const flags = { left: shown('left'), right: shown('right') };
  const bit = (mask: number): number => {
    const changedOn = (side: Side): boolean => {
      const was = before(side);
      return was !== null && ((flags[side] ^ was) & mask) !== 0;
    };
    const noBase = levels.left.base === null || levels.right.base === null;
    if (noBase || changedOn('left') === changedOn('right')) return (flags.left | flags.right) & mask;
    return flags[changedOn('left') ? 'left' : 'right'] & mask;
  };
  const row = must(typedRows('calendar')['stateFlags'], 'events have state flags');
  if (!isChanged(levels, 'stateFlags', row).any) return flags;
  const meeting = bit(MEETING);
  const newer = day === null && !context.isCountOnly ? context.organizerNewer : null;
  const cancelled = newer && isRevised(levels)[newer] ? flags[newer] & CANCELLED : bit(CANCELLED);
  const receivedOf = (side: Side): number => {
    const role = flags[side] & MEETING ? flags[side] : flags[otherSide(side)];
    return meeting ? role & RECEIVED : 0;
  };
  return { left: meeting | cancelled | receivedOf('left'), right: meeting | cancelled | receivedOf('right') };
}

/**
 * A meeting of one's own to which people were invited. Whoever deletes it has called it off, and servers tell everybody. Back in one's own
 * calendar it would be a meeting to which nobody comes, and for the Repair Assistant one of which everybody has to be told again.
 *
 * @param fields As they are, or as a snapshot holds them.
 */
export function isOwnMeeting(fields: Values): boolean {
  return isOrganizers(fields) && fields['invited'] === true && Object.keys(fields['attendees'] ?? {}).length > 0;
}

/** The organizer's copy of a meeting, sent or not. */
export const isOrganizers = ({ stateFlags }: Values): boolean =>
  (Number(stateFlags) & (MEETING | RECEIVED)) === MEETING;
