import type { Item } from '../world/item.ts';
import type { Property, PropertyKey } from '../world/property.ts';
import { readExtendedId, readExtendedValue, writeExtendedValue } from './extended-property.ts';
import { badRequest } from './graph-error.ts';
import { propertyOfItem } from './item-values.ts';
import { type FilterSubject, scalarSubject } from './odata-filter.ts';
import type { Expansion } from './odata-query.ts';
import type { Json } from './route.ts';

/** `singleValueExtendedProperties` and their twin as an expansion asks for them. */
export function extendedJson(
  expand: ReadonlyMap<string, Expansion>,
  propertyAt: (at: PropertyKey) => Property | null,
): Json {
  const json: Record<string, unknown> = {};
  for (const [name, { extended }] of expand) {
    const isMulti = name.toLowerCase() === 'multivalueextendedproperties';
    if (!isMulti && name.toLowerCase() !== 'singlevalueextendedproperties') continue;
    const found = extended.flatMap(({ id, key: at }) => {
      const property = propertyAt(at);
      return property === null || Array.isArray(property.value) !== isMulti
        ? []
        : [{ id, value: writeExtendedValue(property) }];
    });
    // What is not there is left out, the list with it.
    if (found.length > 0) json[isMulti ? 'multiValueExtendedProperties' : 'singleValueExtendedProperties'] = found;
  }
  return json;
}

/** Extended properties that a client sends. @throws GraphError */
export function readExtendedProperties(json: Json): readonly (readonly [PropertyKey, Property])[] {
  const found: (readonly [PropertyKey, Property])[] = [];
  for (const name of ['singleValueExtendedProperties', 'multiValueExtendedProperties']) {
    const list = json[name];
    if (list === undefined || list === null) continue;
    if (!Array.isArray(list)) throw badRequest(`'${name}' must be a list.`);
    for (const one of list as readonly { readonly id?: unknown; readonly value?: unknown }[]) {
      if (typeof one.id !== 'string') throw badRequest('An extended property needs an id.');
      const id = readExtendedId(one.id);
      const { value } = one;
      const isTexts = Array.isArray(value) && value.every((each) => typeof each === 'string');
      if (typeof value !== 'string' && !isTexts) throw badRequest('An extended property needs a value.');
      found.push([id.key, readExtendedValue(id, value as string | readonly string[])]);
    }
  }
  return found;
}

const collections = { singlevalueextendedproperties: false, multivalueextendedproperties: true } as const;

/** Adds to what an item is filtered by the extended properties that a filter names. */
export function withExtended(item: Item, base: FilterSubject): FilterSubject {
  return {
    value: (path) => base.value(path),
    members(path, ids) {
      const isMulti = collections[path.toLowerCase() as keyof typeof collections];
      if (isMulti === undefined) return base.members(path, ids);
      return ids.flatMap((id) => {
        const property = propertyOfItem(item, readExtendedId(id).key);
        if (property === null || Array.isArray(property.value) !== isMulti) return [];
        const value = writeExtendedValue(property);
        return [
          {
            value: (inner: string) =>
              inner === 'id' ? id : inner === 'value' && typeof value === 'string' ? value : undefined,
            members: (inner: string) =>
              inner === 'value' && typeof value !== 'string' ? value.map(scalarSubject) : undefined,
          },
        ];
      });
    },
  };
}
