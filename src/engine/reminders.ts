import type { Reminder } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';

/**
 * An item as it is created on a side. Only the side the person works in rings: a copy on the other one is silent, or every meeting
 * would ring twice, and a whole year of past ones at the first logon.
 */
export function asCreatedOn<Kind extends TypedKind>(
  on: Side,
  item: TypedItem<Kind>,
  policy: TypedPolicy,
): TypedItem<Kind> {
  const { reminder } = item.fields as { readonly reminder?: Reminder };
  if (on === policy.active || !reminder) return item;
  return {
    ...item,
    fields: { ...item.fields, reminder: { ...reminder, isSet: false } },
    occurrences: item.occurrences.map(({ day, overrides }) => {
      const { reminder: _, ...rest } = overrides;
      return { day, overrides: rest };
    }),
  };
}

/** Whether an item has a reminder, of its own or of one of its occurrences. */
export function isRinging({ fields, occurrences }: TypedItem): boolean {
  const { reminder } = fields as { readonly reminder?: Reminder };
  return reminder?.isSet === true || occurrences.some(({ overrides }) => overrides.reminder?.isSet === true);
}
