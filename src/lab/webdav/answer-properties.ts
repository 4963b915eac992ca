import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import type { Property } from '../world/property.ts';
import type { Column } from './columns.ts';
import type { DavContext } from './context.ts';
import type { DavName } from './dav-name.ts';
import type { AnsweredName, Propstat } from './multistatus.ts';

/** A property that is asked for; the column is null when there is none of that name. */
export interface Asked {
  readonly answered: AnsweredName;
  readonly column: Column | null;
}

export const askedFor = (name: DavName, column: Column | null, alias: string | null = null): Asked => ({
  answered: { name, alias },
  column,
});

export const isItem = (target: Folder | Item): target is Item => 'searchKey' in target;

export const columnValue = (column: Column | null, target: Folder | Item, context: DavContext): Property | null =>
  column === null ? null : isItem(target) ? column.ofItem(target, context) : column.ofFolder(target, context);

/** What there is in one propstat, what is missing in another, which a brief answer leaves out. */
export function propstatsOf(
  asked: readonly Asked[],
  valueIn: (column: Column | null) => Property | null,
  brief: boolean,
): readonly Propstat[] {
  const found: [AnsweredName, Property | null][] = [];
  const missing: [AnsweredName, Property | null][] = [];
  for (const { answered, column } of asked) {
    const property = valueIn(column);
    if (property === null) missing.push([answered, null]);
    else found.push([answered, property]);
  }
  const propstats: Propstat[] = [];
  if (found.length > 0 || missing.length === 0 || brief) propstats.push({ status: 200, properties: found });
  if (missing.length > 0 && !brief) propstats.push({ status: 404, properties: missing });
  return propstats;
}
