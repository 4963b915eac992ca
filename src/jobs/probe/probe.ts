import { describeFault, FaultError } from '#kit/fault.ts';
import { MailBench, type ProbeServices } from './mail-bench.ts';
import { mailExperiments } from './mail-experiments.ts';
import { meetingExperiments } from './meeting-experiments.ts';

/** What an experiment showed. */
export interface ProbeResult {
  /** What we rely on, in words. */
  readonly behaviour: string;
  readonly outcome: 'as-assumed' | 'different' | 'undecided';
  readonly detail: string;
}

/**
 * Tries what we rely on and no document settles, in two throw-away mailboxes of one organization: the first is worked in, the second is the
 * one that would get receipts. Leaves both as they were, but for what it removed recoverably.
 */
export async function* probe(
  services: ProbeServices,
  addresses: readonly [string, string],
  signal: AbortSignal,
): AsyncGenerator<ProbeResult> {
  const bench = await MailBench.open(services, addresses, signal);
  try {
    for (const [behaviour, experiment] of mailExperiments)
      yield await tried(behaviour, () => experiment(bench), signal);
    const meetings = await bench.meetings(services, addresses);
    if (meetings === null) return;
    for (const [behaviour, experiment] of meetingExperiments)
      yield await tried(behaviour, () => experiment(meetings), signal);
  } finally {
    await bench.close();
  }
}

async function tried(
  behaviour: string,
  experiment: () => Promise<string | null>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  try {
    const seen = await experiment();
    return { behaviour, outcome: seen === null ? 'as-assumed' : 'different', detail: seen ?? 'as assumed' };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof FaultError)) throw error;
    return { behaviour, outcome: 'undecided', detail: describeFault(error.fault) };
  }
}
