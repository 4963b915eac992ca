import { timingSafeEqual } from 'node:crypto';
import type { FramedSocket } from './framed-socket.ts';

/**
 * What both ends say first, as JSON, so that programs of any version understand each other's refusal:
 *
 *     command → owner  {"causeway":"store","version":"0.1.0","key":"…"}
 *     owner → command  {"causeway":"store","version":"0.1.0","pid":4711}      the same version, or the line ends behind it
 *
 * The key stands in the lock beside the store: who has it means this store and no other.
 */
const GREETING_MS = 10_000;

export interface OwnerGreeting {
  readonly version: string;
  readonly pid: number;
}

/** Asked by the command. Rejects when nobody answers as an owner does. */
export async function greetOwner(line: FramedSocket, version: string, key: string): Promise<OwnerGreeting> {
  send(line, { version, key });
  const said = read(await line.next(AbortSignal.timeout(GREETING_MS)));
  if (typeof said?.['version'] !== 'string' || typeof said['pid'] !== 'number')
    throw new Error('the answer is not that of an owner');
  return { version: said['version'], pid: said['pid'] };
}

/** Asked of the owner. @returns whether the other end may go on; rejects when it says nothing that makes sense. */
export async function answerGreeting(line: FramedSocket, version: string, key: string): Promise<boolean> {
  const said = read(await line.next(AbortSignal.timeout(GREETING_MS)));
  if (typeof said?.['version'] !== 'string' || !isSame(said['key'], key)) return false;
  send(line, { version, pid: process.pid });
  return said['version'] === version;
}

const send = (line: FramedSocket, fields: object): void =>
  line.send(Buffer.from(JSON.stringify({ causeway: 'store', ...fields })));

function read(frame: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const said: unknown = JSON.parse(frame.toString());
    return typeof said === 'object' && said !== null && 'causeway' in said && said.causeway === 'store'
      ? (said as Readonly<Record<string, unknown>>)
      : null;
  } catch {
    return null;
  }
}

function isSame(said: unknown, key: string): boolean {
  if (typeof said !== 'string') return false;
  const [a, b] = [Buffer.from(said), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
}
