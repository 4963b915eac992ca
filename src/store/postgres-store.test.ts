import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { describe, test } from 'vitest';
import { storeSuite } from '#test/suites/store-suite.ts';
import { openStore } from './open-store.ts';

/** URL of a PostgreSQL in which databases may be made and dropped; `npm run test:peers -- postgres` starts one. */
const server = process.env['CAUSEWAY_TEST_POSTGRES'];
const log = { info() {}, warn() {} };

if (server === undefined) {
  describe('store on PostgreSQL', () => {
    const reason = 'CAUSEWAY_TEST_POSTGRES names no server; `npm run test:peers -- postgres` starts one and runs this';
    test.skipIf(true)(reason, () => {});
    console.log(`store on PostgreSQL: skipped, ${reason}`);
  });
} else {
  const name = `causeway_test_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const administer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  storeSuite({
    name: 'store on PostgreSQL',
    async open(clock) {
      await administer(`create database ${name}`);
      return openStore(url.href, { clock, log });
    },
    remove: () => administer(`drop database ${name} with (force)`),
    propertyRuns: 15,
  });
}
