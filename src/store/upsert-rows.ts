import { CompiledQuery } from 'kysely';
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
  /**
   * Those of the replaced columns that are part of another index and mostly stay as they are. SQLite rewrites the entries of every
   * index whose columns a statement names, changed or not; PostgreSQL compares them first.
   */
  readonly steady?: readonly string[];
}

/** Rows of one SQLite statement: beyond 50 nothing is gained; smaller ones take what is left over. */
const SQLITE_ROWS = [50, 12, 3, 1] as const;

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
  if (engine === 'postgres') {
    const arrays = Object.values(table.columns).map((type, at) =>
      given.map((row) => (type === 'bigint' ? toWhole(row[at]) : row[at])),
    );
    await sql.executeQuery(CompiledQuery.raw(text(table, 'postgres'), arrays));
    return;
  }
  let at = 0;
  for (const size of SQLITE_ROWS)
    for (; at + size <= given.length; at += size) {
      const values = given
        .slice(at, at + size)
        .flat()
        .map(toWhole);
      if (table.steady) {
        const { numAffectedRows } = await sql.executeQuery(CompiledQuery.raw(text(table, size, table.steady), values));
        if (numAffectedRows === BigInt(size)) continue;
      }
      await sql.executeQuery(CompiledQuery.raw(text(table, size), values));
    }
}

/** Times that were reckoned from a monotonic clock have fractions of a millisecond. No column holds fractions. */
const toWhole = (value: unknown): unknown => (typeof value === 'number' ? Math.round(value) : value);

const texts = new Map<string, string>();

/** @param steady Columns that are left alone; a row that is there and differs in one of them is passed over, as is a new one that clashes. */
function text(table: BatchTable, shape: 'postgres' | number, steady: readonly string[] = []): string {
  const name = `${table.name} ${shape} ${steady.length}`;
  const known = texts.get(name);
  if (known !== undefined) return known;
  const columns = Object.keys(table.columns);
  const source =
    shape === 'postgres'
      ? `select * from unnest(${Object.values(table.columns)
          .map((type, n) => `$${n + 1}::${type}[]`)
          .join(', ')})`
      : `values ${Array.from({ length: shape }, () => `(${columns.map(() => '?').join(', ')})`).join(', ')}`;
  const made = `insert into ${table.name} (${columns.join(', ')}) ${source}${conflict({ ...table, steady })}`;
  texts.set(name, made);
  return made;
}

function conflict({ name, key, replaced, steady }: BatchTable & { readonly steady: readonly string[] }): string {
  if (replaced === null) return '';
  const same = steady.map((column) => `${name}.${column} = excluded.${column}`);
  const action =
    replaced.length === 0
      ? 'nothing'
      : `update set ${replaced
          .filter((column) => !steady.includes(column))
          .map((column) => `${column} = excluded.${column}`)
          .join(', ')}`;
  const upsert = ` on conflict (${key.join(', ')}) do ${action}`;
  // A new row may take over a unique value that a row passed over gives up in the same commit.
  return same.length === 0 ? upsert : `${upsert} where ${same.join(' and ')} on conflict do nothing`;
}
