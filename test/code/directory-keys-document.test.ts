import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectJsonSchema } from '#project/json-schema.ts';
import { root } from './source-files.ts';

/** The part of JSON Schema that our schema is made of. */
interface Node {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly required?: readonly string[];
}

/** What may stand there, in a few words. */
function valuesOf(node: Node): string {
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(valuesOf))].join(' or ');
  if (node.type === 'array') return `list of ${node.items === undefined ? 'values' : valuesOf(node.items)}`;
  if (node.type === 'object') {
    const { additionalProperties: each } = node;
    if (typeof each === 'object') return `by name: ${valuesOf(each)}`;
    return `{ ${Object.keys(node.properties ?? {}).join(', ')} }`;
  }
  return { string: 'text', boolean: '`true`, `false`', integer: 'number' }[node.type ?? ''] ?? node.type ?? 'anything';
}

/** A line for each key, blocks opened: `scope.source.under`. Where both sides are alike, once. */
function* lines(node: Node, prefix = ''): Generator<string> {
  for (const [key, value] of Object.entries(node.properties ?? {})) {
    const isSides = value.properties !== undefined && Object.keys(value.properties).join() === 'source,target';
    const name = `${prefix}${key}`;
    const must = node.required?.includes(key) === true ? ' (must be there)' : '';
    const inner = isSides ? value.properties?.['source'] : value;
    const shown = isSides ? `\`${name}.source\`, \`${name}.target\`` : `\`${name}\``;
    const cells = [shown, valuesOf(inner ?? value), `${value.description ?? ''}${must}`.trim()];
    yield `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
    // Blocks whose keys speak for themselves are not opened.
    const below = Object.values(inner?.properties ?? {});
    if (below.some(({ description }) => description !== undefined))
      yield* lines({ properties: inner?.properties ?? {} }, isSides ? `${name}.*.` : `${name}.`);
  }
}

const table = (node: Node): string => `| key | value | meaning |\n| --- | --- | --- |\n${[...lines(node)].join('')}`;

function at(node: Node | undefined, ...path: readonly string[]): Node {
  let here = node;
  for (const step of path)
    here =
      step === '*'
        ? typeof here?.additionalProperties === 'object'
          ? here.additionalProperties
          : undefined
        : here?.properties?.[step];
  if (here === undefined) throw new Error(`the schema has no ${path.join('.')}`);
  return here;
}

test('docs/operating/directory-keys.md is that of the schema (UPDATE_GENERATED=1 writes it)', () => {
  const schema = JSON.parse(projectJsonSchema()) as Node;
  const [tenant, forest] = at(schema, 'organizations', '*', 'directory').anyOf ?? [];
  const text = `# Keys of the project file for directories

<!-- Made from the code by test/code/directory-keys-document.test.ts. Do not edit. -->

What they do together is told in [directory.md](directory.md). \`source\` is left, \`target\` right.

## \`organizations.NAME.directory\`: Active Directory over LDAP

${table(forest ?? {})}
TLS is the organization's: \`tls.ca\`, \`tls.min\`.

## \`organizations.NAME.directory\`: a tenant over Graph

${table(tenant ?? {})}
The sign-in is the organization's: \`method: oauth\` with \`tenant\`, \`clientId\` and \`clientSecret\` or \`certificate\`.

## \`directory.SYNC\`

${table(at(schema, 'directory', '*'))}
## \`collections.NAME.pairs.directory\`

${table(at(schema, 'collections', '*', 'pairs', 'directory'))}`;
  const file = join(root, 'docs/operating/directory-keys.md');
  if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, text);
  expect(readFileSync(file, 'utf8')).toBe(text);
  const bare = text.split('\n').filter((line) => /^\| `.*\| *(?:\(must be there\) *)?\|$/.test(line));
  expect(bare, 'keys that nothing is said about').toEqual([]);
});
