import type { Side } from '#model/ids.ts';
import type { ContentKind } from '#store/store.ts';
import { trackId } from '#store/store.ts';
import { done, type StepContext, type StepEnd, type StepWork } from './step-work.ts';

/** While people work there is always something new; after so many passes what is left belongs to the passes that go on. */
const roundsMax = 6;

/** Passes over every kind of content until one finds nothing. */
async function passes(
  { services, signal }: StepContext,
  active: Side,
  kinds: readonly ContentKind[] = services.tracks.kinds,
): Promise<StepEnd> {
  let writes = 0;
  let held = 0;
  for (const kind of kinds)
    for (let round = 0; round < roundsMax; round++) {
      signal.throwIfAborted();
      const pass = await services.tracks.pass(kind, active, signal);
      writes += pass.writes;
      if (pass.writes > 0 || pass.again) continue;
      held += pass.held;
      break;
    }
  return done(`${writes} writes${held > 0 ? `, ${held} deletions held` : ''}`);
}

const outlook = async () => ({ now: 'the target may be behind', after: 'the target has what the source has' });

/** Its undo comes last: by then nothing arrives in the target any more, and what did is carried back. */
export const catchUp: StepWork = {
  name: 'catch-up',
  outlook,
  before: async () => ({}),
  carryOut: (context) => passes(context, 'left'),
  async takeBack(context) {
    const { services, signal } = context;
    const typed = services.tracks.kinds.filter((kind) => kind !== 'mail');
    await passes(context, 'left', typed);
    if (!services.tracks.kinds.includes('mail')) return done();
    const { writes, held } = await services.tracks.carryBack(context.memory, signal);
    return done(`${writes} writes into the source${held > 0 ? `, ${held} held: see causeway quarantine list` : ''}`);
  },
};

export const lastPass: StepWork = {
  name: 'last-pass',
  outlook: async () => ({ now: 'mail that came in meanwhile is in the source', after: 'it is in the target' }),
  before: async () => ({}),
  carryOut: (context) => passes(context, 'left'),
  takeBack: async () => done('what was carried over stays'),
};

/** Recorded by the saga itself, in the same transaction as the end of this step. */
export const turnActive: StepWork = {
  name: 'turn-active',
  outlook: async () => ({ now: 'the person works in the source', after: 'the person works in the target' }),
  before: async () => ({}),
  async carryOut({ services, signal }) {
    await services.turnHome?.('right', signal);
    return done('the person works in the target');
  },
  async takeBack({ services, signal }) {
    await services.turnHome?.('left', signal);
    return done('the person works in the source');
  },
};

async function turnReminders(context: StepContext, on: Side): Promise<StepEnd> {
  const { services } = context;
  const kinds = services.tracks.kinds.filter((kind) => kind === 'calendar' || kind === 'tasks');
  await passes(context, on, kinds);
  for (const kind of kinds) {
    const ringing = (await services.store.pair(trackId(services.pair.id, kind)))?.ringing ?? null;
    if (ringing !== null && (ringing.on !== on || !ringing.isDone))
      return { end: 'waits', detail: `reminders of ${kind} are being moved`, againMs: 1_000 };
  }
  return done();
}

export const reminders: StepWork = {
  name: 'turn-reminders',
  outlook: async () => ({ now: 'reminders ring in the source', after: 'reminders ring in the target' }),
  before: async () => ({}),
  carryOut: (context) => turnReminders(context, 'right'),
  takeBack: (context) => turnReminders(context, 'left'),
};
