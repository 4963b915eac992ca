import type { EwsPost } from '#connectors/ews/ews-http.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { createLab } from '#lab/lab.ts';
import type { EwsVersion, FaultPoint } from '#lab/seams.ts';
import type { OpenCalendarStage, SimulatedCalendarSide } from '../calendar/calendar-stage.ts';
import { blameFairly } from './fair-blame.ts';
import { aftermathOf } from './lab-aftermath.ts';
import { labCalendar } from './lab-calendar.ts';
import { labConnector } from './lab-connector.ts';
import { directMail, labRivals } from './lab-rivals.ts';
import { calmRequests, swarmFaults, swarmRequests } from './mix.ts';
import { Wire } from './wire.ts';

const versions: readonly EwsVersion[] = ['2007', '2010', '2013', '2016'];
/** From every version to every version, the same again after sixteen seeds. */
const versionsOf = (seed: number): readonly [EwsVersion, EwsVersion] => [
  must(versions[seed % 4], 'a version'),
  must(versions[(seed >> 2) % 4], 'a version'),
];

/** How often each fault of the lab struck in the lives of this process that are over. */
export const struck = new Map<FaultPoint, number>();

/** The person whose calendars are kept in step is in both organizations, and so are two colleagues. */
const mailboxes = 3;

/**
 * Whether a request writes occurrences whatever is there: DeleteItem ignores versions, and of several writes of one series only the first can
 * bear one. Of two who write an occurrence at that moment the last one counts, and no server says that there was another.
 */
const writesOccurrencesUnseen = ({ operation, body }: EwsPost): boolean =>
  (operation === 'DeleteItem' || operation === 'UpdateItem') &&
  !('stream' in body) &&
  /<t:OccurrenceItemId(?![^>]* ChangeKey=)/.test(Buffer.from(body).toString());

/**
 * The calendars of one person in two organizations of a lab, reached by the real EWS connectors as a job uses them, in this process: calls
 * are made of requests, each of which may be lost, refused, cut off or carried out in part, and people work in both calendars in between.
 * The lab's own machinery of meetings is there, and what leaves any mailbox because of us is counted.
 */
export const ewsCalendarStage: OpenCalendarStage = (host) => {
  const { seed, clock } = host;
  const random = seededRandom(`${seed} ews calendar stage`);
  const [source, target] = versionsOf(seed);
  const lab = createLab({
    organizations: [
      { name: 'source', version: source },
      { name: 'target', version: target },
    ],
    mailboxes,
    seed,
    clock,
    throttling: 'off',
    meetings: { attendantDelayMs: random.int(3) === 0 ? 20_000 : 0 },
  });
  const owner = random.int(mailboxes);
  const boxOf = (name: string) => {
    const { world } = lab.organization(name);
    return must(world.mailbox(must(world.mailboxes[owner], 'a mailbox').address), 'a mailbox');
  };
  const people = { left: boxOf('source'), right: boxOf('target') };
  directMail(people, random);
  blameFairly(lab.meetings, people, host.isStoreLost);
  const faults = swarmFaults(random);
  const requests = swarmRequests(random);
  let mix = requests;
  lab.faults.set(faults);
  const wire = new Wire(clock);

  const side = (name: 'source' | 'target', works: () => void): SimulatedCalendarSide => {
    const box = name === 'source' ? people.left : people.right;
    if (seed % 4 === 3)
      box.createFolder(box.folder('calendar'), 'Project', 'IPF.Appointment', {
        caller: 'people',
        displayName: box.displayName,
      });
    const atWork = (next: EwsPost): void => {
      if (!writesOccurrencesUnseen(next)) works();
    };
    const way = { random, mix: () => mix, people: atWork, stall: host.stall };
    return {
      calendar: labCalendar(box, lab.meetings, random),
      connect: (life) => labConnector(lab, name, wire, life, way),
    };
  };
  return {
    left: side('source', host.sourceStep),
    right: side('target', host.targetStep),
    isObedient: false,
    rivals: labRivals(lab.meetings, people, seededRandom(`${seed} lab rivals`)),
    clock: wire.clockOf(null),
    advance: (ms) => wire.advance(ms),
    later: (atMs, work) => wire.later(atMs, work),
    setCalm(isCalm) {
      mix = isCalm ? calmRequests : requests;
      lab.faults.set(isCalm ? [] : faults);
    },
    aftermath: () => aftermathOf(lab.meetings, people, clock),
    async close() {
      for (const [point, count] of Object.entries(lab.faults.counts) as [FaultPoint, number][])
        struck.set(point, (struck.get(point) ?? 0) + count);
      await lab.close();
      if (lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: lab.failures[0] });
    },
  };
};
