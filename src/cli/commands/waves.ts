import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { WavePlan } from '#jobs/waves/plan-waves.ts';
import type { Sharing, UnreadSharing } from '#jobs/waves/read-sharing.ts';
import { must } from '#kit/assert.ts';
import type { Day } from '#model/wall-time.ts';
import type { ProjectPair } from '#project/project.ts';
import { parseDay } from '#project/values.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { countOf, plain } from '../format.ts';
import { limit } from '../options.ts';
import { pickPairs } from '../pick-pairs.ts';
import { command, type Run, type Session } from '../session.ts';
import { waveFiles } from '../wave-files.ts';
import { wavesAsDot } from '../waves-graph.ts';

interface WavesOptions {
  readonly size: number;
  readonly from?: Day;
  readonly by?: Day;
  readonly every: number;
  readonly pin: readonly Pin[];
  readonly dot?: true;
  readonly limit: number;
  readonly apply?: true;
}

interface Pin {
  readonly address: string;
  /** From 0. */
  readonly wave: number;
}

export function wavesCommand(session: Session): Command {
  return command('waves', 'who should be switched together, and in which order', [
    ['causeway waves --size 50', 'everybody who has not moved, at most 50 on a day'],
    ['causeway waves finance --size 20 --from 2027-01-09 --every 7', 'one collection, a wave each Saturday'],
    ['causeway waves --size 50 --by 2027-03-31 --apply', 'as late as possible, and write each wave as a collection'],
    ['causeway waves --size 50 --dot | dot -Tsvg > waves.svg', 'the same as a picture'],
  ])
    .argument('[collection]', 'only people of this collection')
    .requiredOption('--size <people>', 'at most so many in a wave', limit)
    .option('--from <day>', 'day of the first wave, such as 2027-01-09', day)
    .option('--by <day>', 'no wave is later than this day', day)
    .option('--every <days>', 'days from one wave to the next', limit, 7)
    .option(
      '--pin <address=wave>',
      'who has to be in which wave; may be given several times',
      (text, pins: readonly Pin[]) => [...pins, pin(text)],
      [],
    )
    .option('--dot', 'only the graph, for Graphviz')
    .option('--limit <count>', 'at most so many ties in the text', limit, 500)
    .option('--apply', 'write waves/COLLECTION-wave-N.csv and waves/collections.yaml beside the project file')
    .action(session.action<WavesOptions>(waves));
}

function day(text: string): Day {
  const parsed = parseDay(text);
  if (parsed === null) throw new InvalidArgumentError('Give a day such as 2027-01-09.');
  return text as Day;
}

function pin(text: string): Pin {
  const [, address, number] = /^(.+@.+)=([1-9]\d{0,3})$/.exec(text) ?? [];
  if (address === undefined) throw new InvalidArgumentError('Give an address and a wave, such as ana@old.example=2.');
  return { address: address.toLowerCase(), wave: Number(number) - 1 };
}

