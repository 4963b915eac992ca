import type { Instant } from '#model/mail.ts';

/** FILETIME: 100 ns since 1601-01-01 UTC, unsigned, little-endian ([MS-DTYP] 2.3.3). */
const EPOCH_MS = 11_644_473_600_000;

export function writeFileTime(instant: Instant): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(Math.max(0, Math.round(instant) + EPOCH_MS)) * 10_000n);
  return bytes;
}

/** @returns null for what lies beyond the dates of the program (year 275,760) */
export function readFileTime(bytes: Buffer): Instant | null {
  const instant = Number(bytes.readBigUInt64LE() / 10_000n) - EPOCH_MS;
  return Math.abs(instant) <= 8_640_000_000_000_000 ? instant : null;
}
