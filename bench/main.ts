/**
 * `npm run bench -- NAME [--json] [options]`: measures, prints ratios within one run, keeps the figures in bench/results/.
 * docs/benchmarks.md says what each measures and how to read it.
 */
import { parseArgs } from 'node:util';
import { calendar } from './benches/calendar.ts';
import { calendarSingleHop } from './benches/calendar-single-hop.ts';
import { codec } from './benches/codec.ts';
import { cores } from './benches/cores.ts';
import { kill } from './benches/kill.ts';
import { killSwitch } from './benches/kill-switch.ts';
import { mail } from './benches/mail.ts';
import { memory } from './benches/memory.ts';
import { replies } from './benches/replies.ts';
import { singleHop } from './benches/single-hop.ts';
import { storeLost } from './benches/store-lost.ts';
import { switchUnderLoad } from './benches/switch.ts';
import { throttled } from './benches/throttled.ts';
import { waves } from './benches/waves.ts';
import type { Bench, BenchOptions } from './support/bench.ts';
import { keepResult } from './support/results.ts';

const benches: Readonly<Record<string, Bench>> = {
  mail,
  memory,
  cores,
  kill,
  'kill-switch': killSwitch,
  'store-lost': storeLost,
  throttled,
  switch: switchUnderLoad,
  waves,
  replies,
  calendar,
  codec,
};

/** Between 2003 and Online. */
const hops: Readonly<Record<string, { readonly bench: Bench; readonly result: string }>> = {
  mail: { bench: singleHop, result: 'single-hop' },
  calendar: { bench: calendarSingleHop, result: 'calendar-single-hop' },
};

const usage = `Usage: npm run bench -- NAME [options]

  mail        copying against a canned server: floor, exchangelib, Causeway; then memory, cores and the lab
  mail --from 2003 --to online
              mail in one hop from WebDAV to Graph, under the service's limits, beside a bare copier
  memory      peak resident size of a worker: a mailbox of 50,000 mails, a mail of 150 MB
  cores       how evenly workers share the cores over 40 pairs
  kill        kills Causeway over and over under load, then counts what was lost or doubled
  kill-switch kills whoever switches people or takes them back, while mail arrives; every mail is looked for
  store-lost  deletes the database half-way, relinks, goes on, then counts what was doubled
  throttled   what is reached of what the throttling policies of Exchange 2010 and 2013 allow
  switch      people switched and taken back while 20 mails a second arrive and calendars change
  waves       who is switched together: 20 people against brute force, companies of 2,000 against what is promised
  replies     replies to 1,000 old mails between two organizations, before and after provisioning
  calendar    how long a change of a calendar takes to the other side, over 10,000 pairs; the floor; what idling costs
  calendar --from 2003 --to online [--polling]
              the same between WebDAV and Graph over 1,000 pairs, under the service's limits; with its notifications, or by asking it
  codec       streams of items made and read, in MB/s beside a plain copy of the same bytes

  --json      the last line of output is one JSON object
  --quick     a tenth of the work: whether it runs, not how fast
  --items N   mails instead of what the benchmark says
  --rounds N  rounds of kill (50)
  --only A,B  parts of mail: small, large, memory, cores, lab; of calendar: lag, idle, floor
  --pairs N --changes N/s --seconds N   of calendar (10,000, 20/s, 120; in one hop 1,000, 5/s, 300)

Figures are kept in bench/results/NAME.json. Run on a machine that does nothing else.
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      items: { type: 'string' },
      rounds: { type: 'string' },
      pairs: { type: 'string' },
      changes: { type: 'string' },
      seconds: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      polling: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
    allowPositionals: true,
  });
  const [name = ''] = positionals;
  const isSingleHop = values.from !== undefined || values.to !== undefined;
  const hop = isSingleHop && values.from === '2003' && values.to === 'online' ? hops[name] : undefined;
  if (isSingleHop && hop === undefined)
    throw new Error('there are two hops to measure: mail and calendar, with --from 2003 --to online');
  const bench = hop?.bench ?? benches[name];
  if (values.help || !bench || positionals.length !== 1) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  const count = (option: 'items' | 'rounds' | 'pairs' | 'changes' | 'seconds'): number | null => {
    const text = option === 'changes' ? values.changes?.replace(/\/s$/, '') : values[option];
    if (text === undefined) return null;
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${option} takes a whole number, not ${JSON.stringify(text)}`);
    return Number(text);
  };
  const options: BenchOptions = {
    quick: values.quick,
    items: count('items'),
    rounds: count('rounds'),
    pairs: count('pairs'),
    changesPerSecond: count('changes'),
    seconds: count('seconds'),
    polling: values.polling,
    only: values.only?.split(',').map((part) => part.trim()) ?? null,
    say: (text) => void process.stderr.write(`${text}\n`),
  };
  const { figures, lines, details } = await bench(options);
  const file = keepResult(hop === undefined ? name : `${hop.result}${options.polling ? '-polling' : ''}`, {
    options: { quick: options.quick, items: options.items },
    figures,
    details,
  });
  process.stdout.write(`${name}\n${lines.join('\n')}\n\nkept in ${file}\n`);
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}
