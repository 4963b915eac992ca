import { FaultError } from '#kit/fault.ts';
import type { Side } from '#model/ids.ts';
import { differences } from '../compare-free-busy.ts';
import { InboxSearch, messageIdOf } from './find-mail.ts';
import { done, type StepContext, type StepEnd, StepFailed, type StepWork, skipped } from './step-work.ts';

const lookEveryMs = 2_000;
const dayMs = 86_400_000;
const sides: readonly Side[] = ['left', 'right'];
const nameOf = { left: 'source', right: 'target' } as const satisfies Record<Side, string>;

/** One mail into each organization, to the person's address there. Both have to come to the target. */
export const prove: StepWork = {
  name: 'prove',
  outlook: async ({ services }) => ({
    now: 'nobody knows',
    after: sides.some((side) => services.post[side] !== null)
      ? 'a mail by each organization was found in the target, and removed'
      : 'not proved: organizations.NAME.submission is missing',
  }),
  before: async () => ({}),
  async carryOut(context) {
    const busy = await freeBusy(context);
    const { services, memory } = context;
    const probes = sides.flatMap((side) => {
      const post = services.policy.probe ? services.post[side] : null;
      return post === null ? [] : [{ side, post, id: messageIdOf(context, `probe-${side}`, post.from) }];
    });
    if (probes.length === 0)
      return skipped(`no mail can be submitted: send one yourself to each address, and see it in the target; ${busy}`);
    for (const { side, post, id } of probes) {
      if (typeof memory.get(`sent ${side}`) === 'number') continue;
      // Sent first and recorded after: a second probe of the same id does no harm.
      await post.send(
        {
          to: services.pair[side].address,
          subject: 'Causeway probe: this mail shows where mail goes, and is removed again',
          text: 'Sent by Causeway on the order of an administrator while your mailbox is moved. It may be deleted.\r\n',
          messageId: id,
        },
        context.signal,
      );
      await memory.set(`sent ${side}`, services.clock.nowMs());
    }
    const search = new InboxSearch(context, 'right');
    const wanted = new Set(probes.map(({ id }) => id));
    const found = await search.look(wanted);
    const missing = probes.filter(({ id }) => !found.has(id));
    if (missing.length === 0) {
      await search.remove([...found.values()]);
      return done(
        `mail by ${probes.map(({ side }) => `the ${nameOf[side]}`).join(' and ')} arrives in the target; ${busy}`,
      );
    }
    return late(context, missing);
  },
  takeBack: async () => done(),
};

function late({ services, memory }: StepContext, missing: readonly { readonly side: Side }[]): StepEnd {
  const now = services.clock.nowMs();
  const over = missing.find(({ side }) => now - Number(memory.get(`sent ${side}`) ?? now) > services.policy.probeMaxMs);
  if (over)
    throw new StepFailed(
      `a mail to ${services.pair[over.side].address}, submitted to the ${nameOf[over.side]}, has not come to the target for ${Math.round(services.policy.probeMaxMs / 60_000)} minutes: follow it with Get-MessageTrackingLog, then run causeway switch again, or causeway undo`,
    );
  const ways = missing.map(({ side }) => `the ${nameOf[side]}`).join(' and ');
  return { end: 'waits', detail: `a probe mail by ${ways}`, againMs: lookEveryMs };
}

/** That the target answers for the person at all; differences are told, since clocks and publishing may be behind. */
async function freeBusy({ services, signal }: StepContext): Promise<string> {
  const { pair, clock } = services;
  const boxes = sides.map((side) => pair[side].connector.mailbox(pair[side].address));
  const from = Math.floor(clock.nowMs() / 60_000) * 60_000;
  const until = from + 14 * dayMs;
  const ask = (box: (typeof boxes)[number] | undefined) =>
    box?.freeBusy?.(from, until, { signal, deadlineMs: clock.monotonicMs() + services.requestDeadlineMs });
  try {
    const [left, right] = await Promise.all([ask(boxes[0]), ask(boxes[1])]);
    if (right === undefined) return 'free/busy of the target cannot be asked for here';
    if (left === undefined) return 'the target answers free/busy';
    const different = differences(left, right, from, until).length;
    return different === 0
      ? 'free/busy is the same on both sides'
      : `free/busy differs at ${different} times: causeway check --freebusy names them`;
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'fatal') throw error;
    return `free/busy was refused: ${error.message}`;
  }
}
