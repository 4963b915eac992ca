import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { ItemId } from '#model/ids.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { TypedItems } from '../../contract.ts';
import { eachInPlace, onlyAnswer } from '../batches.ts';
import { moveItem } from '../operations/move-item.ts';
import { feedOf } from '../operations/sync-folder-items.ts';
import { type Removable, removal } from '../removal.ts';
import { eventHeadPaths, readTypedHead } from '../typed-heads.ts';
import { AttachmentReader } from './attachments.ts';
import type { CalendarTools } from './calendar-tools.ts';
import { cleanGlobalObjectId } from './identity.ts';
import { getItems, missing, readEvents, type SeenEvent, seeEvents, seeOccurrences } from './read-events.ts';
import { createEvents, updateEvents } from './write-events.ts';

/** MaxChangesReturned, the most that the schema allows. */
const pageMax = 512;

/** A calendar is read by its feed, never by a CalendarView: that shows occurrences of a window, and no deletions. */
const eventFeed = feedOf({ paths: eventHeadPaths, readHead: readTypedHead });

/** Events of one mailbox. */
export function calendarItems(tools: CalendarTools): TypedItems<'calendar'> {
  const reader = new AttachmentReader(tools.call);
  return {
    async changes(folder, cursor, context) {
      const page = onlyAnswer(await tools.call(eventFeed, { folder, cursor, max: pageMax }, context));
      return {
        // Whether an event was opened is nobody's business.
        changes: page.changes.flatMap((change) => (change.kind === 'read-flag' ? [] : [change])),
        cursor: page.cursor,
        complete: page.last,
      };
    },

    read: (ids, context) => readEvents(tools, reader, ids, context),

    async attachments(id, day, wanted, context) {
      const [event = missing] = await seeEvents(tools, [id], context);
      if (isFault(event)) throw new FaultError(event);
      const { recurrence } = event.read.fields;
      const [own] =
        day === null || recurrence === null
          ? []
          : await seeOccurrences(tools, event, recurrence, new Set([day]), context);
      return reader.contents(own === undefined ? event.listed : own.listed, wanted, context);
    },

    async findByIdentity(folder, identities, context) {
      const wanted = new Set(identities);
      const values = [...wanted].map((identity) => Buffer.from(identity, 'hex').toString('base64'));
      const ids = await tools.search(folder, cleanGlobalObjectId, values, context);
      const found = new Map<EventIdentity, TypedHead[]>();
      for (const answer of await getItems(tools, ids, eventHeadPaths, context)) {
        if (isFault(answer)) {
          if (answer.kind !== 'gone') throw new FaultError(answer);
          continue;
        }
        const head = readTypedHead(answer.item, folder);
        if (head === null || head.identity === null || !wanted.has(head.identity)) continue;
        const heads = found.get(head.identity);
        if (heads === undefined) found.set(head.identity, [head]);
        else heads.push(head);
      }
      return found;
    },

    create: (folder, drafts, context) => createEvents(tools, reader, folder, drafts, context),

    update: (edits, context) => updateEvents(tools, reader, edits, context),

    async move(ids, to, context) {
      await tools.knowVersion(context);
      const answers = await eachInPlace(ids, (some) => tools.call(moveItem, { ids: some, to }, context));
      return answers.map(
        (answer) =>
          answer ?? { kind: 'transient', detail: 'the move was answered without an id', mayHaveHappened: true },
      );
    },

    async remove(items, context) {
      const look = async (ids: readonly ItemId[]): Promise<readonly (Removable | Fault)[]> =>
        (await seeEvents(tools, ids, context)).map((event) => (isFault(event) ? event : removable(event)));
      const seen = await seeEvents(
        tools,
        items.map(({ id }) => id),
        context,
      );
      const results: (null | Fault)[] = items.map(({ expect }, at) => {
        const event = seen[at] ?? missing;
        if (isFault(event)) return event;
        return event.head.version === expect
          ? null
          : { kind: 'stale', detail: 'it is at another version than expected' };
      });
      const open = seen.flatMap((event, at) => (isFault(event) || results[at] !== null ? [] : [{ at, event }]));
      const removed = await removal(tools.version)(
        { call: tools.call, look, search: tools.search, named: tools.named },
        open.map(({ event }) => removable(event)),
        context,
      );
      for (const [n, { at }] of open.entries()) results[at] = removed[n] ?? null;
      return results;
    },
  };
}

/** Ids of occurrences and attachments change with the place an item lies in; everything else of it stays. */
const removable = ({ head, read, modified, deleted, listed }: SeenEvent): Removable => ({
  id: head.id,
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
