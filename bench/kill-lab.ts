/**
 * The lab of the benchmark `kill`: `causeway lab`, and a hand that kills a process group at a chosen moment — right after a create was
 * committed on the target and before its answer leaves, or some time after the first request. Orders come over IPC.
 */

import { labParts } from '#lab/parts.ts';
import { runLab } from '#lab/run.ts';
import type { Endpoint } from '#lab/seams.ts';
import type { Killed, KillOrder } from './support/kill-orders.ts';

let order: KillOrder | null = null;
let createsLeft = 0;
let timer: NodeJS.Timeout | null = null;

process.on('message', (message: KillOrder) => {
  order = message;
  createsLeft = message.when.kind === 'create' ? message.when.nth : 0;
  if (timer) clearTimeout(timer);
  timer = null;
});

function strike(): void {
  if (!order) return;
  const killed: Killed = { group: order.group, atMs: Date.now() };
  try {
    process.kill(-order.group, 'SIGKILL');
  } catch {
    // It ended by itself: whoever ordered this sees how.
  }
  order = null;
  process.send?.(killed);
}

/** Sees every request of the target before and after it is carried out. */
function watched(inner: Endpoint): Endpoint {
  return {
    async handle(call) {
      if (order?.when.kind === 'time' && timer === null) timer = setTimeout(strike, order.when.afterMs);
      const answer = await inner.handle(call);
      if (order?.when.kind !== 'create' || !(answer.body instanceof Uint8Array)) return answer;
      const isCreate = Buffer.from(
        answer.body.buffer,
        answer.body.byteOffset,
        2048 < answer.body.length ? 2048 : answer.body.length,
      ).includes('CreateItemResponse ');
      if (isCreate && createsLeft-- === 0) strike();
      return answer;
    },
  };
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(signal)));
process.exitCode = await runLab(
  process.argv.slice(2),
  {
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
    signal: stop.signal,
  },
  {
    ...labParts,
    ews: (organization) =>
      organization.name === 'target' ? watched(labParts.ews(organization)) : labParts.ews(organization),
  },
);
process.disconnect?.();
