import type { FaultPoint, FaultSpec } from '../seams.ts';

/** What each point does, for `--help` and the documentation. */
export const faultPointMeanings: Readonly<Record<FaultPoint, string>> = {
  'drop-before': 'the connection is closed before the request is carried out',
  'drop-after': 'the request is carried out and the connection is closed without an answer: the lost response',
  'reset-mid': 'the answer is cut in the middle',
  slow: 'the answer is delayed by ~ms',
  'http-503': 'HTTP 503 with Retry-After ~ms, no SOAP',
  'server-busy': 'ErrorServerBusy with BackOffMilliseconds ~ms',
  'item-busy': 'one response message of a batch is ErrorServerBusy, its item is not carried out',
  'half-batch': 'the first half of a batch is carried out, the rest answers ErrorInternalServerTransientError',
  'stale-state': 'SyncFolderItems answers ErrorInvalidSyncStateData',
  'later-touch': 'after a create or update the server touches the item again',
  forbidden: 'HTTP 403',
  'stream-drop': 'a streaming connection ends without Closed',
  'missed-events': 'a subscription answers ErrorMissedNotificationEvents',
};
export const faultPoints = Object.keys(faultPointMeanings) as readonly FaultPoint[];

/** A `--faults` text that does not follow the grammar; the message ends with the place. */
export class FaultSpecError extends Error {
  override readonly name = 'FaultSpecError';
  /** Characters before the one that is wrong. */
  readonly offset: number;
  constructor(detail: string, text: string, offset: number) {
    super(`${detail}\n  ${text}\n  ${' '.repeat(offset)}^ at character ${offset + 1}`);
    this.offset = offset;
  }
}

/**
 * Reads a fault mix:
 *
 * ```text
 * faults = fault *( "," fault )             empty text: no faults
 * fault  = point ":" chance [ "@" scope *( "|" scope ) ] [ "~" number "ms" ] [ " x" count ]
 * scope  = operation                        a SOAP operation: GetItem
 *        | "mailbox=" address | "org=" name
 * chance = 0 to 1, per occasion;  count = strikes after which it stops
 * ```
 *
 * Operations are alternatives, and so are mailboxes and organizations; both kinds must fit. White space around tokens is ignored.
 * `drop-after:0.02,server-busy:0.01@GetItem,slow:0.1~200ms,forbidden:1@mailbox=anna@source.test,http-503:1 x3`
 *
 * @throws FaultSpecError
 */
export function parseFaultSpec(text: string): readonly FaultSpec[] {
  let at = 0;
  const fail = (detail: string, offset = at): never => {
    throw new FaultSpecError(detail, text, offset);
  };
  const space = () => {
    while (/\s/.test(text[at] ?? '')) at++;
  };
  const take = (pattern: RegExp, what: string): string => {
    space();
    const sticky = new RegExp(pattern.source, 'y');
    sticky.lastIndex = at;
    const found = sticky.exec(text)?.[0];
    if (!found)
      return fail(`expected ${what}${at < text.length ? `, found ${JSON.stringify(text[at])}` : ', found the end'}`);
    at += found.length;
    space();
    return found;
  };
  const next = (character: string): boolean => {
    space();
    if (text[at] !== character) return false;
    at++;
    space();
    return true;
  };

  const specs: FaultSpec[] = [];
  space();
  if (at === text.length) return specs;
  do {
    space();
    const start = at;
    const name = take(/[a-z0-9-]+/, 'a fault');
    const point =
      faultPoints.find((known) => known === name) ??
      fail(`there is no fault ${name}; there are ${faultPoints.join(', ')}`, start);
    take(/:/, '":" and a chance from 0 to 1');
    const chanceAt = at;
    const chance = Number(take(/[0-9]*\.?[0-9]+/, 'a chance from 0 to 1'));
    if (chance > 1) fail('a chance is at most 1', chanceAt);
    const operations: string[] = [];
    const where: string[] = [];
    if (next('@')) {
      do {
        const scopeAt = at;
        const word = take(/[^\s,~|]+/, 'an operation, mailbox= or org=');
        const [, kind, name] = /^(mailbox=|org=)?(.*)$/.exec(word) ?? [];
        if (kind === 'mailbox=' && !/^[^@]+@[^@]+$/.test(name ?? ''))
          fail('a mailbox is named by its address', scopeAt);
        if (kind === 'org=' && !/^[^@]+$/.test(name ?? '')) fail('an organization is named by its name', scopeAt);
        if (kind === undefined && !/^[A-Z][A-Za-z]+$/.test(word)) {
          fail('an operation is named like GetItem; a mailbox needs mailbox=, an organization org=', scopeAt);
        }
        (kind === undefined ? operations : where).push(name ?? '');
      } while (next('|'));
    }
    const ms = next('~') ? Number(take(/[0-9]+(?=\s*ms)/, 'a number and ms')) : undefined;
    if (ms !== undefined) take(/ms/, 'ms');
    const limit = next('x') ? Number(take(/[0-9]+/, 'a number of strikes')) : undefined;
    specs.push({
      point,
      chance,
      ...(operations.length > 0 ? { operations } : {}),
      ...(where.length > 0 ? { where } : {}),
      ...(ms === undefined ? {} : { ms }),
      ...(limit === undefined ? {} : { limit }),
    });
  } while (next(','));
  if (at < text.length) fail(`expected "," or the end, found ${JSON.stringify(text[at])}`);
  return specs;
}

/** The text that `parseFaultSpec` reads back to the same specs. */
export function formatFaultSpec(specs: readonly FaultSpec[]): string {
  return specs
    .map((spec) => {
      const places = spec.where?.map((name) => (name.includes('@') ? `mailbox=${name}` : `org=${name}`)) ?? [];
      const scopes = [...(spec.operations ?? []), ...places].join('|');
      const ms = spec.ms === undefined ? '' : `~${spec.ms}ms`;
      const limit = spec.limit === undefined ? '' : ` x${spec.limit}`;
      return `${spec.point}:${spec.chance}${scopes && `@${scopes}`}${ms}${limit}`;
    })
    .join(',');
}
