import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeSuite } from '#test/suites/store-suite.ts';
import { openStore } from './open-store.ts';

const log = { info() {}, warn() {} };

storeSuite({
  name: 'store in memory',
  open: (clock) => openStore('sqlite::memory:', { clock, log }),
  propertyRuns: 60,
});

const folder = mkdtempSync(join(tmpdir(), 'causeway-store-'));
storeSuite({
  name: 'store on SQLite',
  open: (clock) => openStore(`sqlite:${join(folder, 'store.db')}`, { clock, log }),
  remove: async () => rmSync(folder, { recursive: true, force: true }),
  propertyRuns: 15,
});
