import { describe, expect, test } from 'vitest';
import { seededRandom } from '#kit/random.ts';
import type { FolderContent } from '#model/folder.ts';
import type { FolderId, MailboxGuid } from '#model/ids.ts';
import type { Mailbox, WatchEvent } from '../../contract.ts';
import { type Composed, ComposedService, refusal } from '../graph.fixture.ts';
import type { Json, JsonObject } from '../json.ts';
import { listenForNotifications, NotificationReceiver } from './receiver.ts';
import { graphWatch } from './watch.ts';

const address = 'ana@contoso.test';
const url = 'https://hooks.contoso.test/graph';

/** Reads events until there are so many. */
async function take(events: AsyncIterable<WatchEvent>, n: number, each: (event: WatchEvent) => unknown = () => {}) {
  const taken: WatchEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    await each(event);
    if (taken.length >= n) break;
  }
  return taken;
}

interface Subscribed {
  readonly service: ComposedService;
  readonly receiver: NotificationReceiver;
  readonly watch: (content?: ReadonlySet<FolderContent>) => AsyncIterable<WatchEvent>;
  notify(value: Readonly<Record<string, Json>>): void;
  subscriptions(): readonly JsonObject[];
}

function subscribed(answer: (method: string, path: string) => Composed | null = () => null): Subscribed {
  const receiver = new NotificationReceiver();
  let made = 0;
  const service: ComposedService = new ComposedService((method, path, body) => {
    const said = answer(method, path);
    if (said !== null) return said;
    if (method === 'DELETE') return { status: 204 };
    const until = (body as JsonObject)['expirationDateTime'] ?? '';
    return { status: 201, body: { id: `sub${method === 'POST' ? made++ : ''}`, expirationDateTime: until } };
  });
  const { client, clock } = service;
  const watch = graphWatch({
    client,
    clock,
    random: seededRandom('watch'),
    mailbox: () => {
      throw new Error('nobody asks the mailbox');
    },
    notifications: async () => ({ receiver, url }),
  });
  const posts = () => service.sent.filter(({ method }) => method === 'POST').map(({ body }) => body as JsonObject);
  return {
    service,
    receiver,
    watch: (content) => watch([address], new AbortController().signal, content),
    subscriptions: posts,
    notify(value) {
      const clientState = String(posts().at(-1)?.['clientState']);
      receiver.answer('POST', '/graph', JSON.stringify({ value: [{ clientState, subscriptionId: 'sub0', ...value }] }));
    },
  };
}

describe('the receiver', () => {
  test('echoes the token of a validation as text, and takes nothing but POST', () => {
    const receiver = new NotificationReceiver();
    expect(receiver.answer('POST', '/graph?validationToken=a%20b%26c', '')).toEqual({ status: 200, text: 'a b&c' });
    expect(receiver.answer('GET', '/graph', '').status).toBe(405);
    expect(receiver.answer('POST', '/graph', 'no JSON').status).toBe(400);
  });

  test('answers whoever sends, and hands on what carries a state that was given out', () => {
    const receiver = new NotificationReceiver();
    const heard: unknown[] = [];
    receiver.hear('secret', (one) => heard.push(one));
    const value = [
      { subscriptionId: 'a', clientState: 'secret', changeType: 'created' },
      { subscriptionId: 'b', clientState: 'guessed', changeType: 'created' },
      { subscriptionId: 'c', clientState: 'secret', lifecycleEvent: 'subscriptionRemoved' },
    ];
    expect(receiver.answer('POST', '/graph', JSON.stringify({ value })).status).toBe(202);
    expect(heard).toEqual([
      { kind: 'changed', subscription: 'a' },
      { kind: 'removed', subscription: 'c' },
    ]);
  });

  test('each process of a host has a port of its own', async () => {
    const first = await listenForNotifications('https://hooks.test/{port}/', '127.0.0.1', 47_300);
    const second = await listenForNotifications('https://hooks.test/{port}/', '127.0.0.1', 47_300);
    expect(second.url).not.toBe(first.url);
    const port = /\/(\d+)\//.exec(second.url)?.[1];
    const answer = await fetch(`http://127.0.0.1:${port}/?validationToken=x%20y`, { method: 'POST' });
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'text/plain; charset=utf-8',
      'x y',
    ]);
    await expect(listenForNotifications('https://hooks.test/', '127.0.0.1', Number(port))).rejects.toMatchObject({
      fault: { code: 'config' },
    });
    await Promise.all([first.close(), second.close()]);
  });
});

