import { describe, expect, test } from 'vitest';
import type { Connector, Mailbox, MailboxLimits, Ping } from '#connectors/contract.ts';
import { systemClock } from '#kit/clock.ts';
import { type FatalCode, type Fault, FaultError, fatalCodes } from '#kit/fault.ts';
import { type CheckServices, check, type Finding } from './check.ts';

const noLimits: MailboxLimits = { quotaBytes: null, usedBytes: null, itemMaxBytes: null, retention: [] };

/** A connector of which only what `check` asks for is there. */
function connector(
  organization: string,
  given: {
    readonly limits?: Partial<MailboxLimits>;
    readonly ping?: Partial<Ping>;
    readonly fails?: Fault;
    readonly opens?: Fault;
  } = {},
): Connector {
  const mailbox: Pick<Mailbox, 'ping' | 'tree' | 'limits'> = {
    async ping() {
      if (given.fails) throw new FaultError(given.fails);
      return { serverTimeMs: systemClock.nowMs(), firstByteMs: 20, product: 'Exchange 2010 SP2', ...given.ping };
    },
    async tree() {
      if (given.opens) throw new FaultError(given.opens);
      return { mailbox: 'guid' as never, root: 'root' as never, folders: [] };
    },
    limits: async () => ({ ...noLimits, ...given.limits }),
  };
  return { organization, mailbox: () => mailbox } as unknown as Connector;
}

async function findings(
  left: Connector,
  right: Connector,
  services: Partial<CheckServices> = {},
): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  const pair = { left: { connector: left, address: 'ana@old' }, right: { connector: right, address: 'ana@new' } };
  const endpoints = new Map([
    ['old', 'https://old.example/EWS/Exchange.asmx'],
    ['new', null],
  ]);
  for await (const finding of check(
    { endpoints, clock: systemClock, requestDeadlineMs: 1000, resolve: async () => {}, ...services },
    [pair],
    new AbortController().signal,
  ))
    all.push(finding);
  return all;
}
const refusing = (fault: Fault) => ({ fails: fault, opens: fault });
const bad = (all: readonly Finding[]) =>
  all.filter(({ level }) => level !== 'ok').map(({ level, check: name, subject }) => `${level} ${name} ${subject}`);

test('when all is well, each thing that was tried is said', async () => {
  const all = await findings(
    connector('old', { limits: { usedBytes: 1e9 } }),
    connector('new', { limits: { quotaBytes: 5e9, usedBytes: 0, itemMaxBytes: 3e7 } }),
  );
  expect(bad(all)).toEqual([]);
  expect(all.map(({ check: name }) => name)).toEqual([
    'name',
    'sign-in',
    'clock',
    'speed',
    'sign-in',
    'clock',
    'speed',
    'mailbox',
    'mailbox',
    'quota',
    'message size',
  ]);
});

