import { CompiledQuery } from 'kysely';
import { must } from '#kit/assert.ts';
import type { Sql } from './database.ts';
import type { Engine } from './migrations/migration.ts';
import type { Tables } from './tables.ts';

/** A table that is written in batches: its columns with their PostgreSQL types, the key, and what a second write replaces. */
export interface BatchTable {
  readonly name: keyof Tables & string;
  readonly columns: Readonly<Record<string, 'bigint' | 'text' | 'bytea'>>;
  readonly key: readonly string[];
  /** Columns replaced when the key is there; empty: the row that is there stays. Null: there is no key to meet. */
  readonly replaced: readonly string[] | null;
}

/** Rows of one SQLite statement: beyond this nothing is gained, and below the limit of 32,766 bound values. */
const SQLITE_ROWS = 50;

/**
 * Inserts or replaces rows, values in the order of the columns. The one place that is written for speed and therefore past Kysely's
 * builder, which would spend more time on composing 1,000 values than SQLite on storing them: the text is made once per
 * table and shape. PostgreSQL takes a whole column as an array, so its text is the same for any number of rows.
 * A key must not occur twice among the rows.
 */
export async function upsertRows(
  sql: Sql,
  engine: Engine,
  table: BatchTable,
  given: readonly (readonly unknown[])[],
): Promise<void> {
  if (given.length === 0) return;
  const whole = Object.values(table.columns).map((type) => type === 'bigint');
  const rows = given.map((row) => row.map((value, at) => (whole[at] ? toWhole(value) : value)));
  if (engine === 'postgres') {
    const arrays = Object.keys(table.columns).map((_, at) => rows.map((row) => row[at]));
    await sql.executeQuery(CompiledQuery.raw(text(table, 'postgres'), arrays));
    return;
  }
  let at = 0;
  for (; at + SQLITE_ROWS <= rows.length; at += SQLITE_ROWS)
    await sql.executeQuery(CompiledQuery.raw(text(table, SQLITE_ROWS), rows.slice(at, at + SQLITE_ROWS).flat()));
  for (; at < rows.length; at++)
    await sql.executeQuery(CompiledQuery.raw(text(table, 1), must(rows[at], 'row') as unknown[]));
}

/** Times that were reckoned from a monotonic clock have fractions of a millisecond. */
const toWhole = (value: unknown): unknown => (typeof value === 'number' ? Math.round(value) : value);

const texts = new Map<string, string>();

function text(table: BatchTable, shape: 'postgres' | number): string {
  const name = `${table.name} ${shape}`;
  const known = texts.get(name);
  if (known !== undefined) return known;
  const columns = Object.keys(table.columns);
  const source =
    shape === 'postgres'
      ? `select * from unnest(${Object.values(table.columns)
          .map((type, n) => `$${n + 1}::${type}[]`)
          .join(', ')})`
      : `values ${Array.from({ length: shape }, () => `(${columns.map(() => '?').join(', ')})`).join(', ')}`;
  const made = `insert into ${table.name} (${columns.join(', ')}) ${source}${conflict(table)}`;
  texts.set(name, made);
  return made;
}

function conflict({ key, replaced }: BatchTable): string {
  if (replaced === null) return '';
  const action =
    replaced.length === 0
      ? 'nothing'
      : `update set ${replaced.map((column) => `${column} = excluded.${column}`).join(', ')}`;
  return ` on conflict (${key.join(', ')}) do ${action}`;
}
