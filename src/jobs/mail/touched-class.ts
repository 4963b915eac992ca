import type { Mailbox } from '#connectors/contract.ts';
import { classDifferences } from '#engine/class-differences.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Change } from '#model/change.ts';
import { type ClassRow, rowOfClass } from '#model/class-properties.ts';
import type { ItemId, LinkId } from '#model/ids.ts';
import { isUpdating, type LinkRow } from '#model/link.ts';
import type { RawProperty } from '#model/mail.ts';
import { readSplit } from '../read-split.ts';
import type { PassContext } from './pass-context.ts';

/**
 * Copies that are more than mail, that somebody else than us wrote to, and that have other properties of their class now than the item on the
 * source, which is still as it was carried. So it was the target that changed: a client that marks a request as out of date, for one.
 *
 * @param links As they were recorded before this page of the target's feed, by the id of the copy.
 */
export async function touchedClass(
  context: PassContext,
  changes: readonly Change[],
  links: ReadonlyMap<ItemId, LinkRow>,
): Promise<ReadonlySet<LinkId>> {
  const sorts = new Map<ClassRow, LinkRow[]>();
  for (const change of changes) {
    if (change.kind !== 'upsert') continue;
    const link = links.get(change.head.id);
    const row = rowOfClass(change.head.facts.itemClass);
    if (link && row && isByOthers(link, change.head.version)) sorts.set(row, [...(sorts.get(row) ?? []), link]);
  }
  const touched = new Set<LinkId>();
  for (const [row, some] of sorts) {
    const read = (box: Mailbox, ids: readonly ItemId[]) => readRow(context, box, row, ids);
    const [lefts, rights] = await Promise.all([
      read(
        context.leftBox,
        some.map(({ leftId }) => leftId),
      ),
      read(
        context.rightBox,
        some.map(({ rightId }) => rightId),
      ),
    ]);
    const different = some.filter(({ leftId, rightId }) => {
      const [left, right] = [lefts.get(leftId), rights.get(rightId)];
      return left !== undefined && right !== undefined && classDifferences(row, left, right).length > 0;
    });
    if (different.length === 0) continue;
    // Read last: what the source changed meanwhile is carried by the pass that follows it.
    const heads = await context.leftBox.heads(
      different.map(({ leftId }) => leftId),
      context.call(),
    );
    for (const link of different) {
      const head = heads.get(link.leftId);
      if (head && !isFault(head) && head.version === link.leftVersion) touched.add(link.id);
    }
  }
  return touched;
}

const isByOthers = (link: LinkRow, version: LinkRow['rightVersion']): boolean =>
  link.state === 'live' &&
  link.rightVersion !== version &&
  !link.touched.some((aspect) => aspect === 'class' || aspect === 'moving' || isUpdating(aspect));

/** Those that can be read. What fails for a passing reason is read with the page once more. */
async function readRow(
  context: PassContext,
  box: Mailbox,
  { properties }: ClassRow,
  ids: readonly ItemId[],
): Promise<ReadonlyMap<ItemId, readonly RawProperty[]>> {
  const wanted = properties.map(({ property }) => property);
  const answers = await readSplit<{ readonly id: ItemId }, readonly RawProperty[]>(
    ids.map((id) => ({ id })),
    context.call().signal,
    (some) =>
      box.properties(
        some.map(({ id }) => id),
        wanted,
        context.call(),
      ),
  );
  const found = new Map<ItemId, readonly RawProperty[]>();
  for (const [id, answer] of answers) {
    if (!isFault(answer)) found.set(id, answer);
    else if (!isOfItem(answer)) throw new FaultError(answer);
  }
  return found;
}

const isOfItem = ({ kind }: Fault): boolean => kind === 'poison' || kind === 'gone';
