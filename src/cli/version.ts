import { readFileSync } from 'node:fs';
import { ownFile } from './own-file.ts';

/** Of this program. */
export function version(): string {
  const manifest = ownFile('package.json');
  return manifest === null
    ? 'unknown'
    : (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version;
}
