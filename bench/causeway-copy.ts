/**
 * One pass of Causeway over the first pair of a project, in a process of its own: the agent's own unit of work with the real
 * connectors and the real store, and nothing else of the program running.
 *
 *   node dist/bench-causeway-copy.js PROJECT_FILE
 *
 * Prints one JSON object: items, bytes, seconds, cpuSeconds, peakRssMb.
 */
import { projectHandlers } from '#agent/project-handlers.ts';
import { passKey, type WorkServices } from '#agent/work.ts';
import { putProjectPairs } from '#cli/put-pairs.ts';
import { must } from '#kit/assert.ts';
import { systemClock as clock } from '#kit/clock.ts';
import { systemRandom as random } from '#kit/random.ts';
import { loadProject } from '#project/read-project.ts';
import { openStore } from '#store/open-store.ts';

const project = loadProject(must(process.argv[2], 'the project file is named'));
const log = { info: () => {}, warn: (fields: object, text: string) => console.error(text, JSON.stringify(fields)) };
const pair = must(project.pairs[0], 'the project has a pair');
const store = await openStore(`sqlite:${project.directory}/causeway.db`, { clock, log });
await putProjectPairs(project, store);
const { handlers, close } = projectHandlers(project, null, { clock, random });
const signal = new AbortController().signal;
/** Longer than any pass: nobody else is here to take it. */
const leaseMs = 86_400_000;

const startedMs = performance.now();
const before = process.cpuUsage();
await store.ensureWork([{ key: passKey(pair.id, 'mail'), priority: 1, nextAtMs: clock.nowMs() }]);
const [claim] = await store.claim('bench', 'mail:', 1, clock.nowMs(), leaseMs);
let copied = { items: 0, bytes: 0 };
const services: WorkServices = {
  store,
  clock,
  random,
  log,
  draining: signal,
  emit(event) {
    if (event.kind === 'items') copied = { items: event.copied, bytes: event.bytes };
    if (event.kind === 'pair-stopped') throw new Error(event.because);
  },
};
const { failed } = await must(handlers['mail'], 'there is a handler for mail')(
  must(claim, 'the pair is due'),
  services,
  signal,
);
const { user, system } = process.cpuUsage(before);
const seconds = (performance.now() - startedMs) / 1000;
const row = await store.pair(pair.id);
await close();
await store.close();
if (failed || row?.state !== 'in-step' || row.counts.quarantined > 0)
  throw new Error(`the pass did not come through: ${JSON.stringify(row)}`);
console.log(
  JSON.stringify({
    ...copied,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
  }),
);
