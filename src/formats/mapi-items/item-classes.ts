import type { TypedKind } from '#model/typed-item.ts';
import { ItemError } from './item-error.ts';
import { mainProperties } from './item-properties.ts';
import { type Get, isText } from './property-values.ts';

/** PidTagMessageClass of each kind; what goes on after a dot is of the kind, too ([MS-OXCMSG] 2.2.1.3). */
export const itemClasses = {
  calendar: 'IPM.Appointment',
  contacts: 'IPM.Contact',
  tasks: 'IPM.Task',
  notes: 'IPM.StickyNote',
} as const satisfies Record<TypedKind, string>;

/** What else lies in the folders of these kinds and is not carried over by this version. */
const strangers: readonly (readonly [itemClass: string, what: string])[] = [
  ['IPM.DistList', 'a distribution list'],
  ['IPM.TaskRequest', 'the assignment of a task'],
  ['IPM.Schedule', 'a message about a meeting'],
  ['IPM.Activity', 'an entry of the journal'],
  ['IPM.Note', 'a message'],
  ['IPM.Post', 'a post'],
];

const isOfClass = (itemClass: string, wanted: string): boolean =>
  itemClass.toLowerCase() === wanted.toLowerCase() || itemClass.toLowerCase().startsWith(`${wanted.toLowerCase()}.`);

/** Why an item is none of the kind, in words for the report; null: it is. */
export function strangerAmong(kind: TypedKind, itemClass: string): string | null {
  if (isOfClass(itemClass, itemClasses[kind])) return null;
  const what = strangers.find(([other]) => isOfClass(itemClass, other))?.[1] ?? 'an item of another kind';
  return `${itemClass === '' ? 'no class' : itemClass}: ${what} among ${kind}`;
}

/** @throws ItemError `not-of-this-kind` */
export function requireKind(kind: TypedKind, get: Get): void {
  const itemClass = get(mainProperties.messageClass);
  const stranger = strangerAmong(kind, isText(itemClass) ? itemClass : '');
  if (stranger !== null) throw new ItemError('not-of-this-kind', stranger);
}
