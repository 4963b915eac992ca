import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { planDirectoryPass } from '#jobs/directory/directory-pass.ts';
import { scriptFor } from '#jobs/directory/power-shell.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { countOf } from '../format.ts';
import { command, type Run, type Session } from '../session.ts';
import { chosenSyncs, withSync } from './directory.ts';

interface ProvisionOptions {
  readonly check?: true;
  readonly write?: string;
}

export function provisionCommand(session: Session): Command {
  return command('provision', 'what Exchange PowerShell has to do: make mailboxes, complete mail users', [
    ['causeway provision', 'print the script for each side'],
    ['causeway provision --write made', 'write made/SYNC-ORGANIZATION.ps1'],
    ['causeway provision --check', 'after it was run: what is still to be done'],
  ])
    .argument('[sync]', 'name of the directory sync; without it all of them')
    .option('--write <folder>', 'write the scripts into this folder, which has to be there')
    .option('--check', 'only say what is still to be done')
    .action(session.action<ProvisionOptions>(provision));
}

/** Looks at every object again, so that what was run meanwhile is not asked for a second time. */
async function provision(run: Run, options: ProvisionOptions, [name]: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const store = await services.store('look');
  let open = 0;
  for (const sync of chosenSyncs(services.project, name))
    await withSync(run, sync, store, async (opened) => {
      const { needs } = await planDirectoryPass(opened.services, run.signal, { everything: true });
      open += needs.length;
      for (const side of ['left', 'right'] as const) {
        const organization = side === 'left' ? sync.source : sync.target;
        const own = needs.filter((need) => need.side === side);
        if (options.check) {
          for (const need of own) run.output.line({ sync: sync.name, organization, ...need });
          const counts = new Map<string, number>();
          for (const { need } of own) counts.set(need, (counts.get(need) ?? 0) + 1);
          run.output.text(
            own.length === 0
              ? `${organization}: nothing is left to do`
              : `${organization}: ${[...counts].map(([need, count]) => `${count} × ${need}`).join(', ')}`,
          );
          continue;
        }
        const { controller } = await opened.services.ends[side].directory.describe({
          signal: run.signal,
          deadlineMs: run.terminal.clock.monotonicMs() + opened.services.requestDeadlineMs,
        });
        const script = scriptFor(own, side, controller === '' ? null : controller);
        if (script.length === 0) continue;
        run.output.line({ sync: sync.name, organization, needs: own.length, script });
        if (options.write === undefined) {
          run.output.text(`# ${organization}`);
          run.output.text(script.join('\n'));
          continue;
        }
        const file = resolve(run.terminal.cwd, options.write, `${sync.name}-${organization}.ps1`);
        // PowerShell 5 takes a file without a byte-order mark for one in the code page of the machine.
        writeFileSync(file, `\uFEFF${script.join('\r\n')}\r\n`, { mode: 0o600 });
        run.output.text(`${organization}: ${countOf(own.length, 'need')} in ${file}`);
      }
    });
  if (open === 0) run.output.text('nothing has to be run');
  return options.check && open > 0 ? exitCodes.notReady : exitCodes.ok;
}
