import { isFault } from '#kit/fault.ts';
import type { RawProperty } from '#model/mail.ts';
import { mailFields, mailProperties } from '#model/mail-properties.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { ItemPair } from './compare-items.ts';
import type { VerifyContext } from './verify-context.ts';
import { wellKnownProperties } from './well-known-properties.ts';

const keyOf = (property: MapiProperty): string =>
  'tag' in property
    ? `${property.tag}`
    : 'lid' in property
      ? `${property.set}/${property.lid}`
      : `${property.set}/${property.name.toLowerCase()}`;

const carried = new Set(mailFields.map((field) => keyOf(mailProperties[field].mapi)));
/** What could be on a message and is not in the table. */
const asked = wellKnownProperties.filter(({ property }) => !carried.has(keyOf(property)));
const nameOf = new Map(asked.map(({ name, property }) => [keyOf(property), name]));

/** Counts which properties beyond the table the source items have, and whether their copies have the same. Not carried, so no alteration. */
export async function comparePropertyLists(context: VerifyContext, pairs: readonly ItemPair[]): Promise<void> {
  const size = Math.min(context.left.abilities.batchMax, context.right.abilities.batchMax, 20);
  const wanted = asked.map(({ property }) => property);
  for (let at = 0; at < pairs.length; at += size) {
    const batch = pairs.slice(at, at + size);
    const [lefts, rights] = await Promise.all([
      context.leftBox.properties(
        batch.map((pair) => pair.left),
        wanted,
        context.call(),
      ),
      context.rightBox.properties(
        batch.map((pair) => pair.right),
        wanted,
        context.call(),
      ),
    ]);
    for (const pair of batch) {
      const [l, r] = [lefts.get(pair.left), rights.get(pair.right)];
      if (!l || !r || isFault(l) || isFault(r)) continue;
      const there = new Map(r.map((one) => [keyOf(one.property), textOf(one)]));
      for (const one of l) {
        const key = keyOf(one.property);
        context.report.listed(nameOf.get(key) ?? key, there.get(key) !== textOf(one));
      }
      context.report.sampled++;
    }
  }
}

const textOf = (one: RawProperty): string => JSON.stringify(one.values);
