import { lookup } from 'node:dns/promises';
import type { Connector, Context, MailboxLimits, Ping } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import { describeFault, type FatalCode, type Fault, FaultError, isFault } from '#kit/fault.ts';

/** Something that `check` looked at. */
export interface Finding {
  readonly level: 'ok' | 'note' | 'warning' | 'error';
  /** Short name of the check: `name`, `sign-in`, `clock`, `quota`, … */
  readonly check: string;
  /** Organization, or mailbox address. */
  readonly subject: string;
  readonly detail: string;
  /** What to do about it; null for `ok`. */
  readonly advice: string | null;
}

export interface CheckSide {
  readonly connector: Connector;
  readonly address: string;
}

/** Null: the side's connector could not be opened, which was reported by whoever tried. */
export interface CheckPair {
  readonly left: CheckSide | null;
  readonly right: CheckSide | null;
}

export interface CheckServices {
  /** Addresses that organizations are reached at, by name; null: found out by the connector. */
  readonly endpoints: ReadonlyMap<string, string | null>;
  readonly clock: Clock;
  readonly requestDeadlineMs: number;
  /** For tests. Rejects when the name is not known. */
  readonly resolve?: (host: string) => Promise<unknown>;
}

/** Kerberos and signed assertions allow five minutes. */
const skewMaxMs = 5 * 60_000;
const slowMs = 2_000;
/** Mailboxes that an organization is tried by: the first of a list may be the one that is wrong. */
const pingedMax = 5;
const gigabytes = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GB`;
const megabytes = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MB`;

/**
 * Tries everything that a first pass needs, without writing anything: names, TLS, sign-in, version, clock and speed of each organization,
 * then rights, quota, limits and retention of each mailbox. Findings come as they are made. What fails in one place does not
 * hide the others. Throws only the signal's reason.
 */
export async function* check(
  services: CheckServices,
  pairs: readonly CheckPair[],
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const first = new Map<string, CheckSide[]>();
  for (const side of pairs.flatMap(({ left, right }) => [left, right])) {
    if (side === null) continue;
    const sides = first.get(side.connector.organization);
    if (sides === undefined) first.set(side.connector.organization, [side]);
    else if (sides.length < pingedMax) sides.push(side);
  }
  const unreachable = new Set<string>();
  for (const [organization, sides] of first) {
    for await (const finding of checkOrganization(services, organization, sides, signal)) {
      if (finding.level === 'error' && stopsOrganization.has(finding.check)) unreachable.add(organization);
      yield finding;
    }
  }
  for (const { left, right } of pairs) {
    const sides = [left, right].flatMap((side) =>
      side === null || unreachable.has(side.connector.organization) ? [] : [side],
    );
    const seen: { side: CheckSide; limits: MailboxLimits; bytes: number | null }[] = [];
    for (const side of sides) {
      const [finding, limits] = await checkMailbox(services, side, signal);
      yield finding;
      if (limits !== null) seen.push({ side, limits, bytes: limits.usedBytes });
    }
    const [source, target] = seen;
    if (source !== undefined && target !== undefined && sides.length === 2)
      yield* compareLimits(source.limits, target.limits, target.side.address);
  }
}

/** After one of these there is no use in trying every mailbox of the organization. */
const stopsOrganization: ReadonlySet<string> = new Set([
  'name',
  'tls',
  'auth',
  'ews-off',
  'protocol',
  'redirect',
  'config',
  'network',
  'unsupported',
]);

