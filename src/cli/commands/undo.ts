import type { Command } from 'commander';
import { planUndo } from '#jobs/switch/plan-switch.ts';
import { beginUndo, confirmStep, switchRow } from '#jobs/switch/run-switch.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { plain } from '../format.ts';
import { command, type Run, type Session } from '../session.ts';
import { eachSwitch, pickSwitched, type SwitchTurn, takeSteps } from '../switching.ts';

interface UndoOptions {
  readonly collection?: string;
  readonly confirmed?: true;
  readonly yes?: true;
}

export function undoCommand(session: Session): Command {
  return command('undo', 'take a switch back: people work in the source again, with what came in meanwhile', [
    ['causeway undo ana@old.example', 'what would be taken back'],
    ['causeway undo ana@old.example --yes', 'do it; also goes on with an undo that broke off'],
  ])
    .argument('[addresses...]', 'the pairs with these addresses')
    .option('-c, --collection <name>', 'everybody of this collection')
    .option('--confirmed', 'the lines that were handed over were run')
    .option('--yes', 'without it nothing is changed')
    .action(session.action<UndoOptions>(undo));
}

async function undo(run: Run, options: UndoOptions, addresses: readonly string[]): Promise<ExitCode> {
  const pairs = pickSwitched(run, addresses, options.collection);
  if (!options.yes) {
    const codes = await eachSwitch(run, pairs, 'look', (turn) => show(run, turn));
    run.output.text('nothing was changed; add --yes to do it');
    return worstOf(codes);
  }
  const codes = await eachSwitch(run, pairs, 'own', async (turn) => {
    const { services } = turn.of;
    if (options.confirmed) await confirmStep(services, turn.claim);
    await beginUndo(services, turn.claim);
    return takeSteps(run, turn);
  });
  return worstOf(codes);
}

/** The steps that would be taken back, in their order. */
async function show({ output }: Run, { pair, of: { services } }: SwitchTurn): Promise<ExitCode> {
  const { state } = await switchRow(services);
  const steps = await planUndo(services);
  output.say({ pair: pair.id, state, steps }, `${output.colours.bold(plain(pair.id))}: ${state}`);
  output.text(
    steps.length === 0
      ? '  nothing was switched'
      : steps.map(({ step, undo: back }) => `  ${step}: ${back}`).join('\n'),
  );
  return exitCodes.ok;
}
