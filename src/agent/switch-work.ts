import { measure } from '#jobs/switch/measure.ts';
import type { SwitchServices } from '#jobs/switch/ports.ts';
import { beginSwitch, runSwitch, switchRow } from '#jobs/switch/run-switch.ts';
import { oldMailboxUse, useText } from '#jobs/switch/watch-old-mailbox.ts';
import { FaultError } from '#kit/fault.ts';
import type { PairId } from '#model/ids.ts';
import type { Claim, Store, WorkKey } from '#store/store.ts';
import type { SwitchRow } from '#store/switch-records.ts';
import type { SwitchOfPair } from './switch-services.ts';
import { type Handler, type Outcome, passKey, subjectOf } from './work.ts';

/** The work of a person's switch, `switch:PAIR`. */
export const switchKey = (pair: PairId): WorkKey => `switch:${pair}`;
/** Before every pass: people wait for it. */
export const SWITCH_PRIORITY = 15;

/** How often a pair is measured that is to be switched when it is ready. */
const MEASURE_MS = 10 * 60_000;
/** A step that needs somebody is tried again this often, since nobody says that it was seen to. */
const FAILED_MS = 15 * 60_000;
/** How often the mailbox that was left is looked at. */
const WATCH_MS = 15 * 60_000;

/**
 * The work `switch:PAIR`: begins a switch whose time has come or whose pair is ready, goes on with one that is on its way, or with its undo,
 * and looks at the mailbox that was left.
 *
 * @param find Null: this project does not work on the pair.
 */
export function switchWork(find: (pair: PairId, store: Store) => Promise<SwitchOfPair | null>): Handler {
  return async (claim, { store, clock, log, draining }, signal) => {
    const pair = subjectOf(claim.key) as PairId;
    const [known] = await store.switches([pair]);
    if (known === undefined || !hasSwitchWork(known)) return { nextAtMs: null, failed: false };
    if (typeof known.at === 'number' && known.at > clock.nowMs() && known.state !== 'switched')
      return { nextAtMs: known.at, failed: false };
    const found = await find(pair, store);
    if (found === null) return { nextAtMs: null, failed: false };
    const { services } = found;
    try {
      if (known.state === 'switched') return await watch(services, claim, known);
      if (known.state !== 'switching' && known.state !== 'undoing') {
        const open = await waitsFor(found, claim, signal);
        if (open !== null) {
          log.info({ pair, because: open }, 'a switch waits');
          return { nextAtMs: clock.nowMs() + MEASURE_MS, failed: false };
        }
        await beginSwitch(services, claim, false);
      }
      const end = await runSwitch(services, claim, AbortSignal.any([signal, draining]));
      if (end.end === 'waits') return { nextAtMs: clock.nowMs() + end.againMs, failed: false };
      if (end.end === 'failed') {
        log.warn({ pair, because: end.because }, 'a switch needs somebody');
        return { nextAtMs: clock.nowMs() + FAILED_MS, failed: false };
      }
      log.info({ pair, state: end.row.state }, 'a switch is complete');
      // Passes take the other side for the active one from now on, or may work on the pair again.
      await store.notify(
        services.tracks.kinds.map((kind) => passKey(pair, kind)),
        clock.nowMs(),
      );
      return { nextAtMs: end.row.state === 'switched' ? clock.nowMs() + WATCH_MS : null, failed: false };
    } catch (error) {
      // Everything that was done is recorded; whoever takes the claim goes on from there.
      if (draining.aborted && !signal.aborted) return { nextAtMs: clock.nowMs(), failed: false };
      if (!(error instanceof FaultError)) throw error;
      const [now] = await store.switches([pair]);
      if (now) await store.commitSwitch(claim, { row: { ...now, because: error.message } });
      return { nextAtMs: clock.nowMs() + MEASURE_MS, failed: true };
    }
  };
}

/** Whether anything is to be done about a pair's switch, now or later. */
export const hasSwitchWork = ({ state, at }: SwitchRow): boolean =>
  state === 'switching' || state === 'undoing' || state === 'switched' || (at !== null && state !== 'finished');

/** What stands in the way of a switch that is wanted; null: nothing. */
async function waitsFor(
  { services, sources }: SwitchOfPair,
  claim: Claim,
  signal: AbortSignal,
): Promise<string | null> {
  const { state, findings } = await measure(services, claim, sources, signal);
  if (state === 'ready') return null;
  const { accept } = services.policy;
  const open = findings.filter(({ check, verdict }) => verdict === 'not-ready' && !accept.includes(check));
  const because = open.map(({ check, detail }) => `${check}: ${detail}`).join('; ');
  const row = await switchRow(services);
  if (row.because !== because) await services.store.commitSwitch(claim, { row: { ...row, because } });
  return because;
}

async function watch(services: SwitchServices, claim: Claim, row: SwitchRow): Promise<Outcome> {
  const because = useText(await oldMailboxUse(services));
  if (because !== row.because) await services.store.commitSwitch(claim, { row: { ...row, because } });
  return { nextAtMs: services.clock.nowMs() + WATCH_MS, failed: false };
}
