import { cleanGlobalObjectId } from '#formats/mapi/global-object-id.ts';
import { eventOnly } from '#formats/mapi-items/event-series.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { Context } from '../../contract.ts';
import { parts } from '../../ews/batches.ts';
import { filterOf } from '../extended-properties.ts';
import { itemIdAt } from '../item-ids.ts';
import { type JsonObject, objectsAt, textAt } from '../json.ts';
import type { MailboxTools } from '../mailbox-tools.ts';

/** Values of one search. */
const searchValuesMax = 5;
const listPageMax = 200;

/** Entries of a folder whose property has one of these values, as a filter writes them. */
export async function itemsByProperty(
  { client, address, adminPath }: MailboxTools,
  folder: FolderId,
  property: MapiProperty,
  values: readonly string[],
  context: Context,
): Promise<ReadonlyMap<ItemId, JsonObject>> {
  const items = `${await adminPath(context)}/folders/${encodeURIComponent(folder)}/items`;
  const listed = new Map<ItemId, JsonObject>();
  for (const some of parts(values, searchValuesMax)) {
    const filter = encodeURIComponent(filterOf(property, some));
    let path: string | null = `${items}?$filter=${filter}&$top=${listPageMax}`;
    while (path !== null) {
      const answer: JsonObject = await client.call(
        { method: 'GET', path, name: 'items?$filter', ids: 'placed', subject: { writes: false, about: 'folder' } },
        address,
        context,
      );
      for (const entity of objectsAt(answer, 'value')) {
        const serverId = textAt(entity, 'id');
        if (serverId !== null) listed.set(itemIdAt(serverId, folder), entity);
      }
      const next = textAt(answer, '@odata.nextLink');
      path = next === null ? null : client.pathOfLink(next);
    }
  }
  return listed;
}

/** Entries of a folder with one of these clean global object ids. */
export const itemsOfIdentities = (
  tools: MailboxTools,
  folder: FolderId,
  identities: readonly EventIdentity[],
  context: Context,
): Promise<ReadonlyMap<ItemId, JsonObject>> => {
  const values = [...new Set(identities.map((identity) => cleanGlobalObjectId(identity).toString('base64')))];
  return itemsByProperty(tools, folder, eventOnly.cleanGlobalObjectId, values, context);
};
