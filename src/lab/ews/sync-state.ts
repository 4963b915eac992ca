import type { FeedState, Folder } from '../world/folder.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { EwsError } from './ews-error.ts';

// 1 byte kind, 16 bytes mailbox, 5 folder, three numbers of 6, 4 check.
const length = 1 + 16 + 5 + 18 + 4;
const none = 2 ** 48 - 1;

function check(bytes: Buffer): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < length - 4; i++) h = Math.imul(h ^ (bytes[i] as number), 0x01000193);
  return h >>> 0;
}

function write(
  kind: number,
  mailbox: Mailbox,
  folderNo: number,
  base: number,
  position: number,
  initialTo: number,
): string {
  const bytes = Buffer.alloc(length);
  bytes[0] = kind;
  Buffer.from(mailbox.guid.replaceAll('-', ''), 'hex').copy(bytes, 1);
  bytes.writeUIntBE(folderNo, 17, 5);
  bytes.writeUIntBE(base, 22, 6);
  bytes.writeUIntBE(position, 28, 6);
  bytes.writeUIntBE(initialTo, 34, 6);
  bytes.writeUInt32BE(check(bytes), 40);
  return bytes.toString('base64');
}

/** Throws ErrorInvalidSyncStateData for what is no state, or one of another mailbox, folder or time line. */
function read(
  text: string,
  kind: number,
  mailbox: Mailbox,
  folderNo: number,
): { base: number; position: number; initialTo: number | null } {
  const bytes = Buffer.from(text, 'base64');
  const bad = (): EwsError => new EwsError('ErrorInvalidSyncStateData');
  if (bytes.length !== length || bytes[0] !== kind || bytes.readUInt32BE(40) !== check(bytes)) throw bad();
  if (
    bytes.subarray(1, 17).toString('hex') !== mailbox.guid.replaceAll('-', '') ||
    bytes.readUIntBE(17, 5) !== folderNo
  )
    throw bad();
  const base = bytes.readUIntBE(22, 6);
  const position = bytes.readUIntBE(28, 6);
  const initialTo = bytes.readUIntBE(34, 6);
  // A state from a future that never was: the mailbox was put back to an older copy.
  if (base > mailbox.lastCn || position > mailbox.lastCn) throw bad();
  return { base, position, initialTo: initialTo === none ? null : initialTo };
}

/** The text clients hand back to SyncFolderItems. Opaque for them. */
export const writeItemState = (folder: Folder, state: FeedState): string =>
  write(1, folder.mailbox, folder.no, state.base, state.position, state.initialTo ?? none);
export const readItemState = (folder: Folder, text: string): FeedState => read(text, 1, folder.mailbox, folder.no);

/** The same for SyncFolderHierarchy: the change number up to which the client knows the tree below `folder`. */
export const writeTreeState = (folder: Folder, cn: number): string => write(2, folder.mailbox, folder.no, cn, cn, none);
export const readTreeState = (folder: Folder, text: string): number => read(text, 2, folder.mailbox, folder.no).base;
