import { noteProperties as rows } from '#model/note-properties.ts';
import { plainFields } from '#model/plain-fields.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import { body, categories, type FieldCodec, number, text } from './field-codec.ts';
import { mainProperties } from './item-properties.ts';
import type { PlainKindCodec } from './plain-kind.ts';
import { isNumber } from './property-values.ts';

const { note } = propertySets;
const { iconIndex, sideEffects } = mainProperties;

/** PidTagIconIndex: 768 and the colour. [MS-OXONOTE] 2.2.2.2 */
const firstIcon = 0x300;
const isColour = (value: unknown): value is number =>
  isNumber(value as never) && (value as number) >= 0 && (value as number) <= 4;

const [colourProperty] = rows.colour.mapi;
const colour: FieldCodec<number> = {
  write: (value) => [
    { property: colourProperty, value },
    { property: iconIndex, value: firstIcon + value },
  ],
  read(get) {
    const own = get(colourProperty);
    if (own !== undefined) return isColour(own) ? own : undefined;
    // Older notes have the icon alone.
    const icon = get(iconIndex);
    const byIcon = isNumber(icon) ? icon - firstIcon : -1;
    return isColour(byIcon) ? byIcon : undefined;
  },
};

const position: readonly MapiProperty[] = [
  { set: note, lid: 0x8b04, type: 'integer' },
  { set: note, lid: 0x8b05, type: 'integer' },
];

/** Sticky notes, [MS-OXONOTE]. */
export const noteCodec: PlainKindCodec<'notes'> = {
  kind: 'notes',
  fields: {
    subject: text(rows.subject.mapi[0]),
    body,
    colour,
    width: number(rows.width.mapi[0]),
    height: number(rows.height.mapi[0]),
    categories,
  },
  absent: plainFields.notes,
  // Opened rather than acted on from a list. [MS-OXCMSG] 2.2.1.16
  derive: () => [{ property: sideEffects, value: 0x110 }],
  derived: [],
  usual: [],
  keepsTag: () => false,
  wellKnown: position,
};
