import type { BusyTime, Connector } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import { describeFault, FaultError } from '#kit/fault.ts';
import type { Instant } from '#model/mail.ts';
import type { CheckPair, Finding } from './check.ts';

const minuteMs = 60_000;
const spanMs = 14 * 24 * 60 * minuteMs;
/** Differences that a finding names; more are counted. */
const namedMax = 5;

export interface FreeBusyServices {
  readonly clock: Clock;
  readonly requestDeadlineMs: number;
}

/**
 * What colleagues are told of a person by both organizations, over the next two weeks: one finding a pair, that names times and nothing
 * else. Throws only the signal's reason.
 */
export async function* checkFreeBusy(
  { clock, requestDeadlineMs }: FreeBusyServices,
  pairs: readonly CheckPair[],
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const from = Math.floor(clock.nowMs() / minuteMs) * minuteMs;
  const until = from + spanMs;
  const ask = (connector: Connector, address: string) =>
    connector.mailbox(address).freeBusy?.(from, until, { signal, deadlineMs: clock.monotonicMs() + requestDeadlineMs });
  for (const { left, right } of pairs) {
    if (left === null || right === null) continue;
    signal.throwIfAborted();
    const subject = `${left.address} → ${right.address}`;
    try {
      const silent = [left, right].find(({ connector, address }) => connector.mailbox(address).freeBusy === undefined);
      const [source, target] = await Promise.all(
        silent ? [] : [ask(left.connector, left.address), ask(right.connector, right.address)],
      );
      if (source === undefined || target === undefined)
        yield {
          level: 'note',
          check: 'free/busy',
          subject,
          detail: `${silent?.connector.organization ?? 'an organization'} cannot be asked for free/busy by its connector`,
          advice: 'compare it by hand: in the Scheduling Assistant of Outlook, once from either side',
        };
      else yield finding(subject, differences(source, target, from, until));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FaultError)) throw error;
      yield {
        level: 'error',
        check: 'free/busy',
        subject,
        detail: describeFault(error.fault),
        advice:
          'docs/operating/faults.md explains each code; the account needs to see the free/busy times of this person',
      };
    }
  }
}

function finding(subject: string, all: readonly BusyDifference[]): Finding {
  if (all.length === 0)
    return { level: 'ok', check: 'free/busy', subject, detail: 'equal for the next two weeks', advice: null };
  const named = all.slice(0, namedMax).map(({ start, end, left, right }) => `${span(start, end)} ${left} | ${right}`);
  const more = all.length > namedMax ? `; and ${all.length - namedMax} more` : '';
  return {
    level: 'error',
    check: 'free/busy',
    subject,
    detail: `differs (source | target): ${named.join('; ')}${more}`,
    advice:
      'run causeway sync for this pair and ask again; what is left is in causeway history and causeway quarantine list',
  };
}

const span = (start: Instant, end: Instant): string =>
  `${new Date(start).toISOString().slice(0, 16)}Z to ${new Date(end).toISOString().slice(0, 16)}Z`;

type Busy = 'free' | BusyTime['showAs'];

export interface BusyDifference {
  readonly start: Instant;
  readonly end: Instant;
  readonly left: Busy;
  readonly right: Busy;
}

/** In order of weight: what a colleague sees where several events overlap. */
const weights: readonly Busy[] = ['free', 'working-elsewhere', 'tentative', 'busy', 'oof'];

/**
 * Times at which one side says something else than the other, to the minute, neighbours joined. Working elsewhere against free is no
 * difference: organizations before Exchange 2013 do not know it and say free.
 */
export function differences(
  left: readonly BusyTime[],
  right: readonly BusyTime[],
  from: Instant,
  until: Instant,
): readonly BusyDifference[] {
  const minutes = Math.ceil((until - from) / minuteMs);
  const of = (times: readonly BusyTime[]): Uint8Array => {
    const line = new Uint8Array(minutes);
    for (const { start, end, showAs } of times) {
      const weight = weights.indexOf(showAs);
      const last = Math.min(minutes, Math.ceil((end - from) / minuteMs));
      for (let at = Math.max(0, Math.floor((start - from) / minuteMs)); at < last; at++)
        line[at] = Math.max(line[at] ?? 0, weight);
    }
    return line;
  };
  const lines = [of(left), of(right)] as const;
  const found: BusyDifference[] = [];
  for (let at = 0; at < minutes; at++) {
    const [a, b] = [weights[lines[0][at] ?? 0] ?? 'free', weights[lines[1][at] ?? 0] ?? 'free'];
    if (a === b || isUntold(a, b)) continue;
    const start = from + at * minuteMs;
    const before = found.at(-1);
    if (before?.end === start && before.left === a && before.right === b)
      found[found.length - 1] = { ...before, end: start + minuteMs };
    else found.push({ start, end: start + minuteMs, left: a, right: b });
  }
  return found;
}

const isUntold = (a: Busy, b: Busy): boolean =>
  (a === 'free' && b === 'working-elsewhere') || (a === 'working-elsewhere' && b === 'free');
