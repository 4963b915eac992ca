import { strayDays } from '#formats/occurrences.ts';
import type { Attendee, EventFields } from '#model/appointment.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';

/** Something that a way of writing does not keep of an item. */
export interface TypedLoss {
  readonly kind: TypedKind;
  readonly field: string;
  /** In words, for the report and the documents of what is carried. */
  readonly what: string;
  /** Whether it concerns an item as it is to be. @param isWritten Whether the field is among those that are written. */
  readonly concerns: (item: TypedItem, isWritten: boolean) => boolean;
}

type Event = TypedItem<'calendar'>;
const ofEvents = (
  field: keyof EventFields,
  what: string,
  concerns: (event: Event, isWritten: boolean) => boolean,
): TypedLoss => ({
  kind: 'calendar',
  field,
  what,
  concerns: (item, isWritten) => concerns(item as Event, isWritten),
});

/** An answer that somebody gave, not one that is there without anybody saying so. */
const isAnswer = ({ response, respondedAt }: Attendee): boolean =>
  respondedAt !== null || !['unknown', 'none', 'organizer'].includes(response);

/** Over WebDAV every field goes by its MAPI properties; what stands in tables beside the properties has no place there. */
export const davLosses: readonly TypedLoss[] = [
  ofEvents(
    'attendees',
    'what attendees answered, and when, has no place in WebDAV',
    ({ fields, occurrences }, isWritten) =>
      (isWritten && fields.attendees.some(isAnswer)) ||
      occurrences.some(({ overrides }) => overrides.attendees?.some(isAnswer)),
  ),
];

/** Over Graph items go as whole messages by the import API, which keeps what Exchange keeps. */
export const graphLosses: readonly TypedLoss[] = [];

/**
 * What of an item will not be there afterwards, by field.
 *
 * @param written The fields that are written; null: all of them.
 */
export function unkeptBy(
  losses: readonly TypedLoss[],
  item: TypedItem,
  written: object | null,
): Readonly<Record<string, string>> {
  const unkept: Record<string, string> = {};
  for (const { kind, field, what, concerns } of losses) {
    if (kind !== item.kind || !concerns(item, written === null || field in written)) continue;
    unkept[field] = unkept[field] === undefined ? what : `${unkept[field]}; ${what}`;
  }
  const stray = item.kind === 'calendar' ? strayDays(item as Event).length : 0;
  return stray === 0 ? unkept : { ...unkept, occurrences: `${stray} days that the pattern does not have` };
}
