import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reference } from '../text/reference.fixture.ts';

const folder = reference('peers/samples/eml');

/** Every sample mail of the reference data: test data of four mail libraries, many of them broken on purpose. */
export function* sampleMails(): Generator<{ readonly name: string; readonly mime: Buffer }> {
  if (folder === null) return;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort())
    if (name.endsWith('.eml')) yield { name, mime: readFileSync(join(folder, name)) };
}
export const hasSamples = folder !== null;
