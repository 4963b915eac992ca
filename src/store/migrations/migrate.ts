import { type Kysely, Migrator, sql } from 'kysely';
import { StoreError } from '../store-error.ts';
import type { Tables } from '../tables.ts';
import type { Engine, Migration } from './migration.ts';

/** Step, kind and first version, as a newer Causeway left them in the store. */
interface Recorded {
  readonly name: string;
  readonly kind: string;
  readonly since: string;
}

/** Refuses a store that lacks steps of this program, for those who only look and may not take them. */
export async function requireSteps(db: Kysely<Tables>, steps: readonly Migration[]): Promise<void> {
  const recorded = await sql<Pick<Recorded, 'name'>>`select name from store_step`.execute(db);
  const taken = new Set(recorded.rows.map(({ name }) => name));
  const missing = steps.find(({ name }) => !taken.has(name));
  if (missing)
    throw new StoreError(
      'cannot-open',
      `this store is from before this Causeway (it lacks step ${missing.name}): \`causeway sync\` or \`causeway run\` brings it up to date`,
    );
}

/**
 * Brings the store to the newest step this program knows. A store that a newer program has changed in a breaking way is refused;
 * one with newer compatible steps is used as it is.
 */
export async function migrate(db: Kysely<Tables>, engine: Engine, steps: readonly Migration[]): Promise<void> {
  await sql`create table if not exists store_step (name text not null primary key, kind text not null, since text not null)`.execute(
    db,
  );
  const recorded = await sql<Recorded>`select name, kind, since from store_step order by name`.execute(db);
  const known = new Set(steps.map(({ name }) => name));
  const newer = recorded.rows.filter(({ name }) => !known.has(name));
  const breaking = newer.findLast(({ kind }) => kind === 'breaking');
  if (breaking)
    throw new StoreError(
      'too-new',
      `this store was changed by a newer Causeway (step ${breaking.name}): use version ${breaking.since} or newer`,
    );
  // Kysely refuses a history that it does not know to the end; then there is nothing for us to do either.
  if (newer.length > 0) return;

  const migrator = new Migrator({
    db,
    provider: {
      getMigrations: async () =>
        Object.fromEntries(
          steps.map((step) => [
            step.name,
            {
              up: async (trx: Kysely<Tables>) => {
                await step.up(trx, engine);
                await sql`insert into store_step (name, kind, since) values (${step.name}, ${step.kind}, ${step.since})`.execute(
                  trx,
                );
              },
            },
          ]),
        ),
    },
  });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
}
