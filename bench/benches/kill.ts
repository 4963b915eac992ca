import { setTimeout as delay } from 'node:timers/promises';
import { systemClock as clock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import type { JournalEntry } from '#lab/world/journal.ts';
import type { ItemId } from '#model/ids.ts';
import { openStore } from '#store/open-store.ts';
import type { Bench } from '../support/bench.ts';
import type { Killed, KillOrder } from '../support/kill-orders.ts';
import { projectEnd, type RunningLab, startLab } from '../support/lab.ts';
import { bundle, start } from '../support/processes.ts';
import { type WrittenProject, writeProject } from '../support/project.ts';
import { against } from '../support/results.ts';
import { syncOnce } from '../support/sync.ts';
import { truthOf } from '../support/truth.ts';

/** More than workers hold at a time, so that there is work while the leases of a killed tree run out. */
const mailboxes = 40;
const itemsEach = 200;
const roundCount = 50;
/** What goes wrong while it is killed: answers that are lost, servers that are busy as a whole and for single items, slow ones. */
const faults = 'drop-after:0.04,server-busy:0.03~200ms,item-busy:0.01~200ms,slow:0.2~100ms';
const peoplePerSecond = 10;
/** Two of three kills aim at the moment after a create was carried out; the others come at any time. */
const aimedShare = 2 / 3;
const createsLetPassMax = 6;
const randomKillMaxMs = 4_000;
const patienceMs = 60_000;
const settlePassesMax = 20;

interface Round {
  readonly aimed: boolean;
  /** Creates that the server had carried out when the tree was killed, and of which the store knows nothing. */
  readonly unrecorded: number;
  readonly created: number;
  readonly opened: boolean;
}

/**
 * Kills the whole tree of `causeway run` with SIGKILL, over and over, while people work and the network and the servers
 * misbehave; the lab and its people are outside the tree. Then everything calms down and the lab says what it has on both sides.
 */
export const kill: Bench = async ({ quick, rounds, items, say }) => {
  const total = rounds ?? (quick ? 5 : roundCount);
  const random = seededRandom('kill');
  const lab = await startLab(
    ['2010', '2016'],
    ['--mailboxes', String(mailboxes), '--items', String(items ?? mailboxes * itemsEach)],
    'bench-kill-lab',
  );
  const project = writeProject(projectEnd(lab.source, false), projectEnd(lab.target, false), lab.pairs);
  const people = keepPeopleWorking(lab);
  const done: Round[] = [];
  try {
    await lab.control.setFaults(faults);
    for (let n = 1; n <= total; n++) {
      const round = await killOnce(lab, project, n % 3 < 3 * aimedShare, random.next());
      done.push(round);
      say(
        `round ${n}: killed ${round.aimed ? 'after a create' : 'at a random moment'}; ${round.created} creates in this round, ${round.unrecorded} of them not recorded${round.opened ? '' : '; THE STORE DID NOT OPEN'}`,
      );
    }
    await people.stop();
    await lab.control.setFaults('');
    let writes = -1;
    let passes = 0;
    while (writes !== 0 && passes++ < settlePassesMax) writes = await syncOnce(project.file, ['--everything']);
    say(`settled after ${passes} passes`);
    const truth = await truthOf(lab);
    const status = await lab.control.status();
    const figures = {
      rounds: done.length,
      killsInWindow: done.filter(({ unrecorded }) => unrecorded > 0).length,
      lost: truth.lost,
      duplicated: truth.duplicated,
      reopenFailures: done.filter(({ opened }) => !opened).length,
    };
    const none = (value: number) => value === 0;
    const wantedInWindow = Math.ceil(total / 2);
    return {
      figures,
      lines: [
        `  ${figures.rounds} rounds, ${people.acted()} things done by people meanwhile, ${truth.items} mails in the end`,
        against(
          'kills between commit and record',
          figures.killsInWindow,
          `≥ ${wantedInWindow}`,
          (n) => n >= wantedInWindow,
        ),
        against('lost', figures.lost, '0', none),
        against('duplicated', figures.duplicated, '0', none),
        against('store did not open', figures.reopenFailures, '0', none),
        `  altered ${truth.altered} ${truth.altered > 0 ? JSON.stringify(truth.differences) : ''}; faults that struck: ${Object.entries(
          status.faults,
        )
          .filter(([, count]) => count > 0)
          .map(([point, count]) => `${point} ${count}`)
          .join(', ')}`,
      ],
      details: { rounds: done, truth, faults: status.faults, outbox: status.outbox, settledAfterPasses: passes },
    };
  } finally {
    await people.stop();
    await lab.close();
    project.remove();
  }
};

/** People of the source, at a steady pace, driven from here: they go on whatever is killed. */
function keepPeopleWorking(lab: RunningLab) {
  let acted = 0;
  const end = new AbortController();
  const working = (async () => {
    while (!end.signal.aborted) {
      acted += await lab.control.people(lab.source.name, Math.max(1, Math.round(peoplePerSecond / 4)));
      await delay(250, undefined, { signal: end.signal }).catch(() => {});
    }
  })();
  return {
    acted: () => acted,
    async stop() {
      end.abort();
      await working;
    },
  };
}

async function killOnce(lab: RunningLab, project: WrittenProject, aimed: boolean, luck: number): Promise<Round> {
  const from = (await lab.control.status()).commits;
  const tree = start(process.execPath, [bundle('cli'), 'run', '--json', '--project', project.file], { detached: true });
  tree.child.stdout?.resume();
  const order: KillOrder = {
    group: tree.pid,
    when: aimed
      ? { kind: 'create', nth: Math.floor(luck * createsLetPassMax) }
      : { kind: 'time', afterMs: luck * randomKillMaxMs },
  };
  const killed = new Promise<Killed>((resolve) => lab.child.once('message', resolve));
  lab.child.send(order);
  const patience = new AbortController();
  const killedAtMs = await Promise.race([
    killed.then(({ atMs }) => atMs),
    // Nothing was created for so long: then it is any other moment.
    delay(patienceMs, undefined, { signal: patience.signal }).then(() => {
      process.kill(-tree.pid, 'SIGKILL');
      return Date.now();
    }),
    tree.ended.then(async (how) => {
      if (how !== 'SIGKILL') throw new Error(`causeway run ended by itself (${how}): ${tree.complaints()}`);
      return (await killed).atMs;
    }),
  ]);
  patience.abort();
  await tree.ended;
  const made = creates(lab, await lab.control.commits(from)).filter(({ atMs }) => atMs <= killedAtMs);
  const unrecorded = await unrecordedOf(project, made);
  return { aimed, created: made.length, unrecorded: unrecorded ?? 0, opened: unrecorded !== null };
}

/** Creates on the target that were made for us. */
const creates = (lab: RunningLab, entries: readonly JournalEntry[]): readonly JournalEntry[] =>
  entries.filter(
    ({ kind, organization, caller }) =>
      kind === 'item-created' && organization === lab.target.name && caller === lab.target.admin.user.toLowerCase(),
  );

/** How many of them the store does not know; null when it cannot be opened and read. */
async function unrecordedOf(project: WrittenProject, made: readonly JournalEntry[]): Promise<number | null> {
  try {
    const log = { info: () => {}, warn: () => {} };
    const store = await openStore(`sqlite:${project.database}`, { clock, log });
    try {
      const mail = (await store.pairs()).filter(({ kind }) => kind === 'mail');
      const pairs = new Map(mail.map((pair) => [pair.right.address.toLowerCase(), pair.id]));
      let unrecorded = 0;
      for (const [address, pair] of pairs) {
        const ids = made.filter(({ mailbox }) => mailbox.toLowerCase() === address).map(({ id }) => id as ItemId);
        const known = new Set((await store.linksById(pair, 'right', ids)).map(({ rightId }) => rightId));
        unrecorded += ids.filter((id) => !known.has(id)).length;
        await store.folders(pair);
        await store.intents(pair);
      }
      return unrecorded;
    } finally {
      await store.close();
    }
  } catch (error) {
    process.stderr.write(`the store: ${error instanceof Error ? error.message : String(error)}\n`);
    return null;
  }
}
