import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * A folder of the reference data (recordings, sample mails) for tests; null when this machine has none, which is a failure when
 * `CI=true`. Where: `CAUSEWAY_REFERENCE`, by default `../shared` beside the project.
 */
export function reference(folder: string): string | null {
  const path = resolve(process.env['CAUSEWAY_REFERENCE'] ?? '../shared', folder);
  if (existsSync(path)) return path;
  if (process.env['CI'] === 'true') throw new Error(`${path} is missing; set CAUSEWAY_REFERENCE to the reference data`);
  console.warn(`skipped: no reference data at ${path} (CAUSEWAY_REFERENCE)`);
  return null;
}
