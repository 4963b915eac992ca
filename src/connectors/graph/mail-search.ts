import type { FolderId, ItemId } from '#model/ids.ts';
import type { MailHead } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';
import type { Context } from '../contract.ts';
import { parts } from '../ews/batches.ts';
import { filterOf } from './extended-properties.ts';
import { type JsonObject, objectsAt } from './json.ts';
import { headQuery, readHead, stampProperty } from './mail-codec.ts';
import type { MailboxTools } from './mailbox-tools.ts';
import { ask, getting, nextPath, pageMax } from './requests.ts';

const searchPageMax = 200;
/** Stamps of one search: a search walks the folder, so fewer are dearer, and the address of a request has its bound. */
const searchValuesMax = 5;

/** Messages of a folder by the stamp that they carry. */
export async function findByStamp(
  tools: MailboxTools,
  folder: FolderId,
  stamps: readonly StampText[],
  context: Context,
): Promise<ReadonlyMap<StampText, readonly MailHead[]>> {
  const wanted = new Set(stamps);
  const found = new Map<StampText, MailHead[]>();
  const seen = new Set<ItemId>();
  for (const some of parts([...wanted], searchValuesMax)) {
    const filter = encodeURIComponent(filterOf(stampProperty, some));
    let path: string | null =
      `${tools.user}/mailFolders/${encodeURIComponent(folder)}/messages?$filter=${filter}&$top=${searchPageMax}&${headQuery}`;
    for (let page = 0; path !== null && page < pageMax; page++) {
      const answer: JsonObject = await ask(tools, getting(path, 'messages?$filter', 'folder'), context);
      for (const entity of objectsAt(answer, 'value')) {
        const head = readHead(entity, {});
        if (head === null || head.stamp === null || !wanted.has(head.stamp) || seen.has(head.id)) continue;
        seen.add(head.id);
        found.set(head.stamp, [...(found.get(head.stamp) ?? []), head]);
      }
      path = nextPath(tools, answer);
    }
  }
  return found;
}
