import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { createLab } from '#lab/lab.ts';
import type { EwsVersion } from '#lab/seams.ts';
import type { OpenStage, SimulatedSide } from '../stage.ts';
import { labConnector } from './lab-connector.ts';
import { labMailbox } from './lab-mailbox.ts';
import { calmRequests, swarmFaults, swarmRequests } from './mix.ts';
import { Wire } from './wire.ts';

/** From what to what people move: the usual way three times of four, and from the oldest to the newest. */
const versionsOf = (seed: number): readonly [EwsVersion, EwsVersion] =>
  seed % 4 === 0 ? ['2007', 'se'] : ['2010', '2016'];

/** What the target takes, bytes of MIME; the people of the source have larger ones. */
const itemMaxBytes = 8000;
const mailboxes = 3;

/**
 * Two organizations of a lab, reached by the real EWS connectors as a job uses them, in this process: calls are made of requests,
 * each of which may be lost, refused, cut off or carried out in part, and people work in between.
 */
export const ewsStage: OpenStage = (host) => {
  const { seed, clock } = host;
  const random = seededRandom(`${seed} ews stage`);
  const [source, target] = versionsOf(seed);
  const lab = createLab({
    organizations: [
      { name: 'source', version: source },
      { name: 'target', version: target, itemMaxBytes },
    ],
    mailboxes,
    seed,
    clock,
    throttling: 'off',
  });
  const faults = swarmFaults(random);
  const requests = swarmRequests(random);
  let mix = requests;
  lab.faults.set(faults);
  const wire = new Wire(clock);

  const side = (name: string, people: () => void): SimulatedSide => {
    const { world } = lab.organization(name);
    const { address } = must(world.mailboxes[random.int(mailboxes)], 'a mailbox');
    const way = { random, mix: () => mix, people, stall: host.stall };
    return {
      mailbox: labMailbox(must(world.mailbox(address), 'a mailbox'), lab.outbox),
      connect: (life) => labConnector(lab, name, wire, life, way),
    };
  };
  const left = side('source', host.sourceStep);
  const right = side('target', host.targetStep);
  return {
    left: {
      ...left,
      mailbox: {
        ...left.mailbox,
        get commits() {
          return left.mailbox.commits;
        },
        deliver(folder, mail) {
          const isLarge = mix.tooLarge > 0 && random.next() < mix.tooLarge;
          const mime = isLarge ? Buffer.concat([mail.mime, Buffer.alloc(itemMaxBytes, 'large\r\n')]) : mail.mime;
          return left.mailbox.deliver(folder, { ...mail, mime });
        },
      },
    },
    right,
    clock: wire.clockOf(null),
    advance: (ms) => wire.advance(ms),
    later: (atMs, work) => wire.later(atMs, work),
    setCalm(isCalm) {
      mix = isCalm ? calmRequests : requests;
      lab.faults.set(isCalm ? [] : faults);
    },
    async close() {
      await lab.close();
      if (lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: lab.failures[0] });
    },
  };
};
