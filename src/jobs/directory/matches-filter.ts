import type { LdapFilter } from '#connectors/directory/ldap/ldap-filter.ts';
import type { DirectoryObject } from '#model/directory/directory-object.ts';

/** [MS-ADTS] 3.1.1.3.4.4: bits that all, or any, have to be set. */
const bitAnd = '1.2.840.113556.1.4.803';
const bitOr = '1.2.840.113556.1.4.804';

/** Attributes that a filter compares, as it writes them. */
export function attributesOfFilter(filter: LdapFilter): readonly string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.of.flatMap(attributesOfFilter);
    case 'not':
      return attributesOfFilter(filter.of);
    default:
      return filter.attribute === null || isOfKind(filter.attribute) ? [] : [filter.attribute];
  }
}

/** What an object is tells us `kind`; servers show these as they like. */
const isOfKind = (attribute: string): boolean => ['objectclass', 'objectcategory'].includes(attribute.toLowerCase());

/**
 * Whether an object that was read for another reason than the filter lies within it. Compares texts without case, as directories do for
 * the attributes people write filters for. What it cannot know (a matching rule of the server's own) it takes for a match, because the
 * server has been asked by that filter already.
 */
export function matchesFilter(filter: LdapFilter, object: Pick<DirectoryObject, 'kind' | 'attributes'>): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.of.every((part) => matchesFilter(part, object));
    case 'or':
      return filter.of.some((part) => matchesFilter(part, object));
    case 'not':
      return !matchesFilter(filter.of, object);
  }
  if (filter.attribute === null) return true;
  if (isOfKind(filter.attribute)) {
    if (filter.kind !== 'equal') return true;
    const asked = filter.value.toString('utf8').toLowerCase();
    const known = { user: ['user', 'person', 'organizationalperson', 'top'], group: ['group', 'top'] };
    const classes =
      object.kind === 'contact'
        ? ['contact', 'person', 'organizationalperson', 'top']
        : object.kind === 'container'
          ? ['container', 'organizationalunit', 'top']
          : known[object.kind];
    return classes.includes(asked);
  }
  const values = valuesOf(object, filter.attribute);
  if (filter.kind === 'present') return values.length > 0;
  if (filter.kind === 'parts') {
    const initial = filter.initial?.toString('utf8').toLowerCase() ?? '';
    const final = filter.final?.toString('utf8').toLowerCase() ?? '';
    return values.some((value) => {
      if (!value.startsWith(initial) || value.length < initial.length + final.length) return false;
      let at = initial.length;
      for (const part of filter.any) {
        const text = part.toString('utf8').toLowerCase();
        const found = value.indexOf(text, at);
        if (found < 0) return false;
        at = found + text.length;
      }
      return value.length - final.length >= at && value.endsWith(final);
    });
  }
  const text = filter.value.toString('utf8').toLowerCase();
  const bytes = filter.value.toString('hex');
  switch (filter.kind) {
    case 'equal':
    case 'approximate':
      return values.some((value) => value === text || value === bytes);
    case 'at-least':
      return values.some((value) => compare(value, text) >= 0);
    case 'at-most':
      return values.some((value) => compare(value, text) <= 0);
    case 'rule': {
      if (filter.rule !== bitAnd && filter.rule !== bitOr) return true;
      const mask = wholeNumber(text);
      if (mask === null) return false;
      return values.some((value) => {
        const bits = wholeNumber(value);
        return bits !== null && (filter.rule === bitAnd ? (bits & mask) === mask : (bits & mask) !== 0n);
      });
    }
  }
}

function valuesOf({ attributes }: Pick<DirectoryObject, 'attributes'>, name: string): readonly string[] {
  const found = Object.entries(attributes).find(([known]) => known.toLowerCase() === name.toLowerCase());
  return (found?.[1] ?? []).map((value) => value.toLowerCase());
}

const wholeNumber = (text: string): bigint | null =>
  /^-?\d{1,20}$/.test(text) ? BigInt.asIntN(64, BigInt(text)) : null;

function compare(a: string, b: string): number {
  const [m, n] = [wholeNumber(a), wholeNumber(b)];
  if (m !== null && n !== null) return m < n ? -1 : m > n ? 1 : 0;
  return a < b ? -1 : a > b ? 1 : 0;
}
