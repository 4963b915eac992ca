import type { Folder } from '../world/folder.ts';
import { type Property, type PropertyKey, tagKey } from '../world/property.ts';

/** Entry ids of the default folders, which the Inbox keeps. [MS-OXOSFLD] 2.2.3 */
const roleOf: ReadonlyMap<PropertyKey, string> = new Map([
  [tagKey(0x36d0), 'calendar'],
  [tagKey(0x36d1), 'contacts'],
  [tagKey(0x36d2), 'journal'],
  [tagKey(0x36d3), 'notes'],
  [tagKey(0x36d4), 'tasks'],
]);

export function defaultEntryIdOf(folder: Folder, at: PropertyKey): Property | null {
  const role = folder.role === 'inbox' ? roleOf.get(at) : undefined;
  const named = role === undefined ? undefined : folder.mailbox.roles.get(role);
  return named === undefined
    ? null
    : { type: 'Binary', value: named.mailbox.ids.folderEntryId(named.no).toString('base64') };
}
