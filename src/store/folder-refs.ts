import { must } from '#kit/assert.ts';
import type { FolderId } from '#model/ids.ts';
import type { Sql } from './database.ts';
import { idHash } from './hashes.ts';
import type { Engine } from './migrations/migration.ts';
import { type BatchTable, upsertRows } from './upsert-rows.ts';

const table: BatchTable = {
  name: 'folder_ref',
  columns: { pair_no: 'bigint', hash: 'bytea', no: 'bigint', id: 'text' },
  key: ['pair_no', 'hash'],
  replaced: [],
};

export interface FolderRefs {
  readonly numbers: ReadonlyMap<FolderId, number>;
  readonly ids: ReadonlyMap<number, FolderId>;
}

/** Pairs whose folder numbers are remembered. A mailbox of 1,000 folders takes about 150 kB. */
const REMEMBERED_MAX = 200;

/**
 * Folder ids of links as numbers, per pair: an id takes 120 bytes and would stand twice in every link. Numbers are never
 * changed or given again, so what was read once from committed data stays right.
 */
export class FolderRefCache {
  readonly #byPair = new Map<number, FolderRefs>();

  /** Numbers for reading links; asks the store when one of `wanted` is not known. */
  async forReading(sql: Sql, pairNo: number, wanted: Iterable<number>): Promise<FolderRefs> {
    const known = this.#byPair.get(pairNo);
    if (known && [...wanted].every((no) => known.ids.has(no))) return known;
    return this.#remember(pairNo, await readRefs(sql, pairNo));
  }

  /** Numbers for writing links, made where they are missing. Belongs to the transaction and is not remembered. */
  async forWriting(sql: Sql, engine: Engine, pairNo: number, folders: ReadonlySet<FolderId>): Promise<FolderRefs> {
    const known = this.#byPair.get(pairNo);
    if (known && [...folders].every((id) => known.numbers.has(id))) return known;
    const there = await readRefs(sql, pairNo);
    const missing = [...folders].filter((id) => !there.numbers.has(id));
    if (missing.length === 0) return there;
    const first = there.numbers.size;
    await upsertRows(
      sql,
      engine,
      table,
      missing.map((id, at) => [pairNo, idHash(id), first + at, id]),
    );
    return readRefs(sql, pairNo);
  }

  #remember(pairNo: number, refs: FolderRefs): FolderRefs {
    this.#byPair.delete(pairNo);
    this.#byPair.set(pairNo, refs);
    const oldest = this.#byPair.size > REMEMBERED_MAX ? this.#byPair.keys().next().value : undefined;
    if (oldest !== undefined) this.#byPair.delete(oldest);
    return refs;
  }
}

async function readRefs(sql: Sql, pairNo: number): Promise<FolderRefs> {
  const rows = await sql.selectFrom('folder_ref').select(['no', 'id']).where('pair_no', '=', pairNo).execute();
  return {
    numbers: new Map(rows.map(({ no, id }) => [id as FolderId, no])),
    ids: new Map(rows.map(({ no, id }) => [no, id as FolderId])),
  };
}

export const folderOf =
  (refs: FolderRefs) =>
  (no: number): FolderId =>
    must(refs.ids.get(no), `folder number ${no} has no id`);
