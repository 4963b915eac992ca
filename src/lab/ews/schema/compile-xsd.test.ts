import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ewsVersions } from '../../seams.ts';
import { compileSchemas } from './compile-xsd.ts';
import { schemaFolders, schemaRoots } from './schema-roots.ts';

const reference = resolve(process.env['CAUSEWAY_REFERENCE'] ?? '../shared', 'protocol/ews/versions');
const file = new URL('./ews-schema.json', import.meta.url);

describe.skipIf(!existsSync(reference) && process.env['CI'] !== 'true')('the schema table', () => {
  test('is what the XSDs say (UPDATE_SCHEMA=1 writes it anew)', () => {
    const made = compileSchemas(
      ewsVersions.map((version) => ({
        version,
        messages: readFileSync(join(reference, schemaFolders[version], 'messages.xsd'), 'utf8'),
        types: readFileSync(join(reference, schemaFolders[version], 'types.xsd'), 'utf8'),
      })),
      schemaRoots,
    );
    const text = `${JSON.stringify(made)}\n`;
    if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(file, text);
    expect(readFileSync(file, 'utf8') === text).toBe(true);
  });
});
