import type { Reminder } from '#model/appointment.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { Day } from '#model/wall-time.ts';
import { journal, type MergeContext, otherSide, verdict } from './merge-context.ts';
import { isChanged, type Levels, own } from './merge-level.ts';

/**
 * Only the side the person works in rings. A reminder that is set on the other side is taken over here and silenced there: it was set
 * by a person who looked at that calendar, or the person was switched.
 */
export function mergeReminder(
  context: MergeContext,
  day: Day | null,
  levels: Levels,
  field: string,
  row: TypedRow<unknown>,
) {
  const { active } = context.policy;
  const passive = otherSide(active);
  const values = own(levels, field) as { left: Reminder | undefined; right: Reminder | undefined };
  const quiet = values[passive];
  const ringing = values[active];
  const result = (onActive: Reminder | undefined, onPassive: Reminder | undefined) =>
    active === 'left' ? { left: onActive, right: onPassive } : { left: onPassive, right: onActive };
  if (!quiet?.isSet) return result(ringing, quiet);
  const silenced = levels[passive].series ? undefined : { ...quiet, isSet: false };
  const changed = isChanged(levels, field, row);
  const isEqual = ringing?.isSet === true && ringing.minutesBefore === quiet.minutesBefore;
  if (isEqual || !changed[passive]) return result(ringing?.isSet || changed[active] ? ringing : quiet, silenced);
  if (!changed[active] || ringing?.isSet !== true) return result(quiet, silenced);
  const by = verdict(context, field);
  journal(context, by, field, day, { base: levels[active].base?.[field], ...values });
  return result(by.winner === active ? ringing : quiet, silenced);
}
