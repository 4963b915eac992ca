import { isFault } from '#kit/fault.ts';
import type { TypedItems } from '../../contract.ts';
import type { Removable } from '../removal.ts';
import { removeItems } from '../typed/remove-items.ts';
import type { CalendarTools } from './calendar-tools.ts';
import { type SeenEvent, seeEvents } from './read-events.ts';

/** Removes events recoverably that are still at the version expected. */
export const removeEvents = (tools: CalendarTools): TypedItems<'calendar'>['remove'] =>
  removeItems(tools, async (ids, context) =>
    (await seeEvents(tools, ids, context)).map((event) => (isFault(event) ? event : removable(event))),
  );

/** Ids of occurrences and attachments change with the place an item lies in; everything else of it stays. */
const removable = ({ head, read, modified, deleted, listed }: SeenEvent): Removable => ({
  id: head.id,
  version: head.version,
  folder: head.folder,
  searchKey: head.searchKey === '' ? null : head.searchKey,
  modifiedAt: head.modifiedAt,
  state: JSON.stringify([
    read.fields,
    modified.map(({ originalStart }) => originalStart),
    deleted,
    listed.map(({ name }) => name),
  ]),
});
