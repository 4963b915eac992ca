import { type Command, Option } from 'commander';
import type { MailboxInventory } from '#jobs/discover.ts';
import { FaultError } from '#kit/fault.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { countOf, csvLine, formatBytes, formatCount, table } from '../format.ts';
import { pickPairs } from '../pick-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

interface DiscoverOptions {
  readonly side: 'source' | 'target';
  readonly collection?: string;
  readonly csv?: true;
}

export function discoverCommand(session: Session): Command {
  return command('discover', 'what is in the mailboxes', [
    ['causeway discover', 'every source mailbox of the project'],
    ['causeway discover ana@old.example', 'one mailbox'],
    ['causeway discover --csv > folders.csv', 'one line a folder, for a spreadsheet'],
  ])
    .argument('[addresses...]', 'only the pairs with these addresses')
    .option('-c, --collection <name>', 'only this collection')
    .addOption(new Option('--side <side>', 'which mailboxes').choices(['source', 'target']).default('source'))
    .option('--csv', 'CSV on stdout')
    .action(session.action<DiscoverOptions>(discover));
}

async function discover(run: Run, options: DiscoverOptions, addresses: readonly string[]): Promise<ExitCode> {
  if (options.csv && run.output.json) throw new CliError('--csv and --json are two forms of the same; choose one');
  const services = run.services();
  const around = { clock: run.terminal.clock, signal: run.signal };
  let failed = 0;
  if (options.csv) run.output.raw(csvLine(['mailbox', 'folder', 'role', 'class', 'items', 'bytes']));
  for (const pair of pickPairs(services.project, addresses, options.collection)) {
    const { left, right } = await services.jobPair(pair);
    const { connector, address } = options.side === 'source' ? left : right;
    try {
      show(run, await run.jobs.discover(connector, address, around), options.csv === true);
    } catch (error) {
      // One mailbox that cannot be read does not hide the others.
      if (!(error instanceof FaultError)) throw error;
      failed++;
      run.output.line({ organization: connector.organization, address, error: error.message });
      run.output.note(`${address}: ${error.message}`);
    }
  }
  return failed > 0 ? exitCodes.stopped : exitCodes.ok;
}

function show(run: Run, inventory: MailboxInventory, csv: boolean): void {
  const { output } = run;
  const { address, folders, largest, classes } = inventory;
  if (csv) {
    for (const { path, role, containerClass, items, bytes } of folders)
      output.raw(csvLine([address, path, role, containerClass, items, bytes]));
    return;
  }
  output.line(inventory);
  const items = folders.reduce((sum, folder) => sum + folder.items, 0);
  const bytes = folders.reduce((sum, folder) => sum + folder.bytes, 0);
  output.text(
    `${output.colours.bold(address)}: ${countOf(folders.length, 'folder')}, ${countOf(items, 'item')}, ${formatBytes(bytes)}`,
  );
  output.text(table(folderColumns, folders));
  if (largest.length > 0)
    output.text(
      `largest: ${largest.map((item) => `${formatBytes(item.bytes)} (${item.itemClass} in ${item.folder})`).join(', ')}`,
    );
  const unusual = Object.entries(classes).sort(([, a], [, b]) => b - a);
  if (unusual.length > 0)
    output.text(`classes: ${unusual.map(([name, count]) => `${name} ${formatCount(count)}`).join(', ')}`);
  output.text('');
}

type Folder = MailboxInventory['folders'][number];
const folderColumns = [
  { title: 'folder', value: (folder: Folder) => folder.path },
  { title: 'role', value: (folder: Folder) => folder.role ?? '' },
  { title: 'class', value: (folder: Folder) => folder.containerClass ?? '' },
  { title: 'items', align: 'right', value: (folder: Folder) => formatCount(folder.items) },
  { title: 'size', align: 'right', value: (folder: Folder) => formatBytes(folder.bytes) },
] as const;
