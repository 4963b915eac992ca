import { setTimeout as delay } from 'node:timers/promises';
import { calendarMix } from '#lab/load/calendar-load.ts';
import type { Bench, BenchOptions } from '../support/bench.ts';
import { percentile, runCalendars } from '../support/calendar-run.ts';
import { projectEnd, type RunningLab, startLab } from '../support/lab.ts';
import { startServer } from '../support/processes.ts';
import { against, round } from '../support/results.ts';

/** One streaming connection a side. */
const floorPairs = 200;
/** Nobody touches an event again before its last change had time to arrive. */
const restSeconds = 15;

/** How long a change of a calendar takes to the other side, at scale, against the floor; and what it costs when nothing happens. */
export const calendar: Bench = async (options) => {
  const { quick, say } = options;
  const wants = (part: string) => options.only === null || options.only.includes(part);
  const pairs = options.pairs ?? (quick ? 200 : 10_000);
  const lab = await startLab(['2016', '2016'], ['--mailboxes', String(pairs), '--items', '0', '--throttling', 'off']);
  try {
    const floor = wants('floor') ? await measureFloor(lab, options) : null;
    const ours =
      wants('lag') || wants('idle')
        ? await runCalendars(
            {
              lab,
              source: projectEnd(lab.source, true),
              target: projectEnd(lab.target, true),
              pairs,
              load: loadOf(options),
              graceSeconds: 30,
            },
            options,
          )
        : null;
    const outbox = await lab.control.outbox();
    const { lag = null, idle = null } = ours ?? {};
    const figures = {
      pairs,
      changes: lag?.changes ?? 0,
      undelivered: lag?.undelivered ?? null,
      p50Ms: lag?.p50Ms ?? null,
      p95Ms: lag?.p95Ms ?? null,
      p99Ms: lag?.p99Ms ?? null,
      floorP50Ms: floor?.p50Ms ?? null,
      idleCorePercent: idle && round(idle.corePercent),
      rssMb: ours && round(ours.rssMb),
      coreRatio: ours && round(ours.coreRatio),
      labCpuShare: lag && round(lag.labCpuShare),
      lost: lag?.lost ?? null,
      duplicated: lag?.duplicated ?? null,
      mails: outbox.length,
    };
    const over = lag && floor ? lag.bookP50Ms - floor.p50Ms : null;
    say(
      `mix of changes, in parts of a hundred: ${Object.entries(calendarMix)
        .map(([deed, part]) => `${deed} ${part}`)
        .join(', ')}`,
    );
    return {
      figures,
      lines: [
        against('p50 of the lag, ms', figures.p50Ms, '≤ 1000', (value) => value <= 1000),
        against('p99 of the lag, ms', figures.p99Ms, '≤ 5000', (value) => value <= 5000),
        against(
          'p50 of the last third over the first',
          lag === null ? null : lag.growth,
          '≤ 1.5',
          (value) => value <= 1.5,
        ),
        against('changes that did not arrive', figures.undelivered, '0', (value) => value === 0),
        against('p50 of new events over the floor, ms', over, '≤ 150', (value) => value <= 150),
        against('idle, percent of one core', figures.idleCorePercent, '≤ 5', (value) => value <= 5),
        against('memory of all processes but the lab, MB', figures.rssMb, '≤ 600', (value) => value <= 600),
        against('CPU of the busiest worker over idlest', figures.coreRatio, '≤ 1.2', (value) => value <= 1.2),
        against('lost', figures.lost, '0', (value) => value === 0),
        against('duplicated', figures.duplicated, '0', (value) => value === 0),
        against('mails', figures.mails, '0', (value) => value === 0),
      ],
      details: { floor, ...ours },
    };
  } finally {
    await lab.close();
  }
};

const loadOf = ({ quick, changesPerSecond, seconds }: BenchOptions) => ({
  perSecond: changesPerSecond ?? 20,
  seconds: seconds ?? (quick ? 20 : 120),
  restSeconds,
});

/** The same changes, carried by the bare script. It carries new single events; nothing else counts. */
async function measureFloor(lab: RunningLab, options: BenchOptions) {
  const { say } = options;
  const ends = [lab.source, lab.target].map((org) =>
    JSON.stringify({ url: org.ewsPlain, user: org.admin.user, password: org.admin.password }),
  );
  const people = lab.pairs.slice(0, floorPairs);
  const script = await startServer<{ readonly watching: number }>('bench-calendar-floor', [
    ...ends,
    JSON.stringify(people),
  ]);
  try {
    const { perSecond } = loadOf(options);
    await lab.control.workWithCalendars({ perSecond, seconds: 20, people: people.length, restSeconds });
    await delay(5_000);
    const { lags } = await lab.control.calendarLoad();
    const books = lags.flatMap(({ deed, ms }) => (deed === 'book' && ms !== null ? [ms] : [])).sort((a, b) => a - b);
    say(`floor: ${books.length} new events, p50 ${percentile(books, 0.5)} ms, p99 ${percentile(books, 0.99)} ms`);
    return { carried: books.length, p50Ms: percentile(books, 0.5), p99Ms: percentile(books, 0.99) };
  } finally {
    await script.close();
  }
}
