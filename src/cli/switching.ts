import type { SwitchOfPair } from '#agent/switch-services.ts';
import type { Directory } from '#connectors/directory/contract.ts';
import type { SwitchProgress } from '#jobs/switch/ports.ts';
import { runSwitch, type SwitchEnd, SwitchRefused } from '#jobs/switch/run-switch.ts';
import { FaultError } from '#kit/fault.ts';
import type { PairId } from '#model/ids.ts';
import type { ProjectPair } from '#project/project.ts';
import type { Claim, Store } from '#store/store.ts';
import { CliError } from './cli-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { plain } from './format.ts';
import { pickPairs } from './pick-pairs.ts';
import { putProjectPairs } from './put-pairs.ts';
import type { Run } from './session.ts';

/** Switches on their way at the same time: each waits for replication and passes most of the time. */
const lanes = 16;

/** One pair, its switch held by this command. */
export interface SwitchTurn {
  readonly pair: ProjectPair;
  readonly of: SwitchOfPair;
  readonly claim: Claim | null;
  readonly signal: AbortSignal;
}

/** The pairs that a command about switching names. Nobody switches everybody by leaving out a name. */
export function pickSwitched(
  run: Run,
  addresses: readonly string[],
  collection: string | undefined,
): readonly ProjectPair[] {
  if (addresses.length === 0 && collection === undefined)
    throw new CliError('name the people: addresses, or --collection NAME for all of a collection');
  return pickPairs(run.services().project, addresses, collection);
}

/**
 * Does something about the switch of each pair. `hold`: nobody else works on it meanwhile.
 *
 * @param work for one pair; what is refused or fails there does not keep the others from it.
 */
export async function eachSwitch(
  run: Run,
  pairs: readonly ProjectPair[],
  access: 'own' | 'look',
  work: (turn: SwitchTurn, store: Store) => Promise<ExitCode>,
): Promise<readonly ExitCode[]> {
  const services = run.services();
  const store = access === 'own' ? await services.store('own') : await services.store('look');
  if (access === 'own') await putProjectPairs(services.project, store);
  const directories = new Map<string, Promise<Directory>>();
  const { clock } = run.terminal;
  const turn = async (pair: ProjectPair): Promise<ExitCode> => {
    try {
      const of = await run.jobs.switchOfPair(services.project, pair, pairs, store, {
        ...run.around,
        connect: (name) => services.connector(name),
        openDirectory: (organization) => {
          const open = directories.get(organization.name) ?? run.jobs.openDirectory(organization, clock);
          directories.set(organization.name, open);
          return open;
        },
        progress: (event) => say(run, pair.id, event),
      });
      if (access === 'look') return await work({ pair, of, claim: null, signal: run.signal }, store);
      const { claim, signal, release } = await run.jobs.holdSwitch(pair.id, store, run.around);
      try {
        return await work({ pair, of, claim, signal }, store);
      } finally {
        await release();
      }
    } catch (error) {
      if (run.signal.aborted) return exitCodes.interrupted;
      if (!(error instanceof FaultError) && !(error instanceof SwitchRefused)) throw error;
      run.output.say(
        { pair: pair.id, refused: error.message },
        `${run.output.colours.red('refused')} ${plain(pair.id)}: ${plain(error.message)}`,
      );
      return error instanceof SwitchRefused ? exitCodes.notReady : exitCodes.stopped;
    }
  };
  const codes: ExitCode[] = [];
  const queue = [...pairs];
  try {
    await Promise.all(
      Array.from({ length: Math.min(lanes, queue.length) }, async () => {
        for (let pair = queue.shift(); pair !== undefined; pair = queue.shift()) codes.push(await turn(pair));
      }),
    );
  } finally {
    for (const directory of await Promise.allSettled(directories.values()))
      if (directory.status === 'fulfilled') await directory.value.close();
  }
  return codes;
}

function say({ output }: Run, pair: PairId, { step, direction, state, detail }: SwitchProgress): void {
  if (state === 'begun') return;
  const what = direction === 'undo' ? `undo of ${step}` : step;
  output.line({ event: 'step', pair, step, direction, state, detail });
  output.note(`${plain(pair)}: ${what} ${state}${detail === null ? '' : ` (${plain(detail)})`}`);
}

/** Takes the steps of a switch, or of its undo, waits as long as each says, and tells how it ended. */
export async function takeSteps(run: Run, { pair, of, claim, signal }: SwitchTurn): Promise<ExitCode> {
  const { output, terminal } = run;
  for (;;) {
    const end: SwitchEnd = await runSwitch(of.services, claim, signal);
    if (end.end === 'waits' && end.script === null) {
      await terminal.clock.sleep(end.againMs, signal);
      continue;
    }
    const { state, active } = end.row;
    const because = end.end === 'complete' ? null : end.because;
    output.line({ pair: pair.id, state, active: active === 'left' ? 'source' : 'target', because });
    if (end.end === 'complete') {
      output.text(
        `${plain(pair.id)}: ${output.colours.bold(state === 'switched' ? 'switched' : 'back in the source')}`,
      );
      return exitCodes.ok;
    }
    if (end.end === 'waits') {
      output.text(`${plain(pair.id)}: waits for somebody who runs these lines:`);
      for (const line of end.script ?? []) output.text(`  ${line}`);
      output.text('then run the command again with --confirmed');
      return exitCodes.partial;
    }
    output.text(
      `${output.colours.red('stopped')} ${plain(pair.id)}: ${plain(end.because)}\nsee to it and run the command again, or go back with causeway undo`,
    );
    return exitCodes.stopped;
  }
}
