import { expect, test } from 'vitest';
import type { Side } from '#model/ids.ts';
import { defaultSwitchPolicy } from '#model/switch.ts';
import type { Route, SwitchServices } from './ports.ts';
import { openTarget, redirectSource } from './routing-steps.ts';
import { type StepContext, StepFailed } from './step-work.ts';

const route = (addresses: readonly string[]): Route => ({
  isReadable: true,
  read: async () => ({ redirectsTo: null, addresses, legacyExchangeDn: null, answersTo: () => true }),
  turn: async () => ({ kind: 'done' }),
  lagging: async () => [],
});

/** Both sides of a person know the same address; the target has another one, of a routing domain, if it is named. */
function contextOf(routing: string | null): StepContext {
  const side = (name: Side) => ({ address: 'ana@shared.example', name });
  const services = {
    pair: { left: side('left'), right: side('right') },
    policy: { ...defaultSwitchPolicy, routing: { left: null, right: routing } },
    routes: { left: route(['ana@shared.example']), right: route(['ana@shared.example', 'ana@r.new.example']) },
  };
  return {
    services: services as unknown as SwitchServices,
    signal: new AbortController().signal,
    memory: { get: () => undefined, set: async () => {} },
    run: 1,
    beganAtMs: 0,
  };
}

test('a source is never made to redirect to an address of its own, and nothing is turned before that is seen', async () => {
  for (const step of [openTarget, redirectSource])
    await expect(step.before(contextOf(null))).rejects.toThrow(StepFailed);
  expect(await redirectSource.before(contextOf('r.new.example'))).toEqual({ to: 'ana@r.new.example' });
});