async function* checkOrganization(
  { endpoints, clock, requestDeadlineMs, resolve = lookup }: CheckServices,
  organization: string,
  sides: readonly CheckSide[],
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const endpoint = endpoints.get(organization) ?? null;
  const host = endpoint === null ? null : new URL(endpoint).hostname.replace(/^\[|\]$/g, '');
  if (host !== null) {
    try {
      await resolve(host);
      yield ok('name', organization, `${host} is known`);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      yield {
        level: 'error',
        check: 'name',
        subject: organization,
        detail: `${host} is not known (${code})`,
        advice: 'correct the endpoint in the project file, or the DNS server of this machine',
      };
      return;
    }
  }
  if (endpoint?.startsWith('http:'))
    yield {
      level: 'warning',
      check: 'tls',
      subject: organization,
      detail: 'the endpoint is http://, so that nothing is encrypted',
      advice: 'use it for the lab only; write https:// in the project file',
    };
  for (const [index, { connector, address }] of sides.entries()) {
    signal.throwIfAborted();
    const sentMs = clock.nowMs();
    try {
      const answer = await connector.mailbox(address).ping(contextOf(clock, requestDeadlineMs, signal));
      yield ok('sign-in', organization, `signed in; ${answer.product}`);
      yield* clockAndSpeed(organization, answer, sentMs);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FaultError)) throw error;
      const { fault } = error;
      // Who hears this has signed in: it is told of the mailbox below, and another one may answer here.
      if (fault.kind !== 'fatal' || (fault.code !== 'mailbox-gone' && fault.code !== 'access-denied')) {
        yield failed(organization, fault);
        return;
      }
    }
    if (index === sides.length - 1)
      yield ok('sign-in', organization, 'signed in, but no mailbox that was tried could be opened; see below');
  }
}

function* clockAndSpeed(organization: string, { serverTimeMs, firstByteMs }: Ping, sentMs: number): Generator<Finding> {
  if (serverTimeMs !== null) {
    const skewMs = Math.round(serverTimeMs - sentMs);
    yield Math.abs(skewMs) <= skewMaxMs
      ? ok('clock', organization, `differs from ours by ${Math.round(Math.abs(skewMs) / 1000)} s`)
      : {
          level: 'warning',
          check: 'clock',
          subject: organization,
          detail: `the server's clock differs from ours by ${Math.round(skewMs / 1000)} s`,
          advice:
            'set the clock of this machine, or of the server; sign-in by Kerberos and certificate fails above 5 minutes',
        };
  }
  yield firstByteMs <= slowMs
    ? ok('speed', organization, `first byte after ${Math.round(firstByteMs)} ms`)
    : {
        level: 'warning',
        check: 'speed',
        subject: organization,
        detail: `first byte after ${Math.round(firstByteMs)} ms`,
        advice: 'run causeway nearer to the server, or look for what is slow in between; passes will take long',
      };
}

async function checkMailbox(
  { clock, requestDeadlineMs }: CheckServices,
  { connector, address }: CheckSide,
  signal: AbortSignal,
): Promise<readonly [Finding, MailboxLimits | null]> {
  signal.throwIfAborted();
  try {
    const mailbox = connector.mailbox(address);
    const tree = await mailbox.tree(contextOf(clock, requestDeadlineMs, signal));
    const items = tree.folders.reduce((sum, folder) => sum + (folder.kind === 'search' ? 0 : folder.itemCount), 0);
    const limits = await mailbox.limits(contextOf(clock, requestDeadlineMs, signal));
    return [ok('mailbox', address, `opens; ${tree.folders.length} folders, ${items} items`), limits];
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof FaultError)) throw error;
    return [failed(address, error.fault), null];
  }
}