describe('what is wrong', () => {
  test.each([
    ['a clock', { ping: { serverTimeMs: 0 } }, {}, ['warning clock old', 'note quota ana@new']],
    ['slowness', { ping: { firstByteMs: 5000 } }, {}, ['warning speed old', 'note quota ana@new']],
    [
      'a quota that is too small',
      { limits: { usedBytes: 3e9 } },
      { limits: { quotaBytes: 2e9 } },
      ['error quota ana@new'],
    ],
    [
      'a quota that is tight',
      { limits: { usedBytes: 1.95e9 } },
      { limits: { quotaBytes: 2e9 } },
      ['warning quota ana@new'],
    ],
    [
      'a quota that is used up',
      { limits: { usedBytes: 1e9 } },
      { limits: { quotaBytes: 2e9, usedBytes: 1.5e9 } },
      ['error quota ana@new'],
    ],
    [
      'smaller messages',
      { limits: { usedBytes: 1, itemMaxBytes: 5e7 } },
      { limits: { itemMaxBytes: 1e7 } },
      ['warning message size ana@new'],
    ],
    [
      'retention',
      { limits: { usedBytes: 1 } },
      { limits: { retention: ['Delete after 1 year'] } },
      ['warning retention ana@new'],
    ],
    ['throttling', { opens: { kind: 'throttled', retryAfterMs: 5, limit: 'x' } }, {}, ['warning throttling ana@old']],
    [
      'a mailbox that may not be opened',
      { opens: { kind: 'fatal', code: 'access-denied', detail: '' } },
      {},
      ['error access-denied ana@old'],
    ],
  ] as const)('%s', async (_what, left, right, expected) => {
    expect(bad(await findings(connector('old', left), connector('new', right)))).toEqual(expected);
  });

  test.each(Object.keys(fatalCodes) as FatalCode[])('%s has advice', async (code) => {
    const all = await findings(connector('old', refusing({ kind: 'fatal', code, detail: 'x' })), connector('new'));
    const found = all.find(({ level }) => level === 'error');
    // Who hears of a mailbox has signed in.
    const subject = code === 'mailbox-gone' || code === 'access-denied' ? 'ana@old' : 'old';
    expect(found).toMatchObject({ check: code, subject, detail: 'x' });
    expect(found?.advice).toMatch(/\w{4}/);
  });

  test('a name that is not known: the organization’s mailboxes are not tried one by one, the others are', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));
    const all = await findings(connector('old'), connector('new'), { resolve });
    expect(bad(all)).toEqual(['error name old']);
    expect(all.filter(({ check: name }) => name === 'mailbox').map(({ subject }) => subject)).toEqual(['ana@new']);
  });

  test('an outage is told by its cause, once', async () => {
    const cause: Fault = { kind: 'transient', detail: 'nothing listens at this port', mayHaveHappened: false };
    const all = await findings(
      connector('old', refusing({ kind: 'fatal', code: 'exhausted', detail: 'ping failed 6 times', cause })),
      connector('new'),
    );
    expect(bad(all)).toEqual(['error network old']);
    expect(all.find(({ level }) => level === 'error')?.detail).toBe('nothing listens at this port');
  });

  test('a side that could not be opened does not hide the other', async () => {
    const all: Finding[] = [];
    const right = { connector: connector('new', { limits: { itemMaxBytes: 1e7 } }), address: 'ana@new' };
    const services = { endpoints: new Map(), clock: systemClock, requestDeadlineMs: 1000 };
    for await (const finding of check(services, [{ left: null, right }], new AbortController().signal))
      all.push(finding);
    expect(all.map(({ check: name, subject }) => `${name} ${subject}`)).toEqual([
      'sign-in new',
      'clock new',
      'speed new',
      'mailbox ana@new',
    ]);
  });

  test('a first mailbox that is not there says nothing of its organization', async () => {
    const gone: Fault = { kind: 'fatal', code: 'mailbox-gone', detail: 'no mailbox' };
    const mixed = {
      organization: 'old',
      mailbox: (address: string) => connector('old', address === 'nobody@old' ? refusing(gone) : {}).mailbox(address),
    } as unknown as Connector;
    const all: Finding[] = [];
    const pairs = ['nobody@old', 'ana@old'].map((address) => ({ left: { connector: mixed, address }, right: null }));
    const services = { endpoints: new Map(), clock: systemClock, requestDeadlineMs: 1000 };
    for await (const finding of check(services, pairs, new AbortController().signal)) all.push(finding);
    expect(bad(all)).toEqual(['error mailbox-gone nobody@old']);
    expect(all[0]?.detail).toMatch(/^signed in; Exchange/);
  });

  test('an endpoint without encryption is told', async () => {
    const endpoints = new Map([['old', 'http://127.0.0.1/EWS/Exchange.asmx']]);
    const all = await findings(connector('old', { limits: { usedBytes: 1 } }), connector('new'), { endpoints });
    expect(bad(all)).toEqual(['warning tls old']);
  });
});
