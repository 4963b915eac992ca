import type { NoteFields } from '#model/note.ts';
import { noteProperties as rows } from '#model/note-properties.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { extendedFieldUri } from '../extended-fields.ts';
import { extendedValue, type FieldCodec, mapiOf, typedBody, typedStrings, typedText } from '../typed/field-codec.ts';
import type { KindCodec } from '../typed/kind-codec.ts';
import { extendedPart } from '../typed/parts.ts';
import { propertyIn } from '../typed/shown-item.ts';
import { integer } from '../value-forms.ts';

/** PidTagIconIndex: 768 and the colour. [MS-OXONOTE] 2.2.2.2 */
const icon: MapiProperty = { tag: 0x1080, type: 'integer' };
const firstIcon = 0x300;
/** PidTagMessageFlags: read. Without it a message that is saved is a draft. [MS-OXCMSG] 2.2.1.6 */
const messageFlags: MapiProperty = { tag: 0x0e07, type: 'integer' };
const isColour = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 4;
/** What Outlook begins a note with. */
const usual: Pick<NoteFields, 'colour' | 'width' | 'height'> = { colour: 3, width: 200, height: 166 };

const colourProperty = mapiOf(rows.colour);
const colour: FieldCodec<number> = {
  paths: extendedFieldUri(colourProperty) + extendedFieldUri(icon),
  read(shown) {
    const own = propertyIn(shown, colourProperty);
    if (own !== null) {
      const value = integer.read(own);
      return isColour(value) ? value : undefined;
    }
    // Older notes have the icon alone.
    const byIcon = Number(integer.read(propertyIn(shown, icon) ?? '') ?? Number.NaN) - firstIcon;
    return isColour(byIcon) ? byIcon : usual.colour;
  },
  create: (value) => colourParts(value),
  update: (value) => colourParts(value),
};
const colourParts = (value: number) => [
  extendedPart(colourProperty, String(value)),
  extendedPart(icon, String(firstIcon + value)),
];

/** Sticky notes, [MS-OXONOTE]. EWS has no element for them: they are made as messages of their class and changed as items. */
export const noteCodec: KindCodec<'notes'> = {
  kind: 'notes',
  element: { create: 'Message', update: 'Item' },
  itemClass: 'ipm.stickynote',
  alwaysClass: true,
  order: ['ItemClass', 'Subject', 'Body', 'Categories', 'ExtendedProperty'],
  fields: {
    subject: typedText(rows.subject),
    body: typedBody(rows.body),
    colour,
    width: extendedValue(rows.width, integer, usual.width),
    height: extendedValue(rows.height, integer, usual.height),
    categories: typedStrings(rows.categories),
  },
  unread: { subject: '', body: { type: 'text', text: '' }, ...usual, categories: [] },
  indispensable: [],
  always: [extendedPart(messageFlags, '1')],
  losses: [
    {
      field: 'body',
      keptFrom: null,
      what: 'HTML gets a head that names its character set',
      concerns: ({ body }) => body?.type === 'html' && !/<meta[^>]+http-equiv/i.test(body.text),
    },
  ],
  canonical: (fields) => fields,
  settled: (set) => set,
  isPicture: () => false,
};
