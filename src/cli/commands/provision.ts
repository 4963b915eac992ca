import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { directoryKey } from '#agent/directory-work.ts';
import { holdWork } from '#agent/hold-work.ts';
import type { OpenedSync } from '#agent/open-directory.ts';
import { planDirectoryPass } from '#jobs/directory/directory-pass.ts';
import {
  noLongerWanted,
  notNow,
  openHandedOver,
  scriptOfHandedOver,
  takeReceipt,
  unasked,
} from '#jobs/directory/handed-over.ts';
import { linesFor, scriptFor } from '#jobs/directory/power-shell.ts';
import type { Side } from '#model/ids.ts';
import type { DirectorySync } from '#project/project.ts';
import { readReceipt } from '#project/receipt.ts';
import type { DirectoryJournalRow } from '#store/directory-records.ts';
import type { Store } from '#store/store.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { countOf, plain } from '../format.ts';
import { command, type Run, type Session } from '../session.ts';
import { chosenSyncs, withSync } from './directory.ts';

/** As other commands that write to a directory. */
const PRIORITY = 30;

interface ProvisionOptions {
  readonly check?: true;
  readonly receipt?: string;
  readonly write?: string;
}

export function provisionCommand(session: Session): Command {
  return command('provision', 'what Exchange PowerShell has to do: make mailboxes, write what Graph does not', [
    ['causeway provision', 'print the script for each side'],
    ['causeway provision --write made', 'write made/SYNC-ORGANIZATION.ps1'],
    ['causeway provision --check', 'after it was run: what is still to be done'],
    ['causeway provision --receipt made.csv', 'what a script for Exchange Online found by its own check'],
  ])
    .argument('[sync]', 'name of the directory sync; without it all of them')
    .option('--write <folder>', 'write the scripts into this folder, which has to be there')
    .option('--check', 'only say what is still to be done')
    .option('--receipt <file>', 'take what a script for Exchange Online wrote down with -Receipt')
    .action(session.action<ProvisionOptions>(provision));
}

/** Looks at every object again, so that what was run meanwhile is not asked for a second time. */
async function provision(run: Run, options: ProvisionOptions, [name]: readonly string[]): Promise<ExitCode> {
  if (options.receipt !== undefined) return receive(run, options.receipt, name);
  const services = run.services();
  const store = await services.store('look');
  let open = 0;
  for (const sync of chosenSyncs(services.project, name))
    await withSync(run, sync, store, async (opened) => {
      const plan = await planDirectoryPass(opened.services, run.signal, { everything: true });
      const { needs } = plan;
      const handedOver = await openHandedOver(store, sync.name);
      // The next pass settles the one kind; the other one waits for the end of a switch.
      const left = new Set([...noLongerWanted(handedOver, plan), ...notNow(handedOver, plan)]);
      const rows = handedOver.filter((row) => !left.has(row));
      sayLeftOut(run, sync, { left: left.size, unasked: unasked(handedOver, plan, opened.services.ends) });
      open += needs.length + rows.length;
      for (const side of ['left', 'right'] as const) {
        const organization = side === 'left' ? sync.source : sync.target;
        const own = needs.filter((need) => need.side === side);
        const asked = rows.filter((row) => row.side === side);
        if (options.check) {
          sayOpen(run, sync, organization, asked);
          for (const need of own) run.output.line({ sync: sync.name, organization, ...need });
          const counts = new Map<string, number>();
          for (const { need } of own) counts.set(need, (counts.get(need) ?? 0) + 1);
          if (asked.length > 0 && own.length === 0) continue;
          run.output.text(
            own.length === 0
              ? `${organization}: nothing is left to do`
              : `${organization}: ${[...counts].map(([need, count]) => `${count} × ${need}`).join(', ')}`,
          );
          continue;
        }
        const script =
          opened.services.ends[side].kind === 'entra'
            ? // What is given by a licence stands at the end, as a comment.
              [...scriptOfHandedOver(rows, side), ...own.flatMap((need) => linesFor(need))]
            : scriptFor(own, side, await controllerOf(run, opened, side));
        if (script.length === 0) continue;
        const count = own.length + asked.length;
        run.output.line({ sync: sync.name, organization, needs: count, script });
        if (options.write === undefined) {
          run.output.text(`# ${organization}`);
          run.output.text(script.join('\n'));
          continue;
        }
        const file = resolve(run.terminal.cwd, options.write, `${sync.name}-${organization}.ps1`);
        // PowerShell 5 takes a file without a byte-order mark for one in the code page of the machine.
        writeFileSync(file, `\uFEFF${script.join('\r\n')}\r\n`, { mode: 0o600 });
        run.output.text(`${organization}: ${countOf(count, 'need')} in ${file}`);
      }
    });
  if (open === 0) run.output.text('nothing has to be run');
  return options.check && open > 0 ? exitCodes.notReady : exitCodes.ok;
}

