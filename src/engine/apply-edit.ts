import type { ModifiedOccurrence } from '#model/appointment.ts';
import type { TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';

/**
 * The item as it is to be after an edit. A new recurrence, or a new `when` of a series, drops every exception that the edit does not name,
 * as Exchange does ([MS-OXOCAL] 3.1.4.7.3.5).
 */
export function applyEdit<Kind extends TypedKind>(item: TypedItem<Kind>, edit: TypedEdit<Kind>): TypedItem<Kind> {
  const before = item.fields as { readonly recurrence?: unknown };
  const set = edit.set as { readonly recurrence?: unknown; readonly when?: unknown };
  const drops =
    item.kind === 'calendar' && before.recurrence !== null && (set.recurrence !== undefined || set.when !== undefined);
  const modified = new Map<Day, ModifiedOccurrence>(drops ? [] : item.occurrences.map((o) => [o.day, o]));
  const deleted = new Set<Day>(drops ? [] : item.deletedDays);
  for (const entry of edit.occurrences) {
    if (entry.do === 'delete') {
      modified.delete(entry.day);
      deleted.add(entry.day);
    } else {
      deleted.delete(entry.day);
      modified.set(entry.day, { day: entry.day, overrides: entry.overrides });
    }
  }
  return {
    ...item,
    fields: { ...item.fields, ...edit.set },
    occurrences: [...modified.values()].sort((a, b) => (a.day < b.day ? -1 : 1)),
    deletedDays: [...deleted].sort(),
  };
}
