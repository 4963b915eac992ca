import { contactProperties } from './contact-properties.ts';
import { eventProperties } from './event-properties.ts';
import { noteProperties } from './note-properties.ts';
import type { TypedRow } from './property-row.ts';
import { taskProperties } from './task-properties.ts';
import type { TypedKind } from './typed-item.ts';

/** The property tables of typed items, by kind. */
const typedProperties = {
  calendar: eventProperties,
  contacts: contactProperties,
  tasks: taskProperties,
  notes: noteProperties,
} as const;

/** The table of a kind for those who treat all fields alike. */
export const typedRows = (kind: TypedKind): Readonly<Record<string, TypedRow<unknown>>> => typedProperties[kind];