async function controllerOf(run: Run, { services }: OpenedSync, side: Side): Promise<string | null> {
  const { controller } = await services.ends[side].directory.describe({
    signal: run.signal,
    deadlineMs: run.terminal.clock.monotonicMs() + services.requestDeadlineMs,
  });
  return controller === '' ? null : controller;
}

/** Why a script has less than one might expect. */
function sayLeftOut(
  run: Run,
  { name: sync }: DirectorySync,
  count: { readonly left: number; readonly unasked: number },
): void {
  if (count.left > 0)
    run.output.say(
      { sync, event: 'left-out', count: count.left },
      `# ${countOf(count.left, 'write')} that ${count.left === 1 ? 'was' : 'were'} handed over ${count.left === 1 ? 'is' : 'are'} not wanted any more, or not while a switch is under way: do not run older scripts`,
    );
  if (count.unasked > 0)
    run.output.say(
      { sync, event: 'sync-first', count: count.unasked },
      `# ${countOf(count.unasked, 'write')} to the tenant ${count.unasked === 1 ? 'is' : 'are'} not handed over yet: run causeway directory sync, then causeway provision again`,
    );
}

/** What stands in the journal as handed over, as of the last pass. */
function sayOpen(
  run: Run,
  { name: sync }: DirectorySync,
  organization: string,
  rows: readonly DirectoryJournalRow[],
): void {
  if (rows.length === 0) return;
  run.output.text(`${organization}: ${countOf(rows.length, 'write')} handed over and not seen by the last pass`);
  for (const { no, action, reason, detail } of rows)
    run.output.say(
      { sync, organization, event: 'handed-over', no, action, reason, detail },
      `  ${no}: ${plain(reason)}${detail === null ? '' : ` (${plain(detail)})`}`,
    );
}

/** Each entry is said to be done, or what is missing. */
async function receive(run: Run, file: string, name: string | undefined): Promise<ExitCode> {
  const services = run.services();
  let content: string;
  try {
    content = readFileSync(resolve(run.terminal.cwd, file), 'utf8');
  } catch {
    throw new CliError(`${plain(file)} cannot be read`);
  }
  const { lines, problem } = readReceipt(content);
  if (problem !== null) throw new CliError(`${plain(file)}: ${problem}`);
  const store: Store = await services.store('own');
  const syncs = chosenSyncs(services.project, name);
  const [sync, second] = syncs;
  if (sync === undefined || second !== undefined)
    throw new CliError('there are several syncs: name the one that the receipt is of');
  let open = 0;
  await withSync(run, sync, store, async (opened) => {
    const { around } = run;
    const held = await holdWork(store, { key: directoryKey(sync.name), priority: PRIORITY }, 'provision', around);
    try {
      for (const { no, outcome, detail } of await takeReceipt(opened.services, held.claim, lines, held.signal)) {
        if (outcome !== 'done') open++;
        run.output.say(
          { sync: sync.name, event: 'receipt', no, outcome, detail },
          `${no}: ${outcome}, ${plain(detail)}`,
        );
      }
    } finally {
      await held.release();
    }
  });
  run.output.text(
    open === 0 ? 'everything in the receipt is done' : `${countOf(open, 'entry', 'entries')} not done yet`,
  );
  return open > 0 ? exitCodes.notReady : exitCodes.ok;
}
