import { isDeepStrictEqual } from 'node:util';
import type { TypedWritten } from '#connectors/contract.ts';
import type { AttachmentHead, Attendee, Body } from '#model/appointment.ts';
import { isOccurrenceDay } from '#model/expand-recurrence.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';

/** By field, in words. */
export type Unkept = TypedWritten['unkept'];

/** What a person sees of HTML, whatever frame the server puts around it. */
const inside = ({ type, text }: Body): unknown =>
  type === 'text' ? text : (/<body[^>]*>([\s\S]*)<\/body>/i.exec(text)?.[1] ?? text).trim();
/** Of a field that is not kept whole, what is there all the same. @param what In words, what is not kept. */
const left: Readonly<Record<string, (value: never, what: string) => unknown>> = {
  body: inside,
  attendees: (some: readonly Attendee[]) => some.map(({ name, address, role }) => [name, address, role]),
  attachments: (some: readonly AttachmentHead[], what) =>
    some.map(({ hash, isInline, kind, sizeBytes }) => [hash, kind, sizeBytes, /shown inside/.test(what) || isInline]),
};

/** Without prototypes, and with what has no order in one. */
function plain(field: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  const copy: unknown = JSON.parse(JSON.stringify(value));
  if (field !== 'attachments') return copy;
  const keyOf = (one: AttachmentHead) => `${one.hash} ${one.name} ${one.isInline}`;
  return (copy as readonly AttachmentHead[]).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Every difference of one set of fields that nobody spoke of. */
function fieldDifferences(where: string, before: object, after: object, unkept: Unkept): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((field) => {
    const [a, b] = [before, after].map((one) => plain(field, one[field as keyof typeof one]));
    if (isDeepStrictEqual(a, b)) return [];
    if (field in unkept) {
      const [still, what = ''] = [left[field], unkept[field]];
      if (still === undefined || a === undefined || b === undefined) return [];
      if (isDeepStrictEqual(still(a as never, what), still(b as never, what))) return [];
    }
    return [`${where}${field}: ${JSON.stringify(a)} became ${JSON.stringify(b)}`];
  });
}

/** Everything in which an item differs from what was handed on and that nobody spoke of; of what is not kept whole, what ought to be there all the same. */
export function differences(before: TypedItem, after: TypedItem, unkept: Unkept): readonly string[] {
  const { recurrence } = after.fields as { readonly recurrence?: Recurrence | null };
  /** Days that the pattern lacks are named as `occurrences`. */
  const has = (day: Day) => !('occurrences' in unkept) || recurrence == null || isOccurrenceDay(recurrence, day);
  const ofDays = ({ occurrences }: TypedItem) => new Map(occurrences.map(({ day, overrides }) => [day, overrides]));
  const [a, b] = [ofDays(before), ofDays(after)];
  const days = [...new Set([...a.keys(), ...b.keys()])].filter(has);
  const heads = ({ head: { identity, itemClass }, deletedDays }: TypedItem) => ({
    identity,
    itemClass,
    deletedDays: deletedDays.filter(has),
  });
  return [
    ...fieldDifferences('', before.fields, after.fields, unkept),
    ...days.flatMap((day) => fieldDifferences(`${day} `, a.get(day) ?? {}, b.get(day) ?? {}, unkept)),
    ...fieldDifferences('', heads(before), heads(after), {}),
  ];
}
