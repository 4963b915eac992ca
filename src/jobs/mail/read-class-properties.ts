import type { Context, Mailbox } from '#connectors/contract.ts';
import { type Fault, isFault } from '#kit/fault.ts';
import { type ClassRow, rowOfClass } from '#model/class-properties.ts';
import type { ItemId } from '#model/ids.ts';
import type { MailContent, RawProperty } from '#model/mail.ts';

/**
 * What items have besides their MIME because of what they are: one request for each sort of them, none for mail that is only mail. A fault
 * in place of an item whose properties cannot be had; items that have none are left out.
 */
export async function readClassProperties(
  box: Mailbox,
  contents: ReadonlyMap<ItemId, MailContent | Fault>,
  context: () => Context,
): Promise<ReadonlyMap<ItemId, readonly RawProperty[] | Fault>> {
  const sorts = new Map<ClassRow, ItemId[]>();
  for (const [id, content] of contents) {
    const row = isFault(content) ? null : rowOfClass(content.head.facts.itemClass);
    if (row !== null) sorts.set(row, [...(sorts.get(row) ?? []), id]);
  }
  const found = new Map<ItemId, readonly RawProperty[] | Fault>();
  for (const [{ properties }, ids] of sorts) {
    const wanted = properties.map(({ property }) => property);
    for (const [id, answer] of await box.properties(ids, wanted, context())) found.set(id, answer);
  }
  return found;
}
