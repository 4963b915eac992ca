import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { lstatSync, mkdtempSync, rmdirSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, one of them for the end (unix(4), unix(7)). */
const ADDRESS_BYTES_MAX = 103;

/** Where commands meet the owner of a store. */
export interface MeetingPoint {
  /** Path of a Unix domain socket, or the name of a pipe of Windows. */
  readonly address: string;
  readonly server: Server;
}

/**
 * Listens where only this account comes: on a socket in a folder of its own with mode 0700, beside the store. Where its path is too long for a
 * socket, or the file system knows none, the folder lies in that of the session or for temporary files.
 *
 * @param path Absolute, of the store.
 * @returns null: no socket can be made anywhere.
 */
export async function listenPrivately(path: string, onSocket: (socket: Socket) => void): Promise<MeetingPoint | null> {
  if (process.platform === 'win32')
    return listenAt(`\\\\.\\pipe\\causeway-${randomBytes(16).toString('hex')}`, onSocket);
  const besides = `${path}.socket-`;
  const elsewhere = [process.env['XDG_RUNTIME_DIR'], tmpdir(), '/tmp'].flatMap((folder) =>
    folder ? [join(folder, `${basename(path).slice(0, 24)}.socket-`)] : [],
  );
  for (const prefix of [besides, ...elsewhere]) {
    if (Buffer.byteLength(`${prefix}XXXXXX/s`) > ADDRESS_BYTES_MAX) continue;
    const address = inFolderOfItsOwn(prefix);
    const point = address === null ? null : await listenAt(address, onSocket);
    if (point !== null) return point;
    if (address !== null) removeMeetingPoint(address);
  }
  return null;
}

function inFolderOfItsOwn(prefix: string): string | null {
  try {
    return join(mkdtempSync(prefix), 's');
  } catch {
    return null;
  }
}

async function listenAt(address: string, onSocket: (socket: Socket) => void): Promise<MeetingPoint | null> {
  const server = createServer(onSocket);
  try {
    server.listen(address);
    await once(server, 'listening');
  } catch {
    return null;
  }
  // Nobody goes on living just to be asked.
  server.unref();
  server.on('error', () => {});
  return { address, server };
}

/** Takes away what an owner left that was killed. Touches nothing but a socket and the folder around it. */
export function removeMeetingPoint(address: string): void {
  if (process.platform === 'win32') return;
  try {
    if (lstatSync(address, { throwIfNoEntry: false })?.isSocket()) unlinkSync(address);
    if (/\.socket-[^/]{6}$/.test(dirname(address))) rmdirSync(dirname(address));
  } catch {
    // It is in nobody's way.
  }
}
