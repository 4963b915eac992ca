import { type Kysely, sql } from 'kysely';
import type { Tables } from '../tables.ts';
import type { Engine, Migration } from './migration.ts';

/**
 * Events, contacts, tasks and notes: a row of `pair` per kind of content, links with what both sides showed, creates that may be on
 * their way, and items that are in no link.
 *
 * Identities are kept whole and looked up by hash, because a UID may have thousands of characters and no index takes that much.
 */
export const typedItems: Migration = {
  name: '0002-typed-items',
  kind: 'compatible',
  since: '0.1.0',
  async up(db, engine) {
    for (const statement of ddl(engine)) await sql.raw(statement).execute(db as Kysely<Tables>);
  },
};

function ddl(engine: Engine): readonly string[] {
  const lite = engine === 'sqlite';
  const int = lite ? 'integer' : 'bigint';
  const blob = lite ? 'blob' : 'bytea';
  const text = lite ? 'text' : 'text collate "C"';
  const heap = lite ? 'strict' : '';
  const byPair = lite ? heap : 'partition by hash (pair_no)';
  const parts = (table: string): string[] =>
    lite
      ? []
      : Array.from(
          { length: 16 },
          (_, n) => `create table ${table}_${n} partition of ${table} for values with (modulus 16, remainder ${n})`,
        );

  return [
    `alter table pair add column kind ${text} not null default 'mail'`,
    `alter table pair add column ringing ${text}`,
    `alter table journal add column day ${text}`,
    `alter table journal add column restored_at_ms ${int}`,

    // state: 0 live, 1 left-gone, 2 right-gone.
    `create table typed_link (
      pair_no ${int} not null, id ${blob} not null, identity_hash ${blob}, identity ${blob}, stamp_key ${blob},
      left_hash ${blob} not null, left_id ${text} not null, left_folder ${int} not null, left_version ${text} not null,
      right_hash ${blob} not null, right_id ${text} not null, right_folder ${int} not null, right_version ${text} not null,
      state ${int} not null, gone_pass ${int},
      primary key (pair_no, id)
    ) ${byPair}`,
    ...parts('typed_link'),
    'create unique index typed_link_left on typed_link (pair_no, left_hash)',
    'create unique index typed_link_right on typed_link (pair_no, right_hash)',
    'create index typed_link_identity on typed_link (pair_no, identity_hash) where identity_hash is not null',
    'create index typed_link_gone on typed_link (pair_no, state, id) where state <> 0',

    // seen_right: what differs from seen_left, which is little. As `typed-codecs.ts` writes them.
    `create table typed_snapshot (
      pair_no ${int} not null, link_id ${blob} not null, seen_left ${text} not null, seen_right ${text} not null,
      primary key (pair_no, link_id)
    ) ${byPair}`,
    ...parts('typed_snapshot'),

    `create table typed_intent (
      pair_no ${int} not null, stamp_key ${blob} not null, row ${text} not null, primary key (pair_no, stamp_key)
    ) ${heap}`,

    // side: 0 left, 1 right.
    `create table unlinked (
      pair_no ${int} not null, side ${int} not null, hash ${blob} not null, folder_hash ${blob} not null,
      identity_hash ${blob}, stamp_key ${blob}, head ${text} not null,
      primary key (pair_no, side, hash)
    ) ${heap}`,
    'create index unlinked_folder on unlinked (pair_no, side, folder_hash, hash)',
    'create index unlinked_identity on unlinked (pair_no, side, identity_hash) where identity_hash is not null',
    'create index unlinked_stamp on unlinked (pair_no, side, stamp_key) where stamp_key is not null',
  ];
}
