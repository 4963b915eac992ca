import { describe, expect, test } from 'vitest';
import { type Fault, FaultError } from '#kit/fault.ts';
import { ComposedService, refusal } from './graph.fixture.ts';
import type { GraphRequest } from './graph-client.ts';

const get = (path: string, about: GraphRequest['subject']['about'] = 'item'): GraphRequest => ({
  method: 'GET',
  path,
  name: 'test',
  subject: { writes: false, about },
});

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('requests', () => {
  test('every request asks for ids that survive moves, and names itself', async () => {
    const service = new ComposedService(() => ({ body: {} }));
    await service.client.call({ ...get('/x'), headers: { prefer: 'odata.maxpagesize=5' } }, 'a@b', service.context);
    expect(service.sent[0]?.post.headers).toMatchObject({ prefer: 'IdType="ImmutableId", odata.maxpagesize=5' });
    expect(service.sent[0]?.post.anchorMailbox).toBe('a@b');
  });

  test('a link of the service is taken as it is; one that leads elsewhere is none', () => {
    const { client } = new ComposedService(() => ({}));
    const path = '/users/a@b/mailFolders/x/messages/delta?$skiptoken=a%2Fb+c=';
    expect(client.pathOfLink(`https://graph.microsoft.com/v1.0${path}`)).toBe(path);
    for (const link of ['https://graph.example/v1.0/users', 'http://graph.microsoft.com/v1.0/users', 'no link'])
      expect(client.pathOfLink(link)).toBeNull();
  });
});

describe('batches', () => {
  test('answers stand in the order of the requests, faults in place', async () => {
    const service = new ComposedService((_, path) =>
      path === '/2' ? refusal(404, 'ErrorItemNotFound') : { body: { path } },
    );
    const answers = await service.client.batch([get('/1'), get('/2'), get('/3')], 'a@b', service.context);
    expect(answers).toEqual([{ path: '/1' }, expect.objectContaining({ kind: 'gone' }), { path: '/3' }]);
    expect(service.sent).toHaveLength(1);
  });

  test('a request of a batch can be throttled by itself', async () => {
    const service = new ComposedService((_, path) =>
      path === '/2'
        ? { ...refusal(429, 'ApplicationThrottled'), headers: { 'Retry-After': '2.128' } }
        : { body: { path } },
    );
    const answers = await service.client.batch([get('/1'), get('/2')], 'a@b', service.context);
    expect(answers[1]).toEqual({ kind: 'throttled', retryAfterMs: 2128, limit: 'ApplicationThrottled' });
  });

  test('more than 20 are sent in several, and what follows another is in one with it', async () => {
    const service = new ComposedService((_, path) => ({ body: { path } }));
    const requests = Array.from({ length: 19 }, (_, n) => get(`/${n}`));
    const look = get('/look');
    const move: GraphRequest = { ...get('/move'), after: look };
    const answers = await service.client.batch([...requests, look, move], 'a@b', service.context);
    expect(answers).toHaveLength(21);
    const sizes = service.sent.map(({ body }) => (body as { requests: readonly unknown[] }).requests.length);
    expect(sizes).toEqual([19, 2]);
    expect(service.sent[1]?.body).toMatchObject({ requests: [{ id: '0' }, { id: '1', dependsOn: ['0'] }] });
  });

  test('what depends on something that failed was not done', async () => {
    const service = new ComposedService(() => refusal(404, 'ErrorItemNotFound'));
    const look = get('/look');
    const move: GraphRequest = {
      ...get('/move'),
      method: 'POST',
      subject: { writes: true, about: 'item' },
      after: look,
    };
    const answers = await service.client.batch([look, move], 'a@b', service.context);
    expect(answers[1]).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  });
});

describe('refusals', () => {
  const cases: readonly (readonly [string, number, string, GraphRequest['subject']['about'], Partial<Fault>])[] = [
    ['a delta token that is gone', 410, 'SyncStateNotFound', 'feed', { kind: 'cursor-lost' }],
    ['a delta token that is gone, without a code', 410, '', 'feed', { kind: 'cursor-lost' }],
    ['a resync', 400, 'ResyncRequired', 'feed', { kind: 'cursor-lost' }],
    ['a folder that went', 404, 'ErrorItemNotFound', 'feed', { kind: 'gone' }],
    ['an old version', 412, 'ErrorIrresolvableConflict', 'item', { kind: 'stale' }],
    ['nobody of this address', 404, 'ErrorInvalidUser', 'mailbox', { kind: 'fatal', code: 'mailbox-gone' }],
    ['a mailbox on premises', 404, 'MailboxNotEnabledForRESTAPI', 'item', { kind: 'fatal', code: 'mailbox-gone' }],
    ['no permission', 403, 'ErrorAccessDenied', 'mailbox', { kind: 'fatal', code: 'access-denied' }],
    ['a full mailbox', 403, 'ErrorQuotaExceeded', 'feed', { kind: 'fatal', code: 'quota' }],
    ['a name that is taken', 409, 'ErrorFolderExists', 'name', { kind: 'stale' }],
    ['too large', 413, 'RequestEntityTooLarge', 'item', { kind: 'poison', reason: 'too-large' }],
    ['corrupt', 500, 'ErrorCorruptData', 'item', { kind: 'poison', reason: 'corrupt' }],
    ['busy', 503, 'ErrorServerBusy', 'item', { kind: 'throttled', limit: 'HTTP 503' }],
    ['something unknown', 500, 'ErrorSomething', 'item', { kind: 'transient', mayHaveHappened: false }],
  ];
  for (const [name, status, code, about, fault] of cases) {
    test(name, async () => {
      const service = new ComposedService(() => refusal(status, code));
      expect(await faultOf(service.client.call(get('/x', about), 'a@b', service.context))).toMatchObject(fault);
    });
  }

  test('without Retry-After the waits grow, and begin anew after a success', async () => {
    let busy = true;
    const service = new ComposedService(() => (busy ? refusal(429, 'TooManyRequests') : { body: {} }));
    const waits: number[] = [];
    const ask = () => service.client.call(get('/x'), 'a@b', service.context);
    for (let n = 0; n < 3; n++) {
      const fault = await faultOf(ask());
      if (fault.kind === 'throttled') waits.push(fault.retryAfterMs);
    }
    busy = false;
    await ask();
    busy = true;
    const fault = await faultOf(ask());
    expect(waits).toEqual([1000, 2000, 4000]);
    expect(fault).toMatchObject({ kind: 'throttled', retryAfterMs: 1000 });
  });

  test('a write that timed out behind a gateway may have been done, and is not repeated as a throttled one', async () => {
    const service = new ComposedService(() => ({ status: 504 }));
    const write: GraphRequest = { ...get('/x'), method: 'POST', subject: { writes: true, about: 'item' } };
    expect(await faultOf(service.client.call(write, 'a@b', service.context))).toMatchObject({
      kind: 'transient',
      mayHaveHappened: true,
    });
    expect(await faultOf(service.client.call(get('/x'), 'a@b', service.context))).toMatchObject({ kind: 'throttled' });
  });
});
