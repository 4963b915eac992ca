import type { Side } from '#model/ids.ts';
import type { Route } from './ports.ts';
import { done, type StepContext, type StepEnd, StepFailed, type StepOutlook, type StepWork } from './step-work.ts';

/** How often controllers are asked, and what was handed over is looked for. */
const replicationEveryMs = 5_000;
const handedOverEveryMs = 30_000;

const nameOf = { left: 'source', right: 'target' } as const satisfies Record<Side, string>;
const words = (redirectsTo: unknown): string =>
  redirectsTo === undefined
    ? 'cannot be read'
    : redirectsTo === null
      ? 'delivers to its mailbox'
      : `redirects to ${redirectsTo}`;

/** Where the other side finds the person; the source's entry is made to redirect there. */
async function reachedAt(context: StepContext, side: Side): Promise<string> {
  const { routes, pair, policy } = context.services;
  const { address } = pair[side];
  const domain = policy.routing[side];
  if (domain === null) return address;
  const entry = await routes[side].read(context.signal);
  return entry?.addresses.find((one) => one.endsWith(`@${domain.toLowerCase()}`)) ?? address;
}

/**
 * Makes one side's entry redirect to `to` and waits until everybody knows. `first`: the side that must not redirect, on any
 * controller, before this one may: written only then, whoever changed what in between.
 */
async function turn(context: StepContext, side: Side, to: string | null, first: Side | null): Promise<StepEnd> {
  const { services, memory, signal } = context;
  const route = services.routes[side];
  if (first !== null) {
    const behind = await services.routes[first].lagging(null, signal);
    if (behind.length > 0) return lagging(context, first, behind);
  }
  if (memory.get('turned') !== to || !(await isTurned(route, to, signal))) {
    const turned = await route.turn(to, signal);
    if (turned.kind === 'refused') throw new StepFailed(`the entry in the ${nameOf[side]}: ${turned.detail}`);
    if (turned.kind === 'handed-over' && memory.get('confirmed') !== true)
      return {
        end: 'waits',
        detail: `somebody has to run in the ${nameOf[side]} (${turned.why}): ${turned.script.join(' ; ')}`,
        againMs: handedOverEveryMs,
        script: turned.script,
      };
    await memory.set('turned', to);
  }
  const behind = await route.lagging(to, signal);
  if (behind.length > 0) return lagging(context, side, behind);
  return settle(context, words(to));
}

async function isTurned(route: Route, to: string | null, signal: AbortSignal): Promise<boolean> {
  if (!route.isReadable) return true;
  return (await route.read(signal))?.redirectsTo === (to?.toLowerCase() ?? null);
}

function lagging(context: StepContext, side: Side, controllers: readonly string[]): StepEnd {
  const { clock, policy } = context.services;
  const waitedMs = clock.nowMs() - context.beganAtMs;
  const names = controllers.join(', ');
  if (waitedMs > policy.replicationMaxMs)
    throw new StepFailed(
      `controllers of the ${nameOf[side]} have not followed for ${Math.round(waitedMs / 60_000)} minutes: ${names}; look at repadmin /replsummary, or name those that count under switch.controllers`,
    );
  return {
    end: 'waits',
    detail: `replication in the ${nameOf[side]}: ${names}`,
    againMs: Math.min(replicationEveryMs, Math.max(50, Math.ceil(waitedMs / 4))),
  };
}

/** Transport remembers for a while what it was told. Counted from when the last controller was seen to follow. */
async function settle({ services, memory }: StepContext, detail: string): Promise<StepEnd> {
  const now = services.clock.nowMs();
  const seen = memory.get('seenAtMs');
  const seenAtMs = typeof seen === 'number' ? seen : now;
  if (seen === undefined) await memory.set('seenAtMs', seenAtMs);
  const leftMs = seenAtMs + services.policy.settleMs - now;
  return leftMs <= 0 ? done(detail) : { end: 'waits', detail: 'transport forgets what it knew', againMs: leftMs };
}

async function redirectionNow({ services, signal }: StepContext, side: Side): Promise<unknown> {
  const route = services.routes[side];
  if (!route.isReadable) return undefined;
  const entry = await route.read(signal);
  if (entry === null)
    throw new StepFailed(
      `no entry of the ${nameOf[side]}'s directory has the address ${services.pair[side].address}; causeway directory plan shows what is missing`,
    );
  return entry.redirectsTo ?? null;
}

/** Where the source is to redirect. An address that its own entry has would lead nowhere but back to it. */
async function wayToTarget(context: StepContext): Promise<string> {
  const to = await reachedAt(context, 'right');
  const own = await context.services.routes.left.read(context.signal);
  if (own?.addresses.includes(to.toLowerCase()))
    throw new StepFailed(
      `${to} is an address of the entry in the source, too, so that it cannot redirect there: name a domain that only the target takes mail for under routing of the directory sync, and let it run`,
    );
  return to;
}

/** The target stops redirecting to the source. Nothing goes round in circles: the source does not redirect yet. */
export const openTarget: StepWork = {
  name: 'open-target',
  outlook: async (context): Promise<StepOutlook> => ({
    now: `the target ${words(await redirectionNow(context, 'right'))}`,
    after: `the target ${words(null)}`,
  }),
  async before(context) {
    // Before anything is turned.
    await wayToTarget(context);
    const now = await redirectionNow(context, 'right');
    // Where it cannot be read, the way back leads to the source.
    return { redirectsTo: now === undefined ? await reachedAt(context, 'left') : now };
  },
  carryOut: (context) => turn(context, 'right', null, 'left'),
  async takeBack(context) {
    const to = context.memory.get('redirectsTo');
    return turn(context, 'right', typeof to === 'string' ? to : await reachedAt(context, 'left'), 'left');
  },
};

/** The source redirects to the target, once no controller of the target redirects any more. */
export const redirectSource: StepWork = {
  name: 'redirect-source',
  outlook: async (context): Promise<StepOutlook> => ({
    now: `the source ${words(await redirectionNow(context, 'left'))}`,
    after: `the source ${words(await reachedAt(context, 'right'))}`,
  }),
  async before(context) {
    return { to: await wayToTarget(context) };
  },
  async carryOut(context) {
    const to = context.memory.get('to');
    if (typeof to !== 'string') throw new StepFailed('it is not recorded where the source redirects to');
    return turn(context, 'left', to, 'right');
  },
  takeBack: (context) => turn(context, 'left', null, null),
};
