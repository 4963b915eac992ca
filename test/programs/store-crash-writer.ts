/**
 * A process that commits as fast as it can until it is killed, for `src/store/sqlite/crash.test.ts`.
 * Arguments: file of the store, number of the first batch. Prints the number of each batch once its commit was answered.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '#kit/clock.ts';
import { openStore } from '#store/open-store.ts';
import { BATCH, batchLinks } from '#test/suites/store-crash-batches.ts';
import { pair, pairId } from '#test/suites/store-rows.ts';

const [path = '', first = '0'] = process.argv.slice(2);
const store = await openStore(`sqlite:${path}`, { clock: systemClock, log: { info() {}, warn() {} } });
await store.putPairs([pair(1)]);
let next = Number(first);

async function write(): Promise<void> {
  for (;;) {
    const batch = next++;
    await store.commit(pairId(1), null, { links: batchLinks(batch), bytesCopied: BATCH });
    writeSync(1, `${batch}\n`);
  }
}
// Several at a time, so that they are folded into common transactions.
await Promise.all([write(), write(), write(), write()]);
