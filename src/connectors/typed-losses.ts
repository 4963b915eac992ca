import { strayDays } from '#formats/occurrences.ts';
import type { AttachmentHead, Attendee, EventFields } from '#model/appointment.ts';
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

/** What is said of somebody beyond that no answer came. */
const isAnswer = ({ response, respondedAt }: Attendee): boolean =>
  respondedAt !== null || !['none', 'organizer'].includes(response);

const holders = ['calendar', 'contacts', 'tasks'] as const satisfies readonly TypedKind[];
type Holder = (typeof holders)[number];
/** Something about attachments of the item, or of occurrences of its own. */
const ofAttachments = (kind: Holder, what: string, concerns: (attachment: AttachmentHead) => boolean): TypedLoss => ({
  kind,
  field: 'attachments',
  what,
  concerns: (item, isWritten) => {
    const { attachments = [] } = item.fields as { readonly attachments?: readonly AttachmentHead[] };
    return (
      (isWritten && attachments.some(concerns)) ||
      item.occurrences.some(({ overrides }) => overrides.attachments?.some(concerns))
    );
  },
});

/** A file that says nothing of what it is, of which a server makes something. */
export const isUntyped = ({ contentType, kind }: AttachmentHead): boolean => contentType === null && kind === 'file';
export const typeIsGuessed = 'a file that names no type gets one from the server';

/** Over WebDAV every field goes by its MAPI properties; what stands in tables beside the properties has no place there. */
export const davLosses: readonly TypedLoss[] = [
  ofEvents(
    'attendees',
    'what attendees answered, and when, has no place in WebDAV',
    ({ fields, occurrences }, isWritten) =>
      (isWritten && fields.attendees.some(isAnswer)) ||
      occurrences.some(({ overrides }) => overrides.attendees?.some(isAnswer)),
  ),
  ofEvents(
    'organizer',
    'what nobody organizes is organized by the owner of the mailbox',
    ({ fields }, isWritten) => isWritten && fields.organizer === null,
  ),
  ofEvents('categories', 'an occurrence cannot have none where its series has some', ({ occurrences }) =>
    occurrences.some(({ overrides }) => overrides.categories?.length === 0),
  ),
  ...holders.flatMap((kind) => [
    ofAttachments(kind, 'a file that names no type is application/octet-stream', isUntyped),
    ofAttachments(kind, 'a file without a name is called attachment', ({ name }) => name === ''),
  ]),
];

/** Over Graph items go as whole messages by the import API, which keeps what Exchange keeps. */
export const graphLosses: readonly TypedLoss[] = holders.map((kind) => ofAttachments(kind, typeIsGuessed, isUntyped));

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