/** What the target must hold against what the source has. */
function* compareLimits(source: MailboxLimits, target: MailboxLimits, address: string): Generator<Finding> {
  if (source.usedBytes === null) {
    yield {
      level: 'note',
      check: 'quota',
      subject: address,
      detail: 'the source does not say how large the mailbox is',
      advice: 'run causeway discover, and compare with the quota of the target yourself',
    };
  } else if (target.quotaBytes !== null) {
    const free = target.quotaBytes - (target.usedBytes ?? 0);
    const detail = `${gigabytes(source.usedBytes)} to come, ${gigabytes(Math.max(0, free))} free of ${gigabytes(target.quotaBytes)}`;
    if (free < source.usedBytes)
      yield {
        level: 'error',
        check: 'quota',
        subject: address,
        detail,
        advice:
          'raise the quota of the target mailbox (Set-Mailbox -ProhibitSendReceiveQuota), or set since: in the project file',
      };
    else if (free < source.usedBytes * 1.1)
      yield {
        level: 'warning',
        check: 'quota',
        subject: address,
        detail,
        advice:
          'raise the quota of the target mailbox: copies are often a little larger, and new mail arrives meanwhile',
      };
    else yield ok('quota', address, detail);
  }
  if (target.itemMaxBytes !== null) {
    const smaller = source.itemMaxBytes !== null && target.itemMaxBytes < source.itemMaxBytes;
    yield smaller
      ? {
          level: 'warning',
          check: 'message size',
          subject: address,
          detail: `the target takes messages up to ${megabytes(target.itemMaxBytes)}, the source up to ${megabytes(source.itemMaxBytes ?? 0)}`,
          advice:
            'raise the limits of the target for the time of the migration (docs/operating/guide.md, message size limits); larger messages go into quarantine',
        }
      : ok('message size', address, `messages up to ${megabytes(target.itemMaxBytes)}`);
  }
  if (target.retention.length > 0)
    yield {
      level: 'warning',
      check: 'retention',
      subject: address,
      detail: `policies of the target would act on old mail as it arrives: ${target.retention.join(', ')}`,
      advice:
        'put the target mailbox on retention hold until the migration is over (Set-Mailbox -RetentionHoldEnabled $true)',
    };
}

const advice: Readonly<Record<FatalCode, string>> = {
  auth: 'sign in by hand with the same account; then correct signIn in the project file',
  'access-denied':
    'give the account ApplicationImpersonation with a scope that contains this mailbox (docs/operating/guide.md, least privilege)',
  'ews-off':
    'allow EWS for the organization and the mailbox, and look at its licence (docs/operating/faults.md, ews-off)',
  quota: 'raise the quota of the mailbox',
  unsupported: 'the server is too old for this version of causeway',
  'mailbox-gone': 'correct the address in the project file, or take the pair out of it',
  'mailbox-replaced': 'another mailbox stands under this address now (docs/operating/faults.md, mailbox-replaced)',
  tls: 'name the certification authority with tls: { ca: FILE }; for very old servers see tls: { min }',
  protocol: 'open the endpoint in a browser: what answers is not EWS; publish it without pre-authentication',
  redirect: 'if the host is yours, add it to redirectHosts in the project file',
  config: 'correct the project file',
  exhausted: 'try again; if it stays, look at the network and the load of the server',
};

/** What a fault says that ended the try, without the words of retrying around it. */
export function failed(subject: string, fault: Fault): Finding {
  if (fault.kind === 'fatal' && fault.code === 'exhausted' && isFault(fault.cause)) return failed(subject, fault.cause);
  if (fault.kind === 'fatal')
    return { level: 'error', check: fault.code, subject, detail: fault.detail, advice: advice[fault.code] };
  const detail = fault.kind === 'transient' ? fault.detail : describeFault(fault);
  if (fault.kind === 'throttled')
    return {
      level: 'warning',
      check: 'throttling',
      subject,
      detail,
      advice: 'give the account a throttling policy of its own (docs/operating/guide.md, throttling)',
    };
  return {
    level: 'error',
    check: 'network',
    subject,
    detail,
    advice: 'correct host and port in the project file, or look at the way there: DNS, firewall, proxy',
  };
}

const ok = (name: string, subject: string, detail: string): Finding => ({
  level: 'ok',
  check: name,
  subject,
  detail,
  advice: null,
});

const contextOf = (clock: Clock, requestDeadlineMs: number, signal: AbortSignal): Context => ({
  signal,
  deadlineMs: clock.monotonicMs() + requestDeadlineMs,
});
