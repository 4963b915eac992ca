import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TypedKind } from '#model/typed-item.ts';
import { root } from '../code/source-files.ts';

/** Where each kind is published, and under which heading; null: the document has one table. */
const published: Readonly<Record<TypedKind, readonly [document: string, heading: string | null]>> = {
  calendar: ['docs/carried-calendars.md', null],
  contacts: ['docs/carried-contacts.md', 'Contacts'],
  tasks: ['docs/carried-contacts.md', 'Tasks'],
  notes: ['docs/carried-contacts.md', 'Notes'],
};

const cellsOf = (line: string): readonly string[] =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

/** Without capitals and the full stop that a list has. */
export const plainly = (text: string): string => text.toLowerCase().replace(/\.$/, '');

/**
 * What the documents that operators read say of a way: by field, everything that is not kept there, plainly. They are made of the tables of the
 * connectors (`test/code/generated-documents.test.ts`).
 *
 * @param way The title of a column, `2000, 2003 (WebDAV)`.
 */
export function publishedLosses(kind: TypedKind, way: string): ReadonlyMap<string, readonly string[]> {
  const key = `${kind} ${way}`;
  const losses = known.get(key) ?? readLosses(kind, way);
  known.set(key, losses);
  return losses;
}
const known = new Map<string, ReadonlyMap<string, readonly string[]>>();

function readLosses(kind: TypedKind, way: string): ReadonlyMap<string, readonly string[]> {
  const [document, heading] = published[kind];
  const text = readFileSync(join(root, document), 'utf8');
  const section = heading === null ? text : (text.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? '');
  const [titles = [], , ...rows] = section.split('\n').flatMap((line) => (line.startsWith('|') ? [cellsOf(line)] : []));
  const column = titles.indexOf(way);
  if (column < 0) throw new Error(`${document} has no column ${way} for ${kind}`);
  const notes = new Map([...text.matchAll(/^(\d+)\. (.*)$/gm)].map(([, at = '', note = '']) => [at, plainly(note)]));
  return new Map(
    rows.map((row) => {
      const [, numbers = ''] = /^but for ([\d, ]+)$/.exec(row[column] ?? '') ?? [];
      return [row[0] ?? '', numbers.split(', ').flatMap((at) => notes.get(at) ?? [])];
    }),
  );
}
