import { rawXml } from '#formats/text/xml-write.ts';
import { type Fault, isFault } from '#kit/fault.ts';
import { goesAsWell, isReceived } from '#model/client-intent.ts';
import type { Context, TypedItems } from '../../contract.ts';
import { eachInPlace } from '../batches.ts';
import { updateItems } from '../operations/update-item.ts';
import type { Removable } from '../removal.ts';
import { atLeast } from '../server-version.ts';
import { removeItems } from '../typed/remove-items.ts';
import type { CalendarTools } from './calendar-tools.ts';
import { intentPart } from './client-intent.ts';
import { writeEventUpdates } from './event-codec.ts';
import { type SeenEvent, seeEvents } from './read-events.ts';

interface RemovableEvent extends Removable {
  readonly isReceived: boolean;
}

/** Removes events recoverably that are still at the version expected. */
export const removeEvents = (tools: CalendarTools): TypedItems<'calendar'>['remove'] =>
  removeItems(
    tools,
    async (ids, context) =>
      (await seeEvents(tools, ids, context)).map((event) => (isFault(event) ? event : removable(event))),
    (doomed, context) => sayMeant(tools, doomed, context),
  );

/** Ids of occurrences and attachments change with the place an item lies in; everything else of it stays. */
const removable = ({ head, read, modified, deleted, listed }: SeenEvent): RemovableEvent => ({
  id: head.id,
  version: head.version,
  folder: head.folder,
  searchKey: head.searchKey === '' ? null : head.searchKey,
  modifiedAt: head.modifiedAt,
  isReceived: isReceived(read.fields),
  state: JSON.stringify([
    read.fields,
    modified.map(({ originalStart }) => originalStart),
    deleted,
    listed.map(({ name }) => name),
  ]),
});

/**
 * What somebody else called and is taken out of a calendar without this the Repair Assistant brings back, with a mail. It came with
 * Exchange 2010. A server that refuses the property does not keep the removal from happening.
 */
async function sayMeant(
  tools: CalendarTools,
  doomed: readonly RemovableEvent[],
  context: Context,
): Promise<readonly (null | Fault)[]> {
  const results: (null | Fault)[] = doomed.map(() => null);
  if (!atLeast(tools.version, 'Exchange2010')) return results;
  const received = doomed.flatMap(({ id, version, ...event }, at) => (event.isReceived ? [{ at, id, version }] : []));
  if (received.length === 0) return results;
  const updates = rawXml(writeEventUpdates([intentPart(goesAsWell)]));
  const answers = await eachInPlace(received, (some) =>
    tools.call(
      updateItems,
      { onlyExpected: true, changes: some.map(({ id, version }) => ({ ref: id, expect: version, updates })) },
      context,
    ),
  );
  for (const [n, { at }] of received.entries()) {
    const answer = answers[n] ?? null;
    if (isFault(answer) && answer.kind !== 'poison') results[at] = answer;
  }
  return results;
}
