import type { Context } from '../../contract.ts';
import type { Known } from './forest.ts';
import { guidOfBytes } from './guids.ts';
import { LdapRefusal } from './ldap-results.ts';

/**
 * How much a controller has heard from the others: per database the number of the last change that reached it, by whatever way
 * (replUpToDateVector of the domain; [MS-DRSR] 4.1.10.2 UPTODATE_VECTOR_V1_EXT and V2_EXT).
 */

/** Bytes of a cursor: database, number, and since version 2 the time of the last success. */
const cursorBytes: Readonly<Record<number, number>> = { 1: 24, 2: 32 };
const headBytes = 16;

/** @returns null where the server does not show it. */
export async function readUpToDateVector(
  { controller, identity }: Known,
  context: Context,
): Promise<ReadonlyMap<string, bigint> | null> {
  try {
    const { entries } = await controller.search(
      { base: identity.domainDn, scope: 'base', attributes: ['replUpToDateVector'], isLearning: true },
      context,
    );
    const values = [...(entries[0]?.values ?? [])].find(([name]) => name.toLowerCase() === 'repluptodatevector')?.[1];
    return values?.[0] === undefined ? null : parseUpToDateVector(values[0]);
  } catch (error) {
    if (error instanceof LdapRefusal) return null;
    throw error;
  }
}

/** By invocation id. @returns null for a form that is not known. */
export function parseUpToDateVector(bytes: Buffer): ReadonlyMap<string, bigint> | null {
  if (bytes.length < headBytes) return null;
  const size = cursorBytes[bytes.readUInt32LE(0)];
  const count = bytes.readUInt32LE(8);
  if (size === undefined || bytes.length < headBytes + count * size) return null;
  const heard = new Map<string, bigint>();
  for (let at = headBytes; at < headBytes + count * size; at += size) {
    const database = guidOfBytes(bytes.subarray(at, at + 16));
    if (database !== null) heard.set(database, bytes.readBigUInt64LE(at + 16));
  }
  return heard;
}
