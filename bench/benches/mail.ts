import { must } from '#kit/assert.ts';
import type { Bench, BenchOptions } from '../support/bench.ts';
import { copyCanned, copyWith, type End, type Tool } from '../support/copy.ts';
import { startLab } from '../support/lab.ts';
import { cpuSecondsOf, inClone, runForJson, start } from '../support/processes.ts';
import { against, type CopyResult, round } from '../support/results.ts';
import { measureCores } from './cores.ts';
import { measureMemory } from './memory.ts';

const smallBytes = 4 * 1024;
const largeBytes = 1024 * 1024;
const tools = ['floor', 'exchangelib', 'causeway'] as const;

/** Mails by tool: each runs long enough to be measured, the slow one not for ever. */
const itemsOf: Readonly<Record<'small' | 'large', Readonly<Record<Tool, number>>>> = {
  small: { floor: 60_000, exchangelib: 6_000, causeway: 30_000 },
  large: { floor: 1_500, exchangelib: 100, causeway: 1_000 },
};
/** The machine is never quite quiet: of several runs, taken in turns, the fastest counts. */
const runs = 3;

/** Copies of equal mails against a canned server by three tools; ratios within one run. */
export const mail: Bench = async (options) => {
  const wants = (part: string) => options.only === null || options.only.includes(part);
  await needExchangelib(options);
  const small = wants('small') ? await compare('small', smallBytes, options) : null;
  const large = wants('large') ? await compare('large', largeBytes, options) : null;
  const memory = wants('memory') ? await measureMemory(options) : null;
  const cores = wants('cores') ? await measureCores(options) : null;
  const lab = wants('lab') ? await onLab(options) : null;

  const speed = (tool: Tool) => ({
    itemsPerSecond: small && round(small[tool].items / small[tool].seconds),
    mbPerSecond: large && round(mbPerSecond(large[tool])),
    cpuMsPerItem: small && round(cpuPerItem(small[tool]) * 1000),
  });
  const figures = {
    floor: speed('floor'),
    exchangelib: speed('exchangelib'),
    causeway: speed('causeway'),
    cpuVsExchangelib: small && round(cpuPerItem(small.causeway) / cpuPerItem(small.exchangelib)),
    smallVsFloor: small && round(itemsPerSecond(small.causeway) / itemsPerSecond(small.floor)),
    largeVsFloor: large && round(mbPerSecond(large.causeway) / mbPerSecond(large.floor)),
    floorVsExchangelib: small && round(itemsPerSecond(small.floor) / itemsPerSecond(small.exchangelib)),
    peakRssMb: memory && round(Math.max(memory.manyMb, memory.largeMb)),
    coreRatio: cores && round(cores.ratio),
  };
  return {
    figures,
    lines: [
      ...tools.map((tool) => {
        const { itemsPerSecond: items, mbPerSecond: mb, cpuMsPerItem: cpu } = figures[tool];
        return `  ${tool.padEnd(12)} ${String(items ?? '-').padStart(10)} mails of 4 kB/s ${String(mb ?? '-').padStart(9)} MB/s in mails of 1 MB ${String(cpu ?? '-').padStart(8)} ms CPU a small mail`;
      }),
      against('floor over exchangelib, 4 kB', figures.floorVsExchangelib, '≥ 15', (value) => value >= 15),
      against('CPU a mail over exchangelib', figures.cpuVsExchangelib, '≤ 0.2', (value) => value <= 0.2),
      against('mails/s over floor, 4 kB', figures.smallVsFloor, '≥ 0.15', (value) => value >= 0.15),
      against('MB/s over floor, 1 MB', figures.largeVsFloor, '≥ 0.6', (value) => value >= 0.6),
      against('peak RSS of a worker, MB', figures.peakRssMb, '≤ 250', (value) => value <= 250),
      against('CPU of the busiest worker over idlest', figures.coreRatio, '≤ 1.2', (value) => value <= 1.2),
      ...(lab?.lines ?? []),
    ],
    details: { small, large, memory, cores, lab },
  };
};