async function waves(run: Run, options: WavesOptions, [collection]: readonly string[]): Promise<ExitCode> {
  const { output } = run;
  const services = run.services();
  const store = await services.store('look');
  const switched = new Map((await store.switches()).map((row) => [row.pair, row]));
  const chosen = pickPairs(services.project, [], collection);
  const staying = chosen.filter(({ id, active }) => (switched.get(id)?.active ?? active) === 'left');
  if (staying.length === 0) throw new CliError('everybody works in the target already: there is nothing to plan');
  const pairs = new Map<string, ProjectPair>(staying.map((pair) => [pair.id, pair]));
  const pairOf = (key: string) => must(pairs.get(key), 'a person of these');
  const nameOf = (key: string) => pairOf(key).source;
  const pinned = pinsOf(options, staying);

  const sharing = await readAll(run, staying);
  const plan = run.jobs.planWaves(sharing, {
    people: [...pairs.keys()],
    sizeMax: options.size,
    calendar: {
      from: options.from ?? null,
      by: options.by ?? null,
      everyDays: options.every,
      today: new Date(run.terminal.clock.nowMs()).toISOString().slice(0, 10) as Day,
    },
    pinned,
  });
  if (options.dot) {
    output.raw(wavesAsDot(plan, nameOf));
    return codeOf(plan, sharing);
  }
  const unread = sharing.flatMap((one) => one.unread);
  sayUnread(run, unread);
  sayTies(run, plan, nameOf, options.limit);
  sayWaves(run, plan, nameOf);
  const moved = chosen.length - staying.length;
  output.say(
    {
      people: staying.length,
      moved,
      ties: plan.ties.length,
      outside: plan.outside.length,
      groups: plan.groups.length,
      waves: plan.waves.length,
      cuts: plan.cuts.length,
      cutWeight: plan.cutWeight,
      isOptimal: plan.isOptimal,
      daysFor: plan.daysFor,
      unread: unread.length,
    },
    `${countOf(staying.length, 'mailbox', 'mailboxes')}${moved > 0 ? ` (${moved} moved already)` : ''}, ${countOf(plan.ties.length, 'tie')}, ${countOf(plan.waves.length, 'wave')}, ${
      plan.cuts.length === 0 ? 'nobody is parted' : `${countOf(plan.cuts.length, 'tie')} cut`
    }${plan.isOptimal ? '; no way within the size cuts less' : ''}`,
  );
  if (plan.daysFor !== null) {
    output.text(
      `there are days for ${countOf(plan.daysFor, 'wave')} only: raise --size to ${Math.ceil(staying.length / Math.max(1, plan.daysFor))} or more, lower --every, begin earlier or end later`,
    );
    return exitCodes.notReady;
  }
  if (options.apply) apply(run, plan, pairOf);
  else output.text('nothing was written; --apply writes each wave as a collection');
  return codeOf(plan, sharing);
}

const codeOf = (plan: WavePlan, sharing: readonly Sharing[]): ExitCode =>
  worstOf([
    plan.daysFor === null ? exitCodes.ok : exitCodes.notReady,
    // What a server shows nobody is no fault of this reading.
    sharing.some(({ unread }) => unread.some(({ what }) => what === 'mailbox')) ? exitCodes.partial : exitCodes.ok,
  ]);

function pinsOf({ pin: pins, size }: WavesOptions, staying: readonly ProjectPair[]): ReadonlyMap<string, number> {
  const pinned = new Map<string, number>();
  for (const { address, wave } of pins) {
    const found = staying.find(({ source, target }) => source === address || target === address);
    if (found === undefined) throw new CliError(`nobody of these has the address ${plain(address)}`);
    if ((pinned.get(found.id) ?? wave) !== wave) throw new CliError(`${plain(address)} is pinned to two waves`);
    pinned.set(found.id, wave);
  }
  for (const wave of new Set(pinned.values())) {
    const count = [...pinned.values()].filter((one) => one === wave).length;
    if (count > size) throw new CliError(`${count} people are pinned to wave ${wave + 1}, which takes ${size}`);
  }
  return pinned;
}

/** Each source organization for itself. */
async function readAll(run: Run, staying: readonly ProjectPair[]): Promise<readonly Sharing[]> {
  const services = run.services();
  const sourceOf = ({ collection }: ProjectPair) =>
    must(services.project.collections.get(collection), collection).source;
  const all: Sharing[] = [];
  for (const name of new Set(staying.map(sourceOf))) {
    const organization = must(services.project.organizations.get(name), name);
    const connector = await services.connector(name);
    const directory =
      organization.directory === null ? null : await run.jobs.openDirectory(organization, run.terminal.clock);
    try {
      all.push(
        await run.jobs.readSharing(
          directory,
          staying
            .filter((pair) => sourceOf(pair) === name)
            .map(({ id, source }) => ({ key: id, address: source, mailbox: connector.mailbox(source) })),
          { clock: run.terminal.clock, signal: run.signal },
        ),
      );
    } finally {
      await directory?.close();
    }
  }
  return all;
}

