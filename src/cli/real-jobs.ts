import { waitLog } from '#agent/connector-budgets.ts';
import { openConnector } from '#agent/open-connector.ts';
import { runAgent } from '#agent/run-agent.ts';
import { check } from '#jobs/check.ts';
import { discover } from '#jobs/discover.ts';
import { runMailPass } from '#jobs/mail/mail-pass.ts';
import type { PassServices } from '#jobs/mail/pass-context.ts';
import type { PlannedWrite } from '#jobs/pass/planned-write.ts';
import { probe } from '#jobs/probe.ts';
import { relink } from '#jobs/relink.ts';
import { verifyPair } from '#jobs/verify/verify-pair.ts';
import { systemRandom } from '#kit/random.ts';
import type { Store } from '#store/store.ts';
import type { JobPair, JobSurroundings, Jobs } from './jobs.ts';

/** Commands look at one mailbox after the other; what has to be quick is the agent's. */
const lanes = 4;
const requestDeadlineMs = 60_000;

function passServices({ left, right, policy }: JobPair, store: Store, { clock }: JobSurroundings): PassServices {
  return {
    store,
    left: left.connector,
    right: right.connector,
    policy,
    clock,
    random: systemRandom,
    requestDeadlineMs,
    lanes,
  };
}

/** The jobs of the program as it is started. */
export const realJobs: Jobs = {
  runAgent,
  async planPair(pair, store, around) {
    const plan: PlannedWrite[] = [];
    await runMailPass(passServices(pair, store, around), pair.id, null, around.signal, { plan });
    return plan;
  },
  check: (pairs, endpoints, { clock, signal }) => check({ endpoints, clock, requestDeadlineMs }, pairs, signal),
  probe: (connector, addresses, { clock, signal }) =>
    probe({ connector, clock, random: systemRandom, requestDeadlineMs }, addresses, signal),
  discover: (connector, address, { clock, signal }) =>
    discover({ connector, clock, requestDeadlineMs }, address, signal),
  verifyPair: (pair, store, { contents, propertyLists, progress }, around) =>
    verifyPair(
      {
        ...passServices(pair, store, around),
        progress: (event) => {
          if (event.kind === 'items') progress(event.done, event.due);
        },
      },
      pair.id,
      { contents: { share: contents }, propertyLists: { share: propertyLists } },
      around.signal,
    ),
  relinkPair: (pair, store, around) => relink(passServices(pair, store, around), pair.id, null, around.signal),
  openConnector: (project, organization, { clock, signal }) =>
    openConnector(project, organization, { clock, random: systemRandom, signal, counting: 'alone', waits: waitLog() }),
};
