import { sql } from 'kysely';
import type { Migration } from './migration.ts';

/** Work that somebody waits for by name is left for a moment once it is given back. */
export const wantedWork: Migration = {
  name: '0004-wanted-work',
  kind: 'compatible',
  since: '0.1.0',
  async up(db, engine) {
    await sql
      .raw(`alter table work add column wanted_until_ms ${engine === 'sqlite' ? 'integer' : 'bigint'}`)
      .execute(db);
  },
};