function sayUnread({ output }: Run, unread: readonly UnreadSharing[]): void {
  for (const one of unread) output.line({ event: 'unread', ...one });
  const reasons = new Map<string, string[]>();
  for (const { address, what, why } of unread) {
    const key = `${what} not read: ${why}`;
    reasons.set(key, [...(reasons.get(key) ?? []), address ?? '']);
  }
  for (const [reason, addresses] of reasons) {
    const named = addresses.filter((address) => address !== '');
    const more = named.length > 3 ? ` and ${named.length - 3} more` : '';
    output.text(`${plain(reason)}${named.length === 0 ? '' : ` (${plain(named.slice(0, 3).join(', '))}${more})`}`);
  }
}

function sayTies({ output }: Run, plan: WavePlan, nameOf: (key: string) => string, max: number): void {
  const waveOf = new Map(plan.waves.flatMap(({ people }, at) => people.map((person) => [person, at + 1] as const)));
  for (const { a, b, ...tie } of plan.ties) output.line({ event: 'tie', a: nameOf(a), b: nameOf(b), ...tie });
  for (const tie of plan.outside) output.line({ event: 'outside', ...tie, mailbox: nameOf(tie.mailbox) });
  const groupOf = new Map(plan.groups.flatMap((group, at) => group.map((person) => [person, at] as const)));
  const ofGroup = plan.groups.map((): WavePlan['ties'][number][] => []);
  for (const tie of plan.ties) ofGroup[groupOf.get(tie.a) ?? -1]?.push(tie);
  let left = max;
  plan.groups.forEach((group, at) => {
    if (left <= 0) return;
    const inWaves = [...new Set(group.map((person) => waveOf.get(person) ?? 0))].sort((a, b) => a - b);
    output.text(
      `${output.colours.bold(`${group.length} who share mailboxes`)}, ${inWaves.length > 1 ? 'waves' : 'wave'} ${inWaves.join(', ')}`,
    );
    for (const tie of (ofGroup[at] ?? []).slice(0, left))
      output.text(`  ${plain(nameOf(tie.a))} — ${plain(nameOf(tie.b))}  ${tie.reason}: ${plain(tie.detail)}`);
    left -= ofGroup[at]?.length ?? 0;
  });
  if (left < 0) output.text(`… ${countOf(-left, 'tie')} more: --limit, or --json for all of them`);
  for (const { reason, detail } of plan.outside.slice(0, max))
    output.text(`with nobody of these waves: ${reason}: ${plain(detail)}`);
  if (plan.outside.length > max) output.text(`… ${countOf(plan.outside.length - max, 'tie')} to others more`);
}

function sayWaves({ output }: Run, plan: WavePlan, nameOf: (key: string) => string): void {
  for (const [at, { day: on, people }] of plan.waves.entries())
    output.say(
      { event: 'wave', wave: at + 1, day: on, people: people.map(nameOf) },
      `${output.colours.bold(`wave ${at + 1}`)}${on === null ? '' : `, ${on}`}, ${people.length}: ${plain(people.map(nameOf).join(', '))}`,
    );
  for (const { tie, waves: parted, because, detail } of plan.cuts) {
    const [a, b] = parted.map((wave) => wave + 1);
    output.say(
      { event: 'cut', a: nameOf(tie.a), b: nameOf(tie.b), reason: tie.reason, waves: [a, b], because, detail },
      `cut between wave ${a} and ${b}, ${because}: ${plain(detail)}`,
    );
  }
}

function apply(run: Run, plan: WavePlan, pairOf: (key: string) => ProjectPair): void {
  const { project } = run.services();
  const files = waveFiles(project, plan, pairOf);
  for (const { path, text } of files) {
    const file = resolve(project.directory, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, text, { mode: 0o600 });
  }
  run.output.say(
    { event: 'written', files: files.map(({ path }) => path) },
    `written: ${files.map(({ path }) => path).join(', ')}\nput waves/collections.yaml in place of these collections, then causeway switch -c COLLECTION-wave-1 --plan`,
  );
}