describe('watching by notifications', () => {
  test('begins with everything, and tells what is heard', async () => {
    const it = subscribed();
    const events = await take(
      it.watch(),
      2,
      (event) => event.kind === 'missed' && it.notify({ changeType: 'updated' }),
    );
    expect(events).toMatchObject([{ kind: 'missed' }, { kind: 'changed', address }]);
    expect(it.subscriptions().map(({ resource }) => resource)).toEqual(
      ['messages', 'events', 'contacts'].map((name) => `users/${address}/${name}`),
    );
    for (const one of it.subscriptions())
      expect(one).toMatchObject({ notificationUrl: url, lifecycleNotificationUrl: url });
    expect(it.service.sent.filter(({ method }) => method === 'DELETE')).toHaveLength(3);
  });

  test('subscribes to what is wanted, and says of what kind a change is', async () => {
    const it = subscribed();
    const wanted = new Set<FolderContent>(['calendar', 'tasks']);
    const events = await take(
      it.watch(wanted),
      2,
      (event) => event.kind === 'missed' && it.notify({ changeType: 'updated' }),
    );
    expect(events[1]).toEqual({ kind: 'changed', address, content: 'calendar' });
    expect(it.subscriptions().map(({ resource }) => resource)).toEqual([`users/${address}/events`]);
  });

  test('a subscription that is lost is made anew, and what happened meanwhile is missed', async () => {
    const it = subscribed();
    let n = 0;
    const events = await take(it.watch(), 2, () => n++ === 0 && it.notify({ lifecycleEvent: 'subscriptionRemoved' }));
    expect(events.map(({ kind }) => kind)).toEqual(['missed', 'missed']);
    expect(it.subscriptions()).toHaveLength(6);
  });

  test('what the service says it lost is missed', async () => {
    const it = subscribed();
    let n = 0;
    const events = await take(it.watch(), 2, () => n++ === 0 && it.notify({ lifecycleEvent: 'missed' }));
    expect(events).toMatchObject([{ kind: 'missed' }, { kind: 'missed', why: expect.stringContaining('lost') }]);
  });

  test('a subscription is renewed before it ends', async () => {
    const it = subscribed();
    const events = it.watch()[Symbol.asyncIterator]();
    await events.next();
    const begunMs = it.service.clock.nowMs();
    const renewals = () => it.service.sent.filter(({ method }) => method === 'PATCH');
    // The clock steps by itself whenever somebody sleeps.
    while (renewals().length < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(it.service.clock.nowMs() - begunMs).toBeLessThan(4230 * 60_000);
    await events.return?.();
  });

  test('a mailbox that may not be watched is left to the sweeps, and tried again', async () => {
    let refusals = 0;
    const it = subscribed((method) =>
      method === 'POST' && refusals++ === 0 ? refusal(403, 'ErrorAccessDenied') : null,
    );
    const events = await take(it.watch(), 2);
    expect(events).toMatchObject([{ kind: 'unwatchable' }, { kind: 'missed' }]);
  });
});

describe('watching without an address', () => {
  test('asks for the marks of all folders, tells which moved, and asks seldom while nothing does', async () => {
    const service = new ComposedService(() => ({}));
    const { client, clock } = service;
    const askedAtMs: number[] = [];
    const mark = { inbox: '1', sent: '1' };
    const box = {
      tree: async () => {
        askedAtMs.push(clock.monotonicMs());
        if (askedAtMs.length === 8) mark.inbox = '2';
        const folders = Object.entries(mark).map(([id, now]) => ({ id: id as FolderId, mark: now }));
        return { mailbox: '' as MailboxGuid, root: '' as FolderId, folders };
      },
    } as unknown as Mailbox;
    const watch = graphWatch({ client, clock, random: seededRandom('poll'), mailbox: () => box, notifications: null });
    const events = await take(watch([address], new AbortController().signal), 2);
    expect(events).toMatchObject([{ kind: 'missed' }, { kind: 'changed', folder: 'inbox' }]);
    const waits = askedAtMs.slice(1).map((ms, n) => ms - (askedAtMs[n] ?? 0));
    expect(waits[0]).toBeLessThanOrEqual(11_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(44_000);
    expect(waits[5]).toBeGreaterThan(30_000);
  });
});
