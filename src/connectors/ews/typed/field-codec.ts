import { shownBody } from '#formats/shown-body.ts';
import { attribute, children } from '#formats/text/xml-read.ts';
import { escapeText } from '#formats/text/xml-write.ts';
import type { Body } from '#model/appointment.ts';
import type { MapiProperty, TypedRow } from '#model/property-row.ts';
import type { Day } from '#model/wall-time.ts';
import { readTime } from '../ews-time.ts';
import { extendedFieldUri } from '../extended-fields.ts';
import { typesNamespace } from '../namespaces.ts';
import type { SchemaVersion } from '../server-version.ts';
import type { Form } from '../value-forms.ts';
import { elementOf, extendedPart, fieldUri, type Part, typedPart } from './parts.ts';
import { propertyIn, type ShownItem, textIn } from './shown-item.ts';

/** One field of a contact, task or note in both directions. */
export interface FieldCodec<T> {
  /** What a read asks for. */
  readonly paths: string;
  /** Undefined: what is shown cannot be read. */
  read(shown: ShownItem): T | undefined;
  /** Everything of the value, for a create; what it lacks is left out. */
  create(value: T, version: SchemaVersion): readonly Part[];
  /** What changes, for an update. */
  update(value: T, before: T, version: SchemaVersion): readonly Part[];
}

type Row = Pick<TypedRow<unknown>, 'ews' | 'mapi'>;
const uriOf = (row: Row): string => row.ews[0] ?? '';
export function mapiOf(row: Row, at = 0): MapiProperty {
  const property = row.mapi[at];
  if (property === undefined) throw new Error(`the property table has no MAPI property ${at} for this field`);
  return property;
}

/** A field whose write is the same whatever was there before. */
function plain<T>(codec: {
  readonly paths: string;
  read(shown: ShownItem): T | undefined;
  write(value: T): readonly Part[];
}): FieldCodec<T> {
  const { paths, read, write } = codec;
  return {
    paths,
    read,
    create: (value) => write(value).filter(({ xml }) => xml !== null),
    update: (value) => write(value),
  };
}

/** A typed element with text; '' is no element. */
export function typedText(row: Row): FieldCodec<string> {
  const uri = uriOf(row);
  return plain({
    paths: fieldUri(uri),
    read: (shown) => textIn(shown, elementOf(uri)) ?? '',
    write: (value) => [typedPart(uri, value === '' ? null : escapeText(value))],
  });
}

/** The same as an extended property. @param typedUri Shown when the property is not, and never written. */
export function extendedText(row: Row, typedUri: string | null = null): FieldCodec<string> {
  const property = mapiOf(row);
  return plain({
    paths: extendedFieldUri(property) + (typedUri === null ? '' : fieldUri(typedUri)),
    read: (shown) =>
      propertyIn(shown, property) ?? (typedUri === null ? null : textIn(shown, elementOf(typedUri))) ?? '',
    write: (value) => [extendedPart(property, value === '' ? null : value)],
  });
}

/** A typed element with one value that is always written. */
export function typedValue<T>(row: Row, form: Form, absent: T): FieldCodec<T> {
  const uri = uriOf(row);
  return plain({
    paths: fieldUri(uri),
    read(shown) {
      const text = textIn(shown, elementOf(uri));
      return text === null ? absent : (form.read(text) as T | undefined);
    },
    write: (value) => [typedPart(uri, value === null ? null : escapeText(form.write(value as never)))],
  });
}

/** An extended property with one value that is always written. */
export function extendedValue<T>(row: Row, form: Form, absent: T): FieldCodec<T> {
  const property = mapiOf(row);
  return plain({
    paths: extendedFieldUri(property),
    read(shown) {
      const text = propertyIn(shown, property);
      return text === null ? absent : (form.read(text) as T | undefined);
    },
    write: (value) => [extendedPart(property, form.write(value as never))],
  });
}

/** `t:ArrayOfStringsType`; an empty list is no element. */
export function typedStrings(row: Row): FieldCodec<readonly string[]> {
  const uri = uriOf(row);
  return plain({
    paths: fieldUri(uri),
    read(shown) {
      const element = shown.typed.get(elementOf(uri));
      return element === undefined ? [] : children(element, typesNamespace, 'String').map((one) => one.text);
    },
    write: (value) => [
      typedPart(
        uri,
        value.length === 0 ? null : value.map((one) => `<t:String>${escapeText(one)}</t:String>`).join(''),
      ),
    ],
  });
}

export function typedBody(row: Row): FieldCodec<Body> {
  const path = fieldUri(uriOf(row));
  return plain({
    paths: path,
    read(shown) {
      const element = shown.typed.get('Body');
      if (element === undefined) return { type: 'text', text: '' };
      return shownBody(attribute(element, 'BodyType') === 'HTML' ? 'html' : 'text', element.text);
    },
    write: ({ type, text }) => [
      {
        path,
        element: 'Body',
        xml: `<t:Body BodyType="${type === 'html' ? 'HTML' : 'Text'}">${escapeText(text)}</t:Body>`,
      },
    ],
  });
}

const dayMs = 86_400_000;

/**
 * The day that a point in time stands for: writers take midnight of their own zone, midnight or noon in UTC. The nearest midnight of UTC
 * is right for zones from 12 hours west to 12 hours east.
 */
const nearestDay = (instant: number): Day =>
  new Date(Math.floor((instant + dayMs / 2) / dayMs) * dayMs).toISOString().slice(0, 10) as Day;

/** A day as a point in time on the wire. @param timeOfDay `11:59:00`, in UTC. */
export function typedDay(row: Row, timeOfDay: string, local: MapiProperty | null = null): FieldCodec<Day | null> {
  const uri = uriOf(row);
  return plain({
    paths: fieldUri(uri) + (local === null ? '' : extendedFieldUri(local)),
    read(shown) {
      const text = textIn(shown, elementOf(uri));
      if (text === null) return null;
      const instant = readTime(text);
      if (instant === undefined) return undefined;
      const own = local === null ? undefined : readTime(propertyIn(shown, local) ?? '');
      // One that was left behind by a client that knows only the instant is not believed.
      return own !== undefined && own % dayMs === 0 && Math.abs(own - instant) <= dayMs
        ? nearestDay(own)
        : nearestDay(instant);
    },
    write: (day) => [
      typedPart(uri, day === null ? null : `${day}T${timeOfDay}Z`),
      ...(local === null ? [] : [extendedPart(local, day === null ? null : `${day}T00:00:00Z`)]),
    ],
  });
}
