import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { FaultError } from '#kit/fault.ts';
import type { Transport } from '#kit/transport.ts';
import { letSend } from '#test/no-mail/labs.ts';
import { contentOfMime } from '../world/read-message.ts';
import { GraphBench, type JsonObject } from './graph.fixture.ts';

/** A receiver that is reached without a network. */
class Receiver implements Transport {
  readonly got: JsonObject[] = [];
  answer = 202;
  echoes = true;
  async connect(origin: string) {
    if (origin !== 'https://receiver.test')
      throw new FaultError({ kind: 'transient', detail: `no host at ${origin}`, mayHaveHappened: false });
    return {
      channelBinding: null,
      usable: true,
      close: () => undefined,
      request: async ({ path, body }: Parameters<Awaited<ReturnType<Transport['connect']>>['request']>[0]) => {
        const token = new URLSearchParams(path.split('?')[1]).get('validationToken');
        if (token === null && this.answer < 300)
          this.got.push(...(JSON.parse(Buffer.from(body as Uint8Array).toString()) as { value: JsonObject[] }).value);
        const text = token !== null && this.echoes ? token : '';
        return {
          status: token === null ? this.answer : 200,
          headers: { 'content-type': 'text/plain' },
          body: (async function* () {
            yield Buffer.from(text);
          })(),
        };
      },
    };
  }
}

const hour = 3_600_000;
const mail = (subject: string) => contentOfMime(Buffer.from(`From: <a@x.test>\r\nSubject: ${subject}\r\n\r\ntext\r\n`));

function benchOf(): { readonly graph: GraphBench; readonly receiver: Receiver } {
  const graph = new GraphBench();
  const receiver = new Receiver();
  graph.state.subscriptions.useTransport(receiver);
  return { graph, receiver };
}
const wish = (graph: GraphBench, more: object = {}) => ({
  resource: `/users/${graph.address}/messages`,
  changeType: 'created,updated,deleted',
  notificationUrl: 'https://receiver.test/hook',
  clientState: 'secret',
  expirationDateTime: new Date(graph.clock.nowMs() + hour).toISOString(),
  ...more,
});
const settled = (graph: GraphBench) => graph.state.subscriptions.settle(graph.clock.nowMs());

