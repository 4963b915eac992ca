import type { Clock } from '#kit/clock.ts';
import { formatDuration, plain } from './format.ts';
import type { Output } from './output.ts';

/** A wait that is shorter than this nobody notices. */
const noticedMs = 3_000;
/** One that goes on is said again after so long. */
const againMs = 30_000;
/** Waits with so little between them are one. */
const gapMs = 1_000;

interface Known {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly saidMs: number;
}

/**
 * Told that a wait begins: for whom (a mailbox, `organization NAME`, a pair of several organizations), for which limit, and how long it is at least.
 */
export type OnWaiting = (organization: string | null, who: string, limit: string, ms: number) => void;

/** Says what a command waits for: once when somebody would begin to wonder, and again while it lasts. */
export function saidWaits(clock: Clock, output: Output): OnWaiting {
  const known = new Map<string, Known>();
  return (organization, who, limit, ms) => {
    const nowMs = clock.monotonicMs();
    const key = `${organization ?? ''} ${who} ${limit}`;
    const before = known.get(key);
    const goesOn = before !== undefined && nowMs <= before.untilMs + gapMs;
    const sinceMs = goesOn ? before.sinceMs : nowMs;
    const untilMs = Math.max(nowMs + ms, goesOn ? before.untilMs : 0);
    const isToSay = untilMs - sinceMs >= noticedMs && nowMs - (before?.saidMs ?? Number.NEGATIVE_INFINITY) >= againMs;
    known.set(key, { sinceMs, untilMs, saidMs: isToSay ? nowMs : (before?.saidMs ?? Number.NEGATIVE_INFINITY) });
    if (!isToSay) return;
    const seconds = Math.ceil(ms / 1000);
    output.line({ event: 'waiting', organization, who, limit, seconds });
    const sofar = nowMs - sinceMs >= noticedMs ? ` (${formatDuration(nowMs - sinceMs)} so far)` : '';
    output.note(plain(`waiting ${seconds} s${sofar}: ${reason(organization, who, limit)}`));
  };
}

/** What is used up, in the words of a person; a limit that only the server knows by the server's name. */
function reason(organization: string | null, who: string, limit: string): string {
  const whose = organization === null ? who : who.includes('@') ? `${who} in ${organization}` : organization;
  if (/^requests per window$|^requests-per-minute$|^allowance of the mailbox$|^TooManyRequests$/.test(limit))
    return `the request allowance of ${whose} is used up`;
  if (/^bytes per window$|^bytes-per-minute$|^activityLimitReached$/.test(limit))
    return `the upload allowance of ${whose} is used up`;
  if (limit === 'in-flight') return `as many requests as ${whose} allows are on their way already`;
  if (/^requests whose|^what a lost/.test(limit)) return `${whose} has to wait for ${limit}`;
  return `${whose} asks for a pause (${limit})`;
}
