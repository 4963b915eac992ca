import type { Mailbox } from '#connectors/contract.ts';
import { isFault } from '#kit/fault.ts';
import { type ClassRow, isMeetingClass, rowOfClass } from '#model/class-properties.ts';
import type { ItemId } from '#model/ids.ts';
import type { MailHead, RawProperty } from '#model/mail.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import { hashed } from './compare-properties.ts';
import type { VerifyContext } from './verify-context.ts';

/** A property that items of a class have besides their MIME and that is not the same on both sides. */
export interface ClassDifference {
  readonly property: string;
  readonly left: string;
  readonly right: string;
}
export interface ClassLook {
  readonly differences: readonly ClassDifference[];
  /** Properties say which meeting it is about: the iCalendar of its MIME is made of them, by each server in its own way. */
  readonly saysMeeting: boolean;
}

const keyOf = (property: MapiProperty): string =>
  'tag' in property
    ? `${property.tag}`
    : `${property.set}/${'lid' in property ? property.lid : property.name.toLowerCase()}`;
const globalObjectId = keyOf({ set: propertySets.meeting, lid: 0x0003, type: 'binary' });

/** Ids of one item and its copy, and what the source showed of it. */
interface Both {
  readonly left: ItemId;
  readonly right: ItemId;
  readonly head: MailHead;
}

/** Looks at items that are more than mail, by the id on the source; those of which a side shows nothing now are left out. */
export async function compareClassProperties(
  context: VerifyContext,
  items: readonly Both[],
): Promise<ReadonlyMap<ItemId, ClassLook>> {
  const sorts = new Map<ClassRow, Both[]>();
  for (const item of items) {
    const row = rowOfClass(item.head.facts.itemClass);
    if (row !== null) sorts.set(row, [...(sorts.get(row) ?? []), item]);
  }
  const looks = new Map<ItemId, ClassLook>();
  for (const [row, some] of sorts) {
    const wanted = row.properties.map(({ property }) => property);
    const read = (box: Mailbox, ids: readonly ItemId[]) => box.properties(ids, wanted, context.call());
    const [lefts, rights] = await Promise.all([
      read(
        context.leftBox,
        some.map(({ left }) => left),
      ),
      read(
        context.rightBox,
        some.map(({ right }) => right),
      ),
    ]);
    for (const { head, left: id, right } of some) {
      const [l, r] = [lefts.get(id), rights.get(right)];
      if (!l || !r || isFault(l) || isFault(r)) continue;
      const [left, copy] = [byKey(l), byKey(r)];
      looks.set(id, {
        differences: row.properties.flatMap(({ name, property }) => {
          const [one, other] = [left.get(keyOf(property)), copy.get(keyOf(property))];
          return areSame(one, other) ? [] : [{ property: name, left: shown(one), right: shown(other) }];
        }),
        saysMeeting: isMeetingClass(head.facts.itemClass) && left.has(globalObjectId),
      });
    }
  }
  return looks;
}

/** A text of nothing is none. */
const byKey = (properties: readonly RawProperty[]): ReadonlyMap<string, RawProperty> =>
  new Map(
    properties.flatMap((one) =>
      one.values.every((value) => value === '') ? [] : [[keyOf(one.property), one] as const],
    ),
  );

/** Connectors show raw values in one form, but for what a server makes of it: EWS writes times to the second, some versions with fractions. */
function areSame(left: RawProperty | undefined, right: RawProperty | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  const { type } = left.property;
  if (left.values.length !== right.values.length) return false;
  return left.values.every((value, at) => {
    const other = right.values[at] ?? '';
    if (value === other) return true;
    if (type === 'time') return Math.abs(Date.parse(value) - Date.parse(other)) < 1000;
    return type === 'binary' && Buffer.from(value, 'base64').equals(Buffer.from(other, 'base64'));
  });
}

const shown = (raw: RawProperty | undefined): string => (raw === undefined ? 'absent' : hashed(raw.values.join('\n')));
