import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Argument, type Command } from 'commander';
import { DIRECTORY_PRIORITY, directoryKey } from '#agent/directory-work.ts';
import { holdWork } from '#agent/hold-work.ts';
import type { OpenedSync } from '#agent/open-directory.ts';
import { planDirectoryPass, runDirectoryPass } from '#jobs/directory/directory-pass.ts';
import { openHandedOver } from '#jobs/directory/handed-over.ts';
import { type FoundPair, pairsOfLinks, withoutCollisions } from '#jobs/directory/pairs-of-links.ts';
import { describeEdit, undoEntries } from '#jobs/directory/undo-entries.ts';
import type { Attributes } from '#model/directory/directory-object.ts';
import type { Side } from '#model/ids.ts';
import type { DirectorySync, Project } from '#project/project.ts';
import type { DirectoryJournalRow } from '#store/directory-records.ts';
import type { Store } from '#store/store.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { countOf, csvLine, formatDuration, formatInstant, plain, table } from '../format.ts';
import { limit } from '../options.ts';
import { command, type Run, type Session } from '../session.ts';

/** Passes of one `directory sync`: removals wait for a second look. */
const PASSES_MAX = 5;

const nameArgument = () => new Argument('[sync]', 'name of the directory sync; without it all of them');

export function directoryCommand(session: Session): Command {
  return command('directory', 'who exists on both sides, with which addresses', [
    ['causeway directory plan', 'what a pass would write, and why'],
    ['causeway directory sync', 'write it'],
    ['causeway directory journal list', 'what was written'],
    ['causeway directory undo 42 --apply', 'take one write back'],
  ])
    .addCommand(
      command('plan', 'every write that a pass would make, with its reason', [
        ['causeway directory plan', 'since the last pass'],
        ['causeway directory plan main --all', 'as if everything had changed'],
      ])
        .addArgument(nameArgument())
        .option('--all', 'look at every object, not only at what changed')
        .action(session.action<{ readonly all?: true }>(plan)),
    )
    .addCommand(
      command('sync', 'one pass, and those that follow from it', [
        ['causeway directory sync', 'every sync of the project'],
        ['causeway directory sync main --all', 'look at every object'],
      ])
        .addArgument(nameArgument())
        .option('--all', 'look at every object, not only at what changed')
        .action(session.action<{ readonly all?: true }>(sync)),
    )
    .addCommand(
      command('status', 'how far each sync is, and who waits for what', [['causeway directory status', 'all of them']])
        .addArgument(nameArgument())
        .option('--limit <count>', 'at most so many that wait', limit, 50)
        .action(session.action<{ readonly limit: number }>(status)),
    )
    .addCommand(
      command('pairs', 'write down the pairs of collections that take them from a directory', [
        ['causeway directory pairs', 'after a sync, and whenever people came or went'],
      ]).action(session.action<object>(pairs)),
    )
    .addCommand(
      command('journal', 'every write, with the values before and after', [
        ['causeway directory journal list', 'the newest'],
        ['causeway directory journal show 42', 'one of them'],
      ])
        .addCommand(
          command('list', 'the newest writes', [['causeway directory journal list main', 'of one sync']])
            .addArgument(nameArgument())
            .option('--limit <count>', 'at most so many', limit, 50)
            .option('--pass <number>', 'only of this pass', limit)
            .action(session.action<{ readonly limit: number; readonly pass?: number }>(listEntries)),
        )
        .addCommand(
          command('show', 'one write', [['causeway directory journal show 42', 'its number stands in journal list']])
            .argument('<number>', 'number of the entry')
            .action(session.action<object>(showEntry)),
        ),
    )
    .addCommand(
      command('undo', 'put back what was there before', [
        ['causeway directory undo 42', 'only says what it would do'],
        ['causeway directory undo --pass 7 --apply', 'a whole pass, the newest write first'],
      ])
        .argument('[number]', 'number of the entry')
        .option('--pass <number>', 'every write of this pass', limit)
        .option('--sync <name>', 'with --pass: of which sync, where there are several')
        .option('--apply', 'write it')
        .action(session.action<UndoOptions>(undo)),
    );
}

export function chosenSyncs(project: Project, name: string | undefined): readonly DirectorySync[] {
  if (project.directories.size === 0)
    throw new CliError('the project has no directory sync; docs/operating/directory.md shows how to write one');
  if (name === undefined) return [...project.directories.values()];
  const sync = project.directories.get(name);
  if (sync) return [sync];
  throw new CliError(
    `no directory sync is called ${plain(name)}; there are ${[...project.directories.keys()].join(', ')}`,
  );
}

