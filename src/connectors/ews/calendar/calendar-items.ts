import { cleanGlobalObjectId as cleanIdOf } from '#formats/mapi/global-object-id.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { TypedItems } from '../../contract.ts';
import { missing } from '../answer-faults.ts';
import { AttachmentReader } from '../typed/attachments.ts';
import { getItems } from '../typed/get-items.ts';
import { itemFeed } from '../typed/item-feed.ts';
import { moveItems } from '../typed/move-items.ts';
import { eventHeadPaths, readTypedHead } from '../typed-heads.ts';
import type { CalendarTools } from './calendar-tools.ts';
import { cleanGlobalObjectId } from './identity.ts';
import { readEvents, seeEvents, seeOccurrences } from './read-events.ts';
import { removeEvents } from './remove-events.ts';
import { createEvents, updateEvents } from './write-events.ts';

/** Events of one mailbox. */
export function calendarItems(tools: CalendarTools): TypedItems<'calendar'> {
  const reader = new AttachmentReader(tools.call);
  return {
    // Never by a CalendarView: that shows occurrences of a window, and no deletions.
    changes: itemFeed(tools.call, eventHeadPaths),

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
      const values = [...new Set([...wanted].map((identity) => cleanIdOf(identity).toString('base64')))];
      const ids = await tools.search(folder, cleanGlobalObjectId, values, context);
      const found = new Map<EventIdentity, TypedHead[]>();
      for (const answer of await getItems(tools.call, ids, eventHeadPaths, context)) {
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

    move: moveItems(tools),

    remove: removeEvents(tools),
  };
}
