import type { FolderRole } from '#model/folder.ts';
import type { ExtendedField } from './extended-fields.ts';

/**
 * Well-known folders that EWS has no name for, or had none in earlier versions: clients keep their entry ids in two properties.
 *
 * PidTagAdditionalRenEntryIds of the Inbox, [MS-OXOSFLD] 2.2.4: by place in the array.
 */
export const additionalEntryIds: ExtendedField = { tag: 0x36d8, type: 'binaries' };
const rolesByPlace: readonly (FolderRole | null)[] = [
  'conflicts',
  'syncissues',
  'localfailures',
  'serverfailures',
  'junkemail',
];

/** PidTagAdditionalRenEntryIdsEx of the mailbox's root, [MS-OXOSFLD] 2.2.5: blocks by PersistID. */
export const additionalEntryIdsEx: ExtendedField = { tag: 0x36d9, type: 'binary' };
const rolesByPersistId: ReadonlyMap<number, FolderRole> = new Map([
  [0x8001, 'rssfeeds'],
  [0x8006, 'conversationactions'],
  [0x8008, 'suggestedcontacts'],
  [0x800a, 'quickcontacts'],
]);
/** RSF_ELID_ENTRYID. */
const entryIdElement = 1;

/** Entry ids (base64) by role, from the values of the two properties as EWS shows them; null when a property is absent. */
export function entryIdsByRole(
  byPlace: readonly string[] | null,
  blocks: string | null,
): ReadonlyMap<FolderRole, string> {
  const found = new Map<FolderRole, string>();
  for (const [place, entryId] of (byPlace ?? []).entries()) {
    const role = rolesByPlace[place] ?? null;
    if (role !== null && entryId.trim() !== '') found.set(role, canonical(Buffer.from(entryId, 'base64')));
  }
  for (const [role, entryId] of entryIdsInBlocks(Buffer.from(blocks ?? '', 'base64')))
    found.set(role, canonical(entryId));
  return found;
}

/** PersistData: id and size, then elements of id, size and bytes; all little-endian uint16. What is cut short is left out. */
function* entryIdsInBlocks(bytes: Buffer): Generator<readonly [FolderRole, Buffer]> {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const role = rolesByPersistId.get(bytes.readUInt16LE(at));
    const end = at + 4 + bytes.readUInt16LE(at + 2);
    if (end > bytes.length) return;
    for (let inner = at + 4; role !== undefined && inner + 4 <= end; ) {
      const next = inner + 4 + bytes.readUInt16LE(inner + 2);
      if (next > end) break;
      if (bytes.readUInt16LE(inner) === entryIdElement && next > inner + 4)
        yield [role, bytes.subarray(inner + 4, next)];
      inner = next;
    }
    at = end;
  }
}

const canonical = (bytes: Buffer): string => bytes.toString('base64');