const itemsPerSecond = ({ items, seconds }: CopyResult) => items / seconds;
const mbPerSecond = ({ bytes, seconds }: CopyResult) => bytes / 1e6 / seconds;
const cpuPerItem = ({ items, cpuSeconds }: CopyResult) => cpuSeconds / items;

async function compare(
  kind: 'small' | 'large',
  mailBytes: number,
  { quick, items, say }: BenchOptions,
): Promise<Readonly<Record<Tool, CopyResult>>> {
  const best = new Map<Tool, CopyResult>();
  for (let run = 1; run <= (quick ? 1 : runs); run++) {
    for (const tool of tools) {
      const count = items ?? Math.ceil(itemsOf[kind][tool] / (quick ? 10 : 1));
      const result = await copyCanned(tool, count, mailBytes);
      say(
        `${kind} ${tool}, run ${run}: ${result.items} mails in ${round(result.seconds)} s, ${round(result.cpuSeconds)} s CPU; server ${round(result.server.cpuSeconds)} s CPU, ${round(result.server.bytesOut / 1e6)} MB out, ${round(result.server.bytesIn / 1e6)} MB in`,
      );
      const before = best.get(tool);
      if (!before || itemsPerSecond(result) > itemsPerSecond(before)) best.set(tool, result);
    }
  }
  return Object.fromEntries(best) as Record<Tool, CopyResult>;
}

/** The same against the lab, which is a whole server with rights, schemas and folders: wall time, and what the lab used. */
async function onLab({ quick, items, say }: BenchOptions) {
  const total = items ?? (quick ? 300 : 6_000);
  const lab = await startLab(['2016', '2016'], ['--mailboxes', '3', '--items', String(total)]);
  try {
    const results: Partial<Record<Tool, CopyResult & { readonly labCpuSeconds: number }>> = {};
    for (const [i, tool] of tools.entries()) {
      const [from, to] = must(lab.pairs[i], 'a mailbox for each tool');
      const end = (org: typeof lab.source, mailbox: string): End => ({
        url: org.ewsPlain,
        user: org.admin.user,
        password: org.admin.password,
        mailbox,
      });
      const before = cpuSecondsOf(lab.pid) ?? 0;
      const result = await copyWith(tool, end(lab.source, from), end(lab.target, to), smallBytes);
      const labCpuSeconds = (cpuSecondsOf(lab.pid) ?? 0) - before;
      say(
        `lab ${tool}: ${result.items} mails in ${round(result.seconds)} s, ${round(result.cpuSeconds)} s CPU; lab ${round(labCpuSeconds)} s CPU`,
      );
      results[tool] = { ...result, labCpuSeconds };
    }
    const { floor, exchangelib, causeway } = results as Required<typeof results>;
    const rate = (result: CopyResult) => round(itemsPerSecond(result));
    return {
      results,
      lines: [
        '  on the lab (floor and exchangelib: the Inbox; Causeway: the mailbox, every folder), mails/s:',
        `    floor ${rate(floor)}, exchangelib ${rate(exchangelib)}, causeway ${rate(causeway)}; causeway over floor ${round(itemsPerSecond(causeway) / itemsPerSecond(floor))}, over exchangelib ${round(itemsPerSecond(causeway) / itemsPerSecond(exchangelib))}`,
        `    CPU of the lab, ms a mail: floor ${round((floor.labCpuSeconds / floor.items) * 1000)}, exchangelib ${round((exchangelib.labCpuSeconds / exchangelib.items) * 1000)}, causeway ${round((causeway.labCpuSeconds / causeway.items) * 1000)}`,
      ],
    };
  } finally {
    await lab.close();
  }
}

async function needExchangelib({ say }: BenchOptions): Promise<void> {
  const installing = start('/bin/sh', [inClone('scripts/debian-packages.sh'), 'python3-exchangelib']);
  if ((await installing.ended) !== 0) throw new Error(installing.complaints());
  const version = await runForJson<string>('/usr/bin/python3', [
    '-c',
    'import json, exchangelib; print(json.dumps(exchangelib.__version__))',
  ]);
  say(`exchangelib ${version}`);
}
