import { sql } from 'kysely';
import type { Migration } from './migration.ts';

/** Since when a store has known its pairs: what was written before, and is still on its way, is in no intent. */
export const knownSince: Migration = {
  name: '0006-known-since',
  kind: 'compatible',
  since: '0.1.0',
  async up(db, engine) {
    await sql
      .raw(
        `alter table pair add column known_since_ms ${engine === 'sqlite' ? 'integer' : 'bigint'} not null default 0`,
      )
      .execute(db);
  },
};
