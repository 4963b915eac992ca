import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import type { FolderId } from '#model/ids.ts';
import type { WatchEvent } from '../contract.ts';
import { ewsClient } from './client.ts';
import type { EwsAnswer, EwsHttp, EwsPost } from './ews-http.ts';
import type { SchemaVersion } from './server-version.ts';
import { type EwsWatchOptions, ewsWatch } from './streaming.ts';

/** A hundred times as fast as the wall. */
const quick: Clock = {
  nowMs: () => performance.now() * 100,
  monotonicMs: () => performance.now() * 100,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = setTimeout(resolve, ms / 100);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    }),
};

const envelope = (
  body: string,
  version = '<t:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507"/>',
) =>
  `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header>${version}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
const message = (operation: string, inner: string, code = 'NoError') =>
  `<m:${operation}Response><m:ResponseMessages><m:${operation}ResponseMessage ResponseClass="${code === 'NoError' ? 'Success' : 'Error'}">${code === 'NoError' ? '' : '<m:MessageText>x</m:MessageText>'}<m:ResponseCode>${code}</m:ResponseCode>${inner}</m:${operation}ResponseMessage></m:ResponseMessages></m:${operation}Response>`;
const streaming = (inner: string, code?: string) => envelope(message('GetStreamingEvents', inner, code));
const opened = streaming('<m:ConnectionStatus>OK</m:ConnectionStatus>');
const closed = streaming('<m:ConnectionStatus>Closed</m:ConnectionStatus>');
const event = (id: string, kind = 'NewMailEvent', prefix = 'm') =>
  streaming(
    `<m:Notifications><${prefix}:Notification><t:SubscriptionId>${id}</t:SubscriptionId><t:${kind}><t:TimeStamp>2026-01-01T00:00:00Z</t:TimeStamp></t:${kind}></${prefix}:Notification></m:Notifications>`,
  );

/** One streaming connection as the server sees it. */
interface Line {
  readonly ids: readonly string[];
  readonly anchor: string | null;
  readonly minutes: number;
  say(text: string): void;
  /** Ends without `Closed`; with an error when given one. */
  cut(error?: unknown): void;
}

type Subscribing = (address: string, kind: 'streaming' | 'pull', nth: number) => string | FaultError;

/** A server of subscriptions. Ids are `address/n`. */
class Server implements EwsHttp {
  readonly lines: Line[] = [];
  readonly operations: string[] = [];
  readonly anchors = new Set<string | null>();
  readonly ended = new Set<string>();
  subscribing: Subscribing = (address, _kind, nth) =>
    envelope(
      message('Subscribe', `<m:SubscriptionId>${address}/${nth}</m:SubscriptionId><m:Watermark>w0</m:Watermark>`),
    );
  opening: ((line: Line) => FaultError | null) | null = null;
  pulled = 0;
  pulling: (nth: number) => string = (nth) =>
    envelope(
      message(
        'GetEvents',
        `<m:Notification><t:SubscriptionId>x</t:SubscriptionId><t:PreviousWatermark>w</t:PreviousWatermark><t:MoreEvents>false</t:MoreEvents><t:${nth === 2 ? 'CreatedEvent' : 'StatusEvent'}><t:Watermark>w${nth}</t:Watermark></t:${nth === 2 ? 'CreatedEvent' : 'StatusEvent'}></m:Notification>`,
      ),
    );
  #subscribed = 0;

  async post({ operation, body, anchorMailbox, context }: EwsPost): Promise<EwsAnswer> {
    const text = Buffer.from(body as Uint8Array).toString();
    const address = /<t:(?:Primary)?SmtpAddress>([^<]*)/.exec(text)?.[1] ?? '';
    this.operations.push(operation);
    if (operation === 'Subscribe') {
      this.anchors.add(anchorMailbox);
      const outcome = this.subscribing(address, text.includes('Streaming') ? 'streaming' : 'pull', ++this.#subscribed);
      if (typeof outcome !== 'string') throw outcome;
      return answer(outcome);
    }
    if (operation === 'Unsubscribe') {
      this.ended.add(/<m:SubscriptionId>([^<]*)/.exec(text)?.[1] ?? '');
      return answer(envelope(message('Unsubscribe', '')));
    }
    if (operation === 'GetEvents') return answer(this.pulling(++this.pulled));
    if (operation === 'GetFolder')
      return answer(
        envelope(message('GetFolder', '<m:Folders><t:Folder><t:FolderId Id="root"/></t:Folder></m:Folders>')),
      );
    const waiting: (string | { readonly error: unknown } | null)[] = [];
    let wake = () => {};
    const put = (thing: (typeof waiting)[number]) => {
      waiting.push(thing);
      wake();
    };
    const line: Line = {
      ids: [...text.matchAll(/<t:SubscriptionId>([^<]*)/g)].map((match) => match[1] ?? ''),
      anchor: anchorMailbox,
      minutes: Number(/<m:ConnectionTimeout>(\d+)/.exec(text)?.[1]),
      say: put,
      cut: (error) => put(error === undefined ? null : { error }),
    };
    const refusal = this.opening?.(line);
    if (refusal) throw refusal;
    this.lines.push(line);
    context.signal.addEventListener('abort', () =>
      put({ error: new FaultError({ kind: 'transient', detail: 'given up', mayHaveHappened: true }) }),
    );
    async function* chunks() {
      for (;;) {
        while (waiting.length === 0)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        const next = waiting.shift();
        if (next === null || next === undefined) return;
        if (typeof next !== 'string') throw next.error;
        yield Buffer.from(next);
      }
    }
    return { status: 200, headers: {}, body: chunks() };
  }
}

function answer(text: string): EwsAnswer {
  return {
    status: 200,
    headers: {},
    body: (async function* () {
      yield Buffer.from(text);
    })(),
  };
}

let stop = new AbortController();
let reading: Promise<void> = Promise.resolve();
afterEach(async () => {
  stop.abort();
  await reading;
  stop = new AbortController();
});

function watching(
  addresses: readonly string[],
  server = new Server(),
  version: SchemaVersion | null = 'Exchange2016',
  more: Partial<EwsWatchOptions> = {},
) {
  const client = ewsClient({
    http: server,
    impersonate: true,
    spoolDir: '/nonexistent',
    ...(version ? { version } : {}),
  });
  const watch = ewsWatch({
    client,
    clock: quick,
    random: seededRandom(1),
    foldersOf: async () => ['inbox' as FolderId],
    ...more,
  });
  const events: WatchEvent[] = [];
  reading = (async () => {
    for await (const one of watch(addresses, stop.signal)) events.push(one);
  })();
  const until = async (what: string, condition: () => boolean) => {
    for (let n = 0; n < 400; n++) {
      if (condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(
      `${what} did not happen; events: ${JSON.stringify(events)}; operations: ${server.operations.join()}`,
    );
  };
  const count = (kind: WatchEvent['kind'], address?: string) =>
    events.filter((one) => one.kind === kind && (address === undefined || one.address === address)).length;
  const line = async (nth: number): Promise<Line> => {
    await until(`connection ${nth}`, () => server.lines.length > nth);
    const found = server.lines[nth];
    if (!found) throw new Error('no line');
    return found;
  };
  return { server, events, until, count, line };
}

const fault = (more: ConstructorParameters<typeof FaultError>[0]) => new FaultError(more);

describe('streaming', () => {
  test('many mailboxes on one connection, anchored to the first of them', async () => {
    const { server, events, until, count, line } = watching(['cleo@x.test', 'ana@x.test', 'Ben@x.test', 'ana@x.test']);
    const first = await line(0);
    expect(first.ids.map((id) => id.split('/')[0]).sort()).toEqual(['Ben@x.test', 'ana@x.test', 'cleo@x.test']);
    expect([first.anchor, first.minutes, [...server.anchors]]).toEqual(['ana@x.test', 30, ['ana@x.test']]);
    await until('the beginning', () => count('missed') === 3);
    const ids = new Map(first.ids.map((id) => [id.split('/')[0], id]));
    first.say(opened);
    first.say(event(ids.get('ana@x.test') ?? ''));
    // As the schema has it, and cut in the middle of a tag.
    const other = event(ids.get('cleo@x.test') ?? '', 'ModifiedEvent', 't');
    first.say(other.slice(0, -9));
    first.say(other.slice(-9));
    first.say(event(ids.get('Ben@x.test') ?? '', 'StatusEvent'));
    first.say(event('unknown'));
    await until('two changes', () => count('changed') === 2);
    expect(events.slice(3)).toEqual([
      { kind: 'changed', address: 'ana@x.test' },
      { kind: 'changed', address: 'cleo@x.test' },
    ]);
  });

  test('groups of a size', async () => {
    const { server, until } = watching(['a@x.test', 'b@x.test', 'c@x.test'], new Server(), 'Exchange2016', {
      groupMax: 2,
    });
    await until('two connections', () => server.lines.length === 2);
    expect(server.lines.map((line) => [line.ids.length, line.anchor]).sort()).toEqual([
      [1, 'c@x.test'],
      [2, 'a@x.test'],
    ]);
  });

  test('a connection that ends as agreed is opened again, and nothing was missed', async () => {
    const { count, line, until } = watching(['ana@x.test']);
    const first = await line(0);
    first.say(opened);
    await quick.sleep(6_000);
    first.say(closed);
    const second = await line(1);
    expect(second.ids).toEqual(first.ids);
    expect(count('missed')).toBe(1);
    second.say(event(second.ids[0] ?? ''));
    await until('a change', () => count('changed') === 1);
  });

  test.each([
    ['breaks off', undefined],
    ['is reset', fault({ kind: 'transient', detail: 'reset', mayHaveHappened: true })],
  ])('a connection that %s: events may have been missed', async (_name, error) => {
    const { count, line, until } = watching(['ana@x.test', 'ben@x.test']);
    const first = await line(0);
    await until('the beginning', () => count('missed') === 2);
    first.say(opened);
    first.cut(error);
    expect((await line(1)).ids).toEqual(first.ids);
    await until('the gap', () => count('missed') === 4);
  });

  test('a subscription that the server lost is made anew, the others stay', async () => {
    const { count, line, until } = watching(['ana@x.test', 'ben@x.test']);
    const first = await line(0);
    await until('the beginning', () => count('missed') === 2);
    const lost = first.ids.find((id) => id.startsWith('ana')) ?? '';
    first.say(
      streaming(
        `<m:ErrorSubscriptionIds><t:SubscriptionId>${lost}</t:SubscriptionId></m:ErrorSubscriptionIds><m:ConnectionStatus>Closed</m:ConnectionStatus>`,
        'ErrorSubscriptionNotFound',
      ),
    );
    const second = await line(1);
    expect(second.ids).not.toContain(lost);
    expect(second.ids.length).toBe(2);
    await until('the gap', () => count('missed', 'ana@x.test') === 2);
    expect(count('missed', 'ben@x.test')).toBe(1);
  });

  test('missed events without a name concern all of them', async () => {
    const { count, line, until } = watching(['ana@x.test', 'ben@x.test']);
    const first = await line(0);
    await until('the beginning', () => count('missed') === 2);
    first.say(streaming('', 'ErrorMissedNotificationEvents'));
    const second = await line(1);
    expect(second.ids.some((id) => first.ids.includes(id))).toBe(false);
    await until('the gap', () => count('missed') === 4);
  });

  test('a mailbox that may not be opened is unwatchable and tried again later; the others are watched', async () => {
    const server = new Server();
    let refused = 0;
    const normal = server.subscribing;
    server.subscribing = (address, kind, nth) => {
      if (address !== 'ben@x.test' || refused > 0) return normal(address, kind, nth);
      refused++;
      return envelope(message('Subscribe', '', 'ErrorAccessDenied'));
    };
    const { count, line, until } = watching(['ana@x.test', 'ben@x.test'], server);
    const first = await line(0);
    expect([first.ids.length, first.minutes]).toEqual([1, 10]);
    await until('a word about ben', () => count('unwatchable', 'ben@x.test') === 1);
    await quick.sleep(10 * 60_000 + 1);
    first.say(closed);
    expect((await line(1)).ids.length).toBe(2);
    await until('ben', () => count('missed', 'ben@x.test') === 1);
  }, 20_000);

  test('busy: it waits as it is told, then goes on', async () => {
    const server = new Server();
    let refusals = 2;
    const times: number[] = [];
    server.opening = () => {
      times.push(quick.monotonicMs());
      return refusals-- > 0 ? fault({ kind: 'throttled', retryAfterMs: 5_000, limit: 'EWS' }) : null;
    };
    const { line } = watching(['ana@x.test'], server);
    await line(0);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(4_900);
  });

  test('no hanging connection is to be had: mailboxes are asked in turn', async () => {
    const server = new Server();
    server.opening = () => fault({ kind: 'throttled', retryAfterMs: 10, limit: 'HangingConnectionLimit' });
    const { count, until } = watching(['ana@x.test', 'ben@x.test'], server, 'Exchange2016', { pullEveryMs: 2_000 });
    await until('a change by asking', () => count('changed') >= 1);
    expect(server.operations.filter((name) => name === 'GetStreamingEvents')).toHaveLength(3);
    // The streaming subscriptions were given back.
    expect([...server.ended].map((id) => id.split('/')[0]).sort()).toEqual(['ana@x.test', 'ben@x.test']);
  });

  test('sign-in that is refused: all are unwatchable', async () => {
    const server = new Server();
    server.opening = () => fault({ kind: 'fatal', code: 'auth', detail: 'refused' });
    const { count, until } = watching(['ana@x.test', 'ben@x.test'], server);
    await until('the end of watching', () => count('unwatchable') === 2);
  });

  test('ends when it is told to, and gives its subscriptions back', async () => {
    const { server, line } = watching(['ana@x.test', 'ben@x.test']);
    const first = await line(0);
    first.say(opened);
    stop.abort();
    await reading;
    expect([...server.ended].sort()).toEqual([...first.ids].sort());
  });

  test('a broken assumption ends it with an error', async () => {
    const server = new Server();
    server.subscribing = () => {
      throw new TypeError('ours');
    };
    const client = ewsClient({ http: server, impersonate: true, spoolDir: '/nonexistent', version: 'Exchange2016' });
    const watch = ewsWatch({ client, clock: quick, random: seededRandom(1), foldersOf: async () => [] });
    await expect(
      (async () => {
        for await (const _ of watch(['ana@x.test'], stop.signal));
      })(),
    ).rejects.toThrow('ours');
  });
});

describe('pull, before Exchange 2010 SP1', () => {
  test('says missed at the beginning and changed when there was an event', async () => {
    const server = new Server();
    const { events, until, count } = watching(['ana@x.test'], server, 'Exchange2007_SP1', { pullEveryMs: 2_000 });
    await until('a change', () => count('changed') === 1);
    expect(events.map((one) => one.kind)).toEqual(['missed', 'changed']);
    expect(server.operations.slice(0, 2)).toEqual(['Subscribe', 'GetEvents']);
    expect(server.lines).toEqual([]);
  });

  test('a subscription that is gone is made anew', async () => {
    const server = new Server();
    server.pulling = () => envelope(message('GetEvents', '', 'ErrorSubscriptionNotFound'));
    const { until, count } = watching(['ana@x.test'], server, 'Exchange2007_SP1', { pullEveryMs: 1_000 });
    await until('two beginnings', () => count('missed') >= 2);
  });

  test('a mailbox that is not there', async () => {
    const server = new Server();
    server.subscribing = () => envelope(message('Subscribe', '', 'ErrorNonExistentMailbox'));
    const { until, count } = watching(['ana@x.test'], server, 'Exchange2007_SP1', { pullEveryMs: 1_000 });
    await until('a word', () => count('unwatchable') === 1);
  });
});

test('the version is learned before the way is chosen', async () => {
  const { server, line } = watching(['ana@x.test'], new Server(), null);
  await line(0);
  expect(server.operations[0]).toBe('GetFolder');
});
