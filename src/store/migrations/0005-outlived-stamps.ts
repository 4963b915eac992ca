import { type Kysely, sql } from 'kysely';
import type { Tables } from '../tables.ts';
import type { Migration } from './migration.ts';

/** Stamps of copies whose link ended before their pair was in step: whatever carries one still is a person's. */
export const outlivedStamps: Migration = {
  name: '0005-outlived-stamps',
  kind: 'compatible',
  since: '0.1.0',
  async up(db, engine) {
    const [int, blob, heap] =
      engine === 'sqlite' ? ['integer', 'blob', 'strict, without rowid'] : ['bigint', 'bytea', ''];
    await sql
      .raw(
        `create table outlived (pair_no ${int} not null, stamp_key ${blob} not null, primary key (pair_no, stamp_key)) ${heap}`,
      )
      .execute(db as Kysely<Tables>);
  },
};
