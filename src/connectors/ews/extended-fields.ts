import { attribute, child, children, type XmlElement } from '#formats/text/xml-read.ts';
import { escapeAttribute, escapeText } from '#formats/text/xml-write.ts';
import { type MapiProperty, type MapiType, propertySets } from '#model/property-row.ts';
import { typesNamespace } from './namespaces.ts';

/** A property as EWS can show it: one of the model, or one of a type that no canonical field has. */
export type ExtendedField = MapiProperty | { readonly tag: number; readonly type: 'binaries' };

/** MapiPropertyTypeType of the types schema. */
const typeNames: Readonly<Record<MapiType | 'binaries', string>> = {
  string: 'String',
  integer: 'Integer',
  boolean: 'Boolean',
  time: 'SystemTime',
  binary: 'Binary',
  binaries: 'BinaryArray',
  strings: 'StringArray',
  long: 'Long',
  double: 'Double',
  guid: 'CLSID',
};

/** Property sets that have a name of their own: servers answer with the name, whichever form was asked for. */
const distinguishedSets: Readonly<Record<string, string>> = {
  Meeting: propertySets.meeting,
  Appointment: propertySets.appointment,
  Common: propertySets.common,
  PublicStrings: propertySets.publicStrings,
  Address: '00062004-0000-0000-c000-000000000046',
  InternetHeaders: propertySets.internetHeaders,
  CalendarAssistant: propertySets.calendarAssistant,
  UnifiedMessaging: '4442858e-a9e3-4e80-b900-317a210cc15b',
  Task: propertySets.task,
};

/** Which property, whatever its type and the way it was written: `tag`, `set:lid` or `set/name`. */
export function propertyKey(property: ExtendedField): string {
  if ('tag' in property) return String(property.tag);
  return 'lid' in property ? `${property.set}:${property.lid}` : `${property.set}/${property.name}`;
}

/** The same from an `ExtendedFieldURI` of an answer. Tags come as `0x0E07`, `0xe07` or in decimal. */
export function propertyKeyOf(uri: XmlElement): string {
  const tag = attribute(uri, 'PropertyTag');
  if (tag !== null) return String(Number(tag));
  const distinguished = attribute(uri, 'DistinguishedPropertySetId');
  const set =
    distinguished === null
      ? (attribute(uri, 'PropertySetId') ?? '').toLowerCase().replace(/[{}]/g, '')
      : (distinguishedSets[distinguished] ?? distinguished);
  const id = attribute(uri, 'PropertyId');
  return id === null ? `${set}/${attribute(uri, 'PropertyName') ?? ''}` : `${set}:${Number(id)}`;
}

/** `t:ExtendedFieldURI`, as a path and inside an `ExtendedProperty`. */
export function extendedFieldUri(property: ExtendedField): string {
  const type = `PropertyType="${typeNames[property.type]}"`;
  if ('tag' in property)
    return `<t:ExtendedFieldURI PropertyTag="0x${property.tag.toString(16).toUpperCase().padStart(4, '0')}" ${type}/>`;
  const set = `PropertySetId="${property.set}"`;
  const id = 'lid' in property ? `PropertyId="${property.lid}"` : `PropertyName="${escapeAttribute(property.name)}"`;
  return `<t:ExtendedFieldURI ${set} ${id} ${type}/>`;
}

/** `t:ExtendedProperty` with its value or values, which are plain texts. */
export function extendedProperty(property: MapiProperty, value: string | readonly string[]): string {
  const content =
    typeof value === 'string'
      ? `<t:Value>${escapeText(value)}</t:Value>`
      : `<t:Values>${value.map((one) => `<t:Value>${escapeText(one)}</t:Value>`).join('')}</t:Values>`;
  return `<t:ExtendedProperty>${extendedFieldUri(property)}${content}</t:ExtendedProperty>`;
}

/** Values of a `t:ExtendedProperty`; one for a single-valued property. */
export function extendedValues(element: XmlElement): readonly string[] {
  const value = child(element, typesNamespace, 'Value');
  if (value !== null) return [value.text];
  const values = child(element, typesNamespace, 'Values');
  return values === null ? [] : children(values, typesNamespace, 'Value').map((one) => one.text);
}

/** The first extended property of an item or folder that `property` names; null when it is absent. */
export function findExtended(element: XmlElement, property: ExtendedField): readonly string[] | null {
  const wanted = propertyKey(property);
  for (const candidate of element.children) {
    if (candidate.name !== 'ExtendedProperty' || candidate.ns !== typesNamespace) continue;
    const uri = child(candidate, typesNamespace, 'ExtendedFieldURI');
    if (uri !== null && propertyKeyOf(uri) === wanted) return extendedValues(candidate);
  }
  return null;
}