export async function withSync<T>(
  run: Run,
  sync: DirectorySync,
  store: Store,
  work: (opened: OpenedSync) => Promise<T>,
): Promise<T> {
  const opened = await run.jobs.openDirectorySync(run.services().project, sync, { store, clock: run.terminal.clock });
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

const sideName = ({ source, target }: DirectorySync, side: Side): string => (side === 'left' ? source : target);

async function plan(run: Run, options: { readonly all?: true }, [name]: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const store = await services.store('look');
  for (const each of chosenSyncs(services.project, name))
    await withSync(run, each, store, async (opened) => {
      const made = await planDirectoryPass(opened.services, run.signal, { everything: options.all === true });
      const { output } = run;
      for (const edit of made.edits) {
        output.line({ sync: each.name, ...edit });
        output.text(
          `${sideName(each, edit.side)}: ${edit.change.kind} ${plain(edit.dn)}\n  ${edit.reason}: ${plain(edit.detail)}${valuesText(edit.before, edit.after)}`,
        );
      }
      for (const row of made.waiting) {
        output.line({ sync: each.name, event: 'waits', ...row });
        output.text(`${sideName(each, row.side)}: waits, ${row.reason}: ${plain(row.detail)}`);
      }
      for (const note of made.notes) {
        output.line({ sync: each.name, event: 'note', ...note });
        output.text(`${sideName(each, note.side)}: ${note.outcome}: ${plain(note.detail)}`);
      }
      for (const side of ['left', 'right'] as const) {
        const { directory } = opened.services.ends[side];
        const deadlineMs = run.terminal.clock.monotonicMs() + opened.services.requestDeadlineMs;
        const { by, why } = (await directory.describe({ signal: run.signal, deadlineMs })).feed;
        if (by !== 'usn') continue;
        output.line({ sync: each.name, event: 'feed', side, by, why });
        output.text(`${sideName(each, side)}: changes are asked for by their numbers: ${plain(why)}`);
      }
      output.say(
        {
          sync: each.name,
          edits: made.edits.length,
          waiting: made.waiting.length,
          removals: made.removals,
          held: made.held,
          powerShell: made.needs.length,
        },
        `${each.name}: ${countOf(made.edits.length, 'write')}, ${countOf(made.removals, 'removal')}, ${made.held} held, ${countOf(made.waiting.length, 'object')} waiting; nothing was written`,
      );
    });
  return exitCodes.ok;
}

async function sync(run: Run, options: { readonly all?: true }, [name]: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const store = await services.store('own');
  const codes: ExitCode[] = [];
  for (const each of chosenSyncs(services.project, name))
    await withSync(run, each, store, async (opened) => {
      const { around } = run;
      const held = await holdWork(
        store,
        { key: directoryKey(each.name), priority: DIRECTORY_PRIORITY },
        'directory sync',
        around,
      );
      try {
        for (let n = 0; n < PASSES_MAX; n++) {
          const { summary, again, handedOver, refused, needs } = await runDirectoryPass(
            opened.services,
            held.claim,
            held.signal,
            { everything: options.all === true && n === 0 },
          );
          for (const { edit, reason, detail } of refused)
            run.output.say(
              { sync: each.name, event: 'refused', side: edit.side, dn: edit.dn, reason, detail },
              `${sideName(each, edit.side)}: refused, ${reason}: ${plain(edit.dn)}: ${plain(detail)}`,
            );
          run.output.say(
            { sync: each.name, ...summary, powerShell: needs.length + handedOver.length },
            `${each.name}, pass ${summary.pass}: ${countOf(summary.writes, 'write')}, ${summary.refused} refused, ${summary.held} held, ${countOf(summary.searches, 'search', 'searches')}, ${formatDuration(summary.endedAtMs - summary.startedAtMs)}`,
          );
          if (needs.length + handedOver.length > 0)
            run.output.text('PowerShell has to be run: causeway provision prints it');
          codes.push(summary.outcome === 'complete' ? exitCodes.ok : exitCodes.partial);
          if (!again) break;
        }
      } finally {
        await held.release();
      }
    });
  if ([...services.project.collections.values()].some(({ directoryPairs }) => directoryPairs !== null))
    codes.push(await pairs(run));
  return worstOf(codes);
}

async function status(run: Run, options: { readonly limit: number }, [name]: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const store = await services.store('look');
  const codes: ExitCode[] = [];
  for (const each of chosenSyncs(services.project, name)) {
    const row = await store.directorySync(each.name);
    const linked = await store.countDirectoryLinks(each.name);
    const waiting = await store.directoryWaiting(each.name, options.limit);
    const { lastPass = null } = row ?? {};
    run.output.line({ sync: each.name, linked, lastPass, waiting });
    const passed =
      lastPass === null
        ? 'no pass yet'
        : lastPass.outcome === 'stopped'
          ? `stopped ${formatInstant(lastPass.endedAtMs)}: ${plain(lastPass.stoppedBecause ?? '')}`
          : `pass ${lastPass.pass} ended ${formatInstant(lastPass.endedAtMs)}: ${countOf(lastPass.writes, 'write')}, ${lastPass.refused} refused, ${lastPass.held} held`;
    run.output.text(`${run.output.colours.bold(each.name)}: ${countOf(linked, 'link')}, ${passed}`);
    const asked = await openHandedOver(store, each.name);
    if (asked.length > 0)
      run.output.say(
        { sync: each.name, event: 'handed-over', count: asked.length },
        `  ${countOf(asked.length, 'write')} handed over and not seen yet: causeway provision has the script, and --check says which`,
      );
    for (const { side, reason, detail, sinceMs } of waiting)
      run.output.text(`  ${sideName(each, side)}: ${reason}, since ${formatInstant(sinceMs)}: ${plain(detail)}`);
    codes.push(
      lastPass?.outcome === 'stopped'
        ? exitCodes.stopped
        : lastPass?.outcome === 'partial'
          ? exitCodes.partial
          : exitCodes.ok,
    );
  }
  return worstOf(codes);
}

/** Writes the CSV files that the project reads pairs from. What two collections claim is left out, and named in the file. */
async function pairs(run: Run): Promise<ExitCode> {
  const services = run.services();
  const { project } = services;
  const store = await services.store('look');
  const claims = [];
  for (const collection of project.collections.values()) {
    const { name, source, target, directoryPairs: choice } = collection;
    const organizations = { source, target };
    const named = project.pairs.filter((pair) => pair.collection === name);
    if (choice === null) {
      claims.push({ collection: name, organizations, collision: 'first' as const, pairs: named });
      continue;
    }
    const sync = project.directories.get(choice.sync);
    if (!sync) continue;
    const found: readonly FoundPair[] = await withSync(run, sync, store, (opened) =>
      pairsOfLinks(opened.services, choice, run.signal),
    );
    claims.push({ collection: name, organizations, collision: choice.collision, pairs: found });
  }
  const chosen = withoutCollisions(claims);
  let leftOut = 0;
  for (const { name, directoryPairs: choice } of project.collections.values()) {
    const result = chosen.get(name);
    if (choice === null || !result) continue;
    const word = (side: Side) => (side === 'left' ? 'source' : 'target');
    const lines = [
      csvLine(['source', 'target', 'active']),
      ...result.pairs.map(({ source, target, active }) => csvLine([source, target, word(active)])),
    ];
    mkdirSync(dirname(choice.file), { recursive: true, mode: 0o700 });
    writeFileSync(choice.file, lines.join(''), { mode: 0o600 });
    for (const { source, target, why } of result.leftOut)
      run.output.say(
        { collection: name, event: 'left-out', source, target, why },
        `${name}: ${plain(source)} → ${plain(target)} left out: ${plain(why)}`,
      );
    leftOut += result.leftOut.length;
    run.output.say(
      { collection: name, pairs: result.pairs.length, leftOut: result.leftOut.length },
      `${name}: ${countOf(result.pairs.length, 'pair')} from the directory`,
    );
  }
  return leftOut > 0 ? exitCodes.partial : exitCodes.ok;
}

async function listEntries(
  run: Run,
  options: { readonly limit: number; readonly pass?: number },
  [name]: readonly string[],
): Promise<ExitCode> {
  const services = run.services();
  const store = await services.store('look');
  const filter = options.pass === undefined ? {} : { pass: options.pass };
  const found = await Promise.all(
    chosenSyncs(services.project, name).map((each) =>
      store.directoryJournal({ sync: each.name, ...filter }, options.limit),
    ),
  );
  const rows = found
    .flat()
    .sort((a, b) => b.no - a.no)
    .slice(0, options.limit);
  for (const row of rows) run.output.line(row);
  run.output.text(rows.length === 0 ? 'nothing was written' : table(columns, rows));
  return exitCodes.ok;
}

async function entryOf(store: Store, text: string | undefined): Promise<DirectoryJournalRow> {
  const no = Number(text);
  const [row] = Number.isSafeInteger(no) && no > 0 ? await store.directoryJournal({ no }, 1) : [];
  if (row) return row;
  throw new CliError(
    `the journal of directories has no entry ${text}; causeway directory journal list shows the numbers`,
  );
}

async function showEntry(run: Run, _options: object, [number]: readonly string[]): Promise<ExitCode> {
  const row = await entryOf(await run.services().store('look'), number);
  run.output.line(row);
  run.output.text(
    `${run.output.colours.bold(`entry ${row.no}`)}, ${formatInstant(row.atMs)}, ${row.sync}, pass ${row.pass}, ${row.outcome}`,
  );
  run.output.text(`${wordOf(row.side)}: ${row.action} ${plain(row.dn)}`);
  run.output.text(`${plain(row.reason)}${row.detail === null ? '' : ` (${plain(row.detail)})`}`);
  run.output.text(valuesText(row.before, row.after).replace(/^\n/, ''));
  return exitCodes.ok;
}

interface UndoOptions {
  readonly pass?: number;
  readonly sync?: string;
  readonly apply?: true;
}

async function undo(run: Run, options: UndoOptions, [number]: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const store = await services.store(options.apply ? 'own' : 'look');
  if ((number === undefined) === (options.pass === undefined))
    throw new CliError('name one entry by its number, or a pass with --pass');
  let each: DirectorySync | undefined;
  let entries: readonly DirectoryJournalRow[];
  if (number !== undefined) {
    const entry = await entryOf(store, number);
    [each] = chosenSyncs(services.project, entry.sync);
    entries = [entry];
  } else {
    const syncs = chosenSyncs(services.project, options.sync);
    if (syncs.length > 1) throw new CliError('there are several syncs: name one with --sync');
    [each] = syncs;
    entries = (await store.directoryJournal({ sync: each?.name ?? '', pass: options.pass ?? 0 }, 1_000_000)).filter(
      ({ action, outcome }) => action !== 'note' && outcome === 'done',
    );
  }
  if (!each) throw new CliError('there is nothing to take back');
  let refused = 0;
  await withSync(run, each, store, async (opened) => {
    const { around } = run;
    const held = options.apply
      ? await holdWork(store, { key: directoryKey(each.name), priority: DIRECTORY_PRIORITY }, 'directory undo', around)
      : null;
    try {
      for await (const result of undoEntries(
        opened.services,
        held?.claim ?? null,
        held?.signal ?? run.signal,
        entries,
        options.apply === true,
      )) {
        if (result.outcome === 'refused') refused++;
        const what = result.edit === null ? result.detail : describeEdit(result.edit);
        run.output.say(
          { no: result.no, outcome: result.outcome, detail: result.detail },
          `${result.no}: ${result.outcome === 'refused' ? `refused, ${plain(result.detail)}` : plain(what)}${result.outcome === 'handed-over' ? ' (handed over: causeway provision has the script)' : ''}`,
        );
      }
    } finally {
      await held?.release();
    }
  });
  run.output.text(
    options.apply
      ? `${countOf(entries.length - refused, 'write')} taken back, ${refused} refused`
      : 'nothing was written; do it with --apply',
  );
  return refused > 0 ? exitCodes.partial : exitCodes.ok;
}

const wordOf = (side: Side): string => (side === 'left' ? 'source' : 'target');

function valuesText(before: Attributes, after: Attributes): string {
  const short = (values: readonly string[] | undefined) => {
    const text = (values ?? []).join(' | ');
    return plain(text.length > 200 ? `${text.slice(0, 197)}…` : text) || '–';
  };
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => short(before[name]) !== short(after[name]))
    .map((name) => `\n    ${name}: ${short(before[name])} → ${short(after[name])}`)
    .join('');
}

const columns = [
  { title: 'no', align: 'right', value: (row: DirectoryJournalRow) => String(row.no) },
  { title: 'when', value: (row: DirectoryJournalRow) => formatInstant(row.atMs) },
  { title: 'sync', value: (row: DirectoryJournalRow) => row.sync },
  { title: 'pass', align: 'right', value: (row: DirectoryJournalRow) => String(row.pass) },
  { title: 'side', value: (row: DirectoryJournalRow) => wordOf(row.side) },
  { title: 'action', value: (row: DirectoryJournalRow) => row.action },
  { title: 'outcome', value: (row: DirectoryJournalRow) => row.outcome },
  { title: 'object', value: (row: DirectoryJournalRow) => row.dn },
  { title: 'reason', value: (row: DirectoryJournalRow) => row.reason },
] as const;