describe('subscriptions', () => {
  test('tell of what is made, changed, moved and deleted', async () => {
    const { graph, receiver } = benchOf();
    const made = await graph.ok('POST', '/v1.0/subscriptions', { json: wish(graph) });
    const { mailbox } = graph;
    const item = mailbox.create(
      mailbox.folder('inbox'),
      { content: mail('one'), messageFlags: 1, isRead: true },
      mailbox.server,
    );
    mailbox.update(item, mail('two'), mailbox.server);
    mailbox.move(item, mailbox.folder('drafts'), mailbox.server);
    await settled(graph);
    expect(receiver.got.map(({ changeType }) => changeType)).toEqual(['created', 'updated', 'deleted', 'created']);
    expect(receiver.got[0]).toMatchObject({
      subscriptionId: made.json['id'],
      clientState: 'secret',
      resourceData: { '@odata.type': '#Microsoft.Graph.Message' },
    });
    const { id } = receiver.got[3]?.['resourceData'] as { readonly id: string };
    expect((await graph.ok('GET', `${graph.user}/messages/${id}`)).json['subject']).toBe('two');
  });

  test('of a folder tell of nothing else, with the ids that they were made with', async () => {
    const { graph, receiver } = benchOf();
    const { mailbox } = graph;
    const resource = `users/${graph.address}/mailFolders('inbox')/messages`;
    await graph.ok('POST', '/v1.0/subscriptions', {
      json: wish(graph, { resource }),
      headers: { prefer: 'IdType="ImmutableId"' },
    });
    for (const role of ['drafts', 'inbox'])
      mailbox.create(mailbox.folder(role), { content: mail(role), messageFlags: 1 }, mailbox.server);
    await settled(graph);
    expect(receiver.got).toHaveLength(1);
    const { id } = receiver.got[0]?.['resourceData'] as { readonly id: string };
    expect(id.startsWith('AAkALg')).toBe(true);
  });

  test('are not made for an address that does not echo, or for too long', async () => {
    const { graph, receiver } = benchOf();
    receiver.echoes = false;
    expect((await graph.call('POST', '/v1.0/subscriptions', { json: wish(graph) })).code).toBe('ValidationError');
    receiver.echoes = true;
    const nowhere = wish(graph, { notificationUrl: 'https://elsewhere.test/' });
    expect((await graph.call('POST', '/v1.0/subscriptions', { json: nowhere })).code).toBe('ValidationError');
    const long = wish(graph, { expirationDateTime: new Date(graph.clock.nowMs() + 4231 * 60_000).toISOString() });
    expect((await graph.call('POST', '/v1.0/subscriptions', { json: long })).code).toBe('ValidationError');
    expect(graph.state.subscriptions.count).toBe(0);
  });

  test('run out unless they are renewed', async () => {
    const { graph } = benchOf();
    const made = await graph.ok('POST', '/v1.0/subscriptions', { json: wish(graph) });
    const path = `/v1.0/subscriptions/${made.json['id']}`;
    await graph.clock.sleep(hour / 2);
    const later = new Date(graph.clock.nowMs() + hour).toISOString();
    const renewed = await graph.ok('PATCH', path, { json: { expirationDateTime: later } });
    expect(renewed.json['expirationDateTime']).toBe(later);
    await graph.clock.sleep(hour - 1000);
    expect((await graph.ok('GET', '/v1.0/subscriptions', { token: await graph.token() })).value).toHaveLength(1);
    await graph.clock.sleep(2000);
    expect((await graph.call('GET', path, { token: await graph.token() })).status).toBe(404);
  });

  test('repeat what was not taken, give up after four hours and say so', async () => {
    const { graph, receiver } = benchOf();
    const { mailbox } = graph;
    const lifecycleNotificationUrl = 'https://receiver.test/life';
    const expirationDateTime = new Date(graph.clock.nowMs() + 10 * hour).toISOString();
    await graph.ok('POST', '/v1.0/subscriptions', {
      json: wish(graph, { lifecycleNotificationUrl, expirationDateTime }),
    });
    receiver.answer = 503;
    mailbox.create(mailbox.folder('inbox'), { content: mail('one'), messageFlags: 1 }, mailbox.server);
    await settled(graph);
    expect([receiver.got.length, graph.state.subscriptions.waiting]).toEqual([0, 1]);
    receiver.answer = 202;
    await settled(graph);
    expect(receiver.got).toHaveLength(1);
    receiver.answer = 503;
    mailbox.create(mailbox.folder('inbox'), { content: mail('two'), messageFlags: 1 }, mailbox.server);
    await settled(graph);
    await graph.clock.sleep(5 * hour);
    await settled(graph);
    receiver.answer = 202;
    await settled(graph);
    expect(receiver.got.slice(1)).toEqual([expect.objectContaining({ lifecycleEvent: 'missed' })]);
  });

  test('tell of their own life', async () => {
    const { graph, receiver } = benchOf();
    const made = await graph.ok('POST', '/v1.0/subscriptions', {
      json: wish(graph, { lifecycleNotificationUrl: 'https://receiver.test/life' }),
    });
    const id = String(made.json['id']);
    for (const event of ['reauthorizationRequired', 'subscriptionRemoved'] as const)
      graph.state.subscriptions.lifecycle(id, event, graph.clock.nowMs());
    await settled(graph);
    expect(receiver.got.map(({ lifecycleEvent }) => lifecycleEvent)).toEqual([
      'reauthorizationRequired',
      'subscriptionRemoved',
    ]);
    expect((await graph.call('POST', `/v1.0/subscriptions/${id}/reauthorize`)).status).toBe(404);
  });
});

describe('a receiver on this machine', () => {
  let close: (() => void) | null = null;
  afterEach(() => close?.());

  test('is told by HTTP', async () => {
    const got: JsonObject[] = [];
    const server = createServer((request, response) => {
      const token = new URL(request.url ?? '', 'http://x').searchParams.get('validationToken');
      let text = '';
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on('end', () => {
        if (token === null) got.push(...(JSON.parse(text) as { value: JsonObject[] }).value);
        response.writeHead(token === null ? 202 : 200, { 'content-type': 'text/plain' }).end(token ?? '');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close = () => server.close();
    const graph = new GraphBench();
    letSend(graph.lab);
    const notificationUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    await graph.ok('POST', '/v1.0/subscriptions', { json: wish(graph, { notificationUrl }) });
    await graph.ok('POST', `${graph.user}/messages`, { json: { subject: 'x' } });
    await settled(graph);
    expect(got.map(({ changeType }) => changeType)).toEqual(['created']);
  });
});
