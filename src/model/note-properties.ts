import { commonRows } from './common-rows.ts';
import type { NoteFields } from './note.ts';
import { propertySets, type TypedRow } from './property-row.ts';

const { note } = propertySets;

/** The property table of notes, in the form of `eventProperties`. */
export const noteProperties = {
  subject: {
    carriage: 'state',
    ews: ['item:Subject'],
    mapi: [{ tag: 0x0037, type: 'string' }],
    graph: null,
    dav: ['urn:schemas:httpmail:subject'],
    ical: null,
    merge: 'scalar',
    source: '[MS-OXONOTE] 2.2.2.1',
    note: 'First line of the text, made by the client.',
    sample: ['', 'Shopping', 'Grüße; "x", <y>'],
  },
  colour: {
    carriage: 'state',
    ews: [],
    mapi: [{ set: note, lid: 0x8b00, type: 'integer' }],
    graph: null,
    dav: [],
    ical: null,
    merge: 'scalar',
    source: '[MS-OXONOTE] 2.2.1.1',
    sample: [0, 1, 2, 3, 4],
  },
  width: {
    carriage: 'state',
    ews: [],
    mapi: [{ set: note, lid: 0x8b02, type: 'integer' }],
    graph: null,
    dav: [],
    ical: null,
    merge: 'scalar',
    unit: 'pixels',
    source: '[MS-OXONOTE] 2.2.1.2',
    sample: [0, 200],
  },
  height: {
    carriage: 'state',
    ews: [],
    mapi: [{ set: note, lid: 0x8b03, type: 'integer' }],
    graph: null,
    dav: [],
    ical: null,
    merge: 'scalar',
    unit: 'pixels',
    source: '[MS-OXONOTE] 2.2.1.3',
    sample: [0, 166],
  },
  categories: commonRows.categories,
  body: { ...commonRows.body, graph: null, ical: null },
} as const satisfies { readonly [F in keyof NoteFields]: TypedRow<NoteFields[F]> };
