import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { projectJsonSchema } from './json-schema.ts';

const shipped = fileURLToPath(new URL('../../schema/causeway.schema.json', import.meta.url));

test('the shipped JSON Schema is that of the code (UPDATE_GENERATED=1 writes it)', () => {
  if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(shipped, projectJsonSchema());
  expect(readFileSync(shipped, 'utf8')).toBe(projectJsonSchema());
});

test('it refuses unknown keys and inline secrets in an editor as well', () => {
  const schema = JSON.stringify(JSON.parse(projectJsonSchema()));
  expect(schema).toContain('"additionalProperties":false');
  expect(schema).toContain('^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$');
});
