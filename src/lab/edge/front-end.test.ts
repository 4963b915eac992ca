import { describe, expect, test } from 'vitest';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Connection, HttpRequest, HttpResponse } from '#kit/transport.ts';
import type { LabOptions } from '../lab.ts';
import { edgeLab, soapRequest } from './edge.fixture.ts';
import { parseFaultSpec } from './fault-spec.ts';
import { negotiateMessage, respond } from './ntlm-client.fixture.ts';

/** Time that passes only when somebody sleeps. */
function virtualClock(): Clock & { pass(ms: number): void } {
  let now = Date.UTC(2026, 0, 1);
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      now += ms;
    },
    pass(ms) {
      now += ms;
    },
  };
}

const never = new AbortController().signal;
const tls = { ca: [], min: '1.2' } as const;

interface Told {
  readonly status: number;
  readonly headers: HttpResponse['headers'];
  readonly text: string;
}

function start(options: Partial<LabOptions> & { readonly faultText?: string } = {}) {
  const clock = virtualClock();
  const { faultText = '', ...rest } = options;
  const { lab, recorder } = edgeLab({
    organizations: [{ name: 'source', version: '2016' }],
    clock,
    faults: parseFaultSpec(faultText),
    ...rest,
  });
  const one = must(lab.organizations[0], 'an organization');
  const transport = lab.transport();
  const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const admin = basic(one.world.admin.user, one.world.admin.password);
  const connect = (origin = `https://mail.${one.domain}`) => transport.connect(origin, tls, never);
  async function ask(
    request: Partial<HttpRequest> & { readonly on?: Connection; readonly operation?: string; readonly as?: string },
  ): Promise<Told> {
    const { on, operation = 'GetFolder', as, ...more } = request;
    const connection = on ?? (await connect());
    const answer = await connection.request(
      {
        method: 'POST',
        path: '/EWS/Exchange.asmx',
        body: Buffer.from(soapRequest(operation, as)),
        ...more,
        headers: { authorization: admin, 'content-type': 'text/xml', ...more.headers },
      },
      never,
    );
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    return { status: answer.status, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8') };
  }
  return { lab, one, recorder, clock, connect, ask, basic };
}

const transientReset = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FaultError);
  expect((error as FaultError).fault).toMatchObject({ kind: 'transient', mayHaveHappened: true });
};

describe('faults at the edge', () => {
  test('drop-before: nothing was carried out, and the connection is gone', async () => {
    const { ask, recorder, connect, lab } = start({ faultText: 'drop-before:1 x1' });
    const on = await connect();
    await transientReset(ask({ on }));
    expect(recorder.calls).toHaveLength(0);
    expect(on.usable).toBe(false);
    expect((await ask({})).status).toBe(200);
    expect(lab.faults.counts['drop-before']).toBe(1);
  });

  test('drop-after: carried out, and counted as lost', async () => {
    const { ask, recorder, one } = start({ faultText: 'drop-after:1@CreateItem x1' });
    expect((await ask({ operation: 'GetItem' })).status).toBe(200);
    await transientReset(ask({ operation: 'CreateItem' }));
    expect(recorder.calls).toHaveLength(2);
    expect(one.traffic.operations).toEqual({
      GetItem: { carriedOut: 1, delivered: 1, lost: 0 },
      CreateItem: { carriedOut: 1, delivered: 0, lost: 1 },
    });
    expect(one.traffic.since(1)).toMatchObject([{ sequence: 1, operation: 'CreateItem', answer: 'lost' }]);
  });

  test('reset-mid: half of the answer arrives', async () => {
    const { ask, connect } = start({ faultText: 'reset-mid:1 x1' });
    const on = await connect();
    await transientReset(ask({ on }));
    expect(on.usable).toBe(false);
  });

  test('slow takes time on the lab’s clock only', async () => {
    const { ask, clock } = start({ faultText: 'slow:1~7000ms x1' });
    const before = clock.nowMs();
    expect((await ask({})).status).toBe(200);
    expect(clock.nowMs() - before).toBe(7000);
  });

  test('http-503 names a time and speaks no SOAP; server-busy does', async () => {
    const { ask, recorder } = start({ faultText: 'http-503:1~2500ms x1,server-busy:1~1234ms x1' });
    const full = await ask({});
    expect([full.status, full.headers['retry-after'], full.headers['content-type']]).toEqual([503, '3', 'text/html']);
    const busy = await ask({});
    expect(busy.status).toBe(500);
    expect(busy.text).toContain('<t:Value Name="BackOffMilliseconds">1234</t:Value>');
    expect(parseXmlBytes(busy.text).root.name).toBe('Envelope');
    expect(recorder.calls).toHaveLength(0);
    expect((await ask({})).status).toBe(200);
  });

  test('forbidden strikes one mailbox, by impersonation or by anchor', async () => {
    const { ask } = start({ faultText: 'forbidden:1@mailbox=anna@source.test' });
    expect((await ask({ as: 'Anna@source.test' })).status).toBe(403);
    expect((await ask({ headers: { 'x-anchormailbox': 'anna@source.test' } })).status).toBe(403);
    expect((await ask({ as: 'ben@source.test' })).status).toBe(200);
  });

  test('stream-drop ends a streaming answer between two chunks', async () => {
    const { ask, recorder } = start({ faultText: 'stream-drop:1@GetStreamingEvents x1' });
    recorder.answer = () => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from('<one/>');
        yield Buffer.from('<two/>');
      })(),
    });
    await transientReset(ask({ operation: 'GetStreamingEvents' }));
    expect((await ask({ operation: 'GetStreamingEvents' })).text).toBe('<one/><two/>');
  });
});

describe('the in-process transport', () => {
  test('knows the hosts of its organizations and no others', async () => {
    const { connect } = start();
    for (const host of ['mail.source.test', 'autodiscover.source.test', 'login.source.test', 'source.test']) {
      expect((await connect(`https://${host}`)).channelBinding).toBeNull();
    }
    await expect(connect('https://elsewhere.test')).rejects.toThrow(/there is no host/);
  });

  test('carries one request at a time; giving up an answer gives up the connection and its place', async () => {
    const { connect, one } = start();
    const on = await connect();
    const admin = `Basic ${Buffer.from(`${one.world.admin.user}:${one.world.admin.password}`).toString('base64')}`;
    const request: HttpRequest = {
      method: 'POST',
      path: '/EWS/Exchange.asmx',
      headers: { authorization: admin },
      body: Buffer.from(soapRequest('GetItem')),
    };
    const first = await on.request(request, never);
    await expect(on.request(request, never)).rejects.toThrow(/one request at a time/);
    await first.body[Symbol.asyncIterator]().return?.();
    expect(on.usable).toBe(false);
    expect(one.throttle.counters()).toMatchObject([{ inFlight: 0, requests: 1 }]);
  });

  test('an aborted request ends at once, although the endpoint does not', async () => {
    const { connect, recorder, one } = start();
    recorder.answer = () => new Promise(() => {});
    const on = await connect();
    const stop = new AbortController();
    const admin = `Basic ${Buffer.from(`${one.world.admin.user}:${one.world.admin.password}`).toString('base64')}`;
    const asked = on.request(
      {
        method: 'POST',
        path: '/EWS/Exchange.asmx',
        headers: { authorization: admin },
        body: Buffer.from(soapRequest('GetItem')),
      },
      stop.signal,
    );
    setImmediate(() => stop.abort(new Error('enough')));
    await expect(asked).rejects.toThrow(/enough/);
    expect(on.usable).toBe(false);
  });

  test('a body that comes in pieces arrives whole', async () => {
    const { ask, recorder } = start();
    const text = Buffer.from(soapRequest('CreateItem', undefined, 'x'.repeat(300_000)));
    async function* pieces() {
      for (let at = 0; at < text.length; at += 977) yield text.subarray(at, at + 977);
    }
    expect((await ask({ body: pieces(), headers: { 'content-length': String(text.length) } })).status).toBe(200);
    expect(recorder.calls[0]?.bytes).toBe(text.length);
  });
});

describe('modes and headers', () => {
  test('a login page, a redirect, EWS switched off', async () => {
    const { ask, one } = start();
    one.front.configure({ mode: { kind: 'login-page' } });
    const login = await ask({});
    expect([login.status, login.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(login.text).toContain('<form');
    one.front.configure({
      mode: { kind: 'redirect', status: 302, location: 'https://mail.elsewhere.test/EWS/Exchange.asmx' },
    });
    expect((await ask({})).headers['location']).toBe('https://mail.elsewhere.test/EWS/Exchange.asmx');
    one.front.configure({ mode: { kind: 'redirect', status: 451, location: 'https://mail.elsewhere.test/' } });
    expect((await ask({})).headers['x-ms-location']).toBe('https://mail.elsewhere.test/');
    one.front.configure({ mode: { kind: 'ews-off' } });
    expect((await ask({})).status).toBe(403);
    expect((await ask({ path: '/autodiscover/autodiscover.xml' })).status).toBe(200);
  });

  test('other paths are not there, other methods not allowed', async () => {
    const { ask } = start();
    expect((await ask({ path: '/EWS/Services.asmx' })).status).toBe(404);
    expect((await ask({ method: 'PUT' })).status).toBe(405);
    expect((await ask({ method: 'GET', body: null })).status).toBe(200);
  });

  test('a 2016 front end names its back end, and the override cookie pins it', async () => {
    const { ask } = start();
    const [first, second] = await Promise.all([
      ask({ as: 'anna@source.test', headers: { 'x-preferserveraffinity': 'true' } }),
      ask({ as: 'anna@source.test' }),
    ]);
    expect(first.headers['x-beserver']).toBe(second.headers['x-beserver']);
    expect(first.headers['request-id']).not.toBe(second.headers['request-id']);
    const cookies = [first.headers['set-cookie'] ?? []].flat();
    expect(cookies.map((cookie) => cookie.split('=')[0])).toEqual([
      'exchangecookie',
      'X-BackEndCookie',
      'X-BackEndOverrideCookie',
    ]);
    for (const server of ['SOURCE-MBX01', 'SOURCE-MBX02']) {
      const pinned = await ask({
        as: 'anna@source.test',
        headers: { cookie: `exchangecookie=1; X-BackEndCookie=1; X-BackEndOverrideCookie=${server}.source.test~1` },
      });
      expect(pinned.headers['x-beserver']).toBe(server);
      expect(pinned.headers['set-cookie']).toBeUndefined();
    }
  });

  test('older generations have no front-end proxy', async () => {
    for (const version of ['2007', '2010'] as const) {
      const { ask } = start({ organizations: [{ name: 'source', version }] });
      const answer = await ask({});
      expect([answer.headers['x-beserver'], answer.headers['server']]).toEqual([undefined, 'Microsoft-IIS/7.5']);
    }
  });
});

describe('NTLM belongs to a connection', () => {
  test('on Negotiate too; a challenge is good for one answer, an answer for one connection', async () => {
    const { connect, one } = start();
    const [user = ''] = one.world.admin.user.split('@');
    const send = async (on: Connection, authorization: string | null) => {
      const headers = { 'content-type': 'text/xml', ...(authorization ? { authorization } : {}) };
      const answer = await on.request(
        { method: 'POST', path: '/EWS/Exchange.asmx', headers, body: Buffer.from(soapRequest('GetFolder')) },
        never,
      );
      for await (const _ of answer.body);
      return answer;
    };
    const challenged = async (on: Connection, scheme: string) => {
      const answer = await send(on, `${scheme} ${negotiateMessage.toString('base64')}`);
      expect(answer.status).toBe(401);
      const [offer = ''] = [answer.headers['www-authenticate'] ?? []].flat();
      expect(offer).toMatch(new RegExp(`^${scheme} TlRMTVNTUA`));
      const message = Buffer.from(offer.slice(scheme.length + 1), 'base64');
      const response = respond(
        { negotiate: negotiateMessage, message, serverChallenge: message.subarray(24, 32) },
        one.world.admin.password,
        { user, domain: 'SOURCE' },
      );
      return `${scheme} ${response.toString('base64')}`;
    };
    for (const scheme of ['NTLM', 'Negotiate']) {
      const on = await connect();
      const response = await challenged(on, scheme);
      const signedIn = await send(on, response);
      expect([signedIn.status, signedIn.headers['persistent-auth']]).toEqual([200, 'true']);
      expect((await send(on, null)).status).toBe(200);
      expect((await send(await connect(), null)).status).toBe(401);
      // Heard on the wire and played again: on this connection, and on another one that was given a challenge of its own.
      expect((await send(on, response)).status).toBe(401);
      expect((await send(on, null)).status).toBe(401);
      const other = await connect();
      await challenged(other, scheme);
      expect((await send(other, response)).status).toBe(401);
    }
    expect(one.traffic.refusals).toEqual({ 'none-sent': 4, 'no-challenge': 2, 'wrong-password': 2 });
    const spnego = Buffer.from('602806062b0601050502', 'hex').toString('base64');
    expect((await send(await connect(), `Negotiate ${spnego}`)).status).toBe(401);
    expect(one.traffic.refusals).toMatchObject({ malformed: 1 });
  });
});

describe('throttling', () => {
  const shipped = (version: '2010' | '2013' | '2016' | '2007') =>
    start({ organizations: [{ name: 'source', version }], throttling: 'shipped' });

  test('2010: a caller gets the share of each minute that the policy allows, and waits as told', async () => {
    const { ask, clock, one } = shipped('2010');
    const began = clock.nowMs();
    let done = 0;
    while (clock.nowMs() - began < 4 * 60_000) {
      const answer = await ask({ operation: 'SyncFolderItems', as: 'anna@source.test' });
      if (answer.status === 200) {
        done++;
        clock.pass(1);
        continue;
      }
      const backOff = Number(/BackOffMilliseconds">(\d+)</.exec(answer.text)?.[1]);
      expect(backOff).toBeGreaterThan(0);
      clock.pass(backOff);
    }
    const [budget] = one.throttle.counters();
    expect(done).toBeGreaterThan(5000);
    expect(budget?.caller).toBe('anna@source.test');
    expect(budget?.refused).toBeGreaterThan(0);
    const ratio = (budget?.usedMs ?? 0) / (budget?.allowedMs ?? 1);
    expect(ratio).toBeGreaterThan(0.95);
    expect(ratio).toBeLessThan(1.01);
  });

  test('2013: a burst, then delays, then five minutes of refusal at the cut-off', async () => {
    const { ask, clock, one } = shipped('2013');
    one.throttle.setPolicy({
      ...one.throttle.policy,
      times: one.throttle.policy.times.map((limit) => ({ ...limit, burstMs: 1000, cutoffMs: 2000 })),
    });
    let free = 0;
    for (let before = clock.nowMs(); ; before = clock.nowMs()) {
      expect((await ask({ operation: 'SyncFolderItems' })).status).toBe(200);
      if (clock.nowMs() > before) break;
      free++;
    }
    // 1,000 ms at 25 ms and a little for the bytes each.
    expect(free).toBeGreaterThan(35);
    expect(free).toBeLessThan(42);
    const slept = clock.nowMs();
    expect((await ask({ operation: 'SyncFolderItems' })).status).toBe(200);
    expect(clock.nowMs() - slept).toBe(100);

    // Many connections outrun the delays: nothing here waits for the clock to pay back.
    const asked = await Promise.all(Array.from({ length: 27 }, () => ask({ operation: 'UploadItems' })));
    expect(asked.every((answer) => answer.status === 200)).toBe(true);
    let refused: Told | null = null;
    for (let n = 0; n < 200 && refused === null; n++) {
      const admission = one.throttle.admit('migration@source.test', 'UploadItems');
      if (admission.kind === 'busy') refused = await ask({});
      else if (admission.kind === 'go') admission.ticket.end(1_000_000);
    }
    expect(refused?.text).toContain('<t:Value Name="BackOffMilliseconds">300000</t:Value>');
    clock.pass(299_999);
    expect((await ask({})).status).toBe(500);
    clock.pass(1);
    expect((await ask({})).status).toBe(200);
  });

  test('the impersonated mailbox pays, so mailboxes do not share a budget', async () => {
    const { ask, one } = shipped('2016');
    await ask({ as: 'anna@source.test' });
    await ask({ as: 'ben@source.test' });
    await ask({});
    expect(one.throttle.counters().map((counters) => counters.caller)).toEqual([
      'anna@source.test',
      'ben@source.test',
      one.world.admin.user,
    ]);
  });

  test('connections at a time: 10 in 2010, 27 later, none in 2007; a refusal names no back-off', async () => {
    for (const [version, most] of [
      ['2010', 10],
      ['2013', 27],
      ['2016', 27],
    ] as const) {
      const { ask, recorder } = shipped(version);
      let release = () => {};
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      recorder.answer = async () => {
        await gate;
        return { status: 200, headers: {}, body: Buffer.from('') };
      };
      const held = Array.from({ length: most }, () => ask({ as: 'anna@source.test' }));
      await new Promise((resolve) => setTimeout(resolve, 20));
      const over = await ask({ as: 'anna@source.test' });
      expect(over.status).toBe(500);
      expect(over.text).toContain(`<t:Value Name="MaxConcurrencyLimit">${most}</t:Value>`);
      expect(over.text).not.toContain('BackOffMilliseconds');
      release();
      expect((await Promise.all(held)).every((answer) => answer.status === 200)).toBe(true);
      expect((await ask({ as: 'anna@source.test' })).status).toBe(200);
    }
  });

  test('hanging connections: 3 in 2013, 10 from 2016 on', async () => {
    for (const [version, most] of [
      ['2013', 3],
      ['2016', 10],
    ] as const) {
      const { connect, one, recorder, ask, basic } = shipped(version);
      recorder.answer = (call) => ({
        status: 200,
        headers: {},
        body: (async function* () {
          yield Buffer.from('<ok/>');
          await new Promise((resolve) => call.signal.addEventListener('abort', resolve, { once: true }));
        })(),
      });
      const streams: Connection[] = [];
      for (let n = 0; n < most; n++) {
        const on = await connect();
        streams.push(on);
        const answer = await on.request(
          {
            method: 'POST',
            path: '/EWS/Exchange.asmx',
            headers: { authorization: basic(one.world.admin.user, one.world.admin.password) },
            body: Buffer.from(soapRequest('GetStreamingEvents', 'anna@source.test')),
          },
          never,
        );
        expect(answer.status).toBe(200);
        await answer.body[Symbol.asyncIterator]().next();
      }
      const over = await ask({ operation: 'GetStreamingEvents', as: 'anna@source.test' });
      expect(over.text).toContain('ErrorExceededConnectionCount');
      expect(one.throttle.counters()).toMatchObject([{ inFlight: most, refused: 1 }]);
      for (const on of streams) on.close();
    }
  });

  test('mixed answers: every other refusal of a single-message operation is status 200', async () => {
    const { ask } = start({
      organizations: [{ name: 'source', version: '2016', busyForms: 'mixed' }],
      faultText: 'server-busy:1~5000ms x4',
    });
    const statuses = [];
    for (let n = 0; n < 4; n++) {
      const answer = await ask({ operation: n < 3 ? 'SyncFolderItems' : 'GetItem' });
      statuses.push(answer.status);
      expect(parseXmlBytes(answer.text).root.name).toBe('Envelope');
      expect(answer.text).toContain('BackOffMilliseconds">5000<');
    }
    expect(statuses).toEqual([500, 200, 500, 500]);
  });

  test('migration-policy lifts time and keeps a bound on connections; off lifts all; 2007 never had any', () => {
    const { one } = start();
    expect(one.throttle.policy).toMatchObject({ concurrencyMax: 100, times: [] });
    one.setThrottling('off');
    expect(one.throttle.policy.concurrencyMax).toBe(Number.POSITIVE_INFINITY);
    expect(shipped('2007').one.throttle.policy).toEqual(one.throttle.policy);
  });
});

describe('Autodiscover', () => {
  const poxRequest = (
    address: string,
    schema = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a',
  ) =>
    Buffer.from(
      `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>${schema}</AcceptableResponseSchema></Request></Autodiscover>`,
    );
  const soap = (...addresses: readonly string[]) =>
    Buffer.from(
      `<soap:Envelope xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header><a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion></soap:Header><soap:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users>${addresses
        .map((address) => `<a:User><a:Mailbox>${address}</a:Mailbox></a:User>`)
        .join(
          '',
        )}</a:Users><a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>GroupingInformation</a:Setting></a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></soap:Body></soap:Envelope>`,
    );
  const pox = '/Autodiscover/Autodiscover.xml';

  test('POX: the settings of a mailbox, with the address of the encrypted front', async () => {
    const { ask, one } = start();
    const address = must(one.world.mailboxes[0], 'a mailbox').address;
    const answer = await ask({ path: pox, body: poxRequest(address.toUpperCase()) });
    expect(answer.status).toBe(200);
    expect(parseXmlBytes(answer.text).root.name).toBe('Autodiscover');
    expect(answer.text).toContain('<Action>settings</Action>');
    expect(answer.text).toContain('<EwsUrl>https://mail.source.test/EWS/Exchange.asmx</EwsUrl>');
  });

  test('POX: redirects and errors', async () => {
    const { ask, one } = start();
    one.front.autodiscover.redirects.set('moved@source.test', { kind: 'address', address: 'moved@target.test' });
    one.front.autodiscover.redirects.set('hosted@source.test', {
      kind: 'url',
      url: 'https://autodiscover.target.test/autodiscover/autodiscover.xml',
    });
    const text = async (body: Buffer) => (await ask({ path: pox, body })).text;
    expect(await text(poxRequest('moved@source.test'))).toContain(
      '<Action>redirectAddr</Action><RedirectAddr>moved@target.test</RedirectAddr>',
    );
    expect(await text(poxRequest('hosted@source.test'))).toContain(
      '<RedirectUrl>https://autodiscover.target.test/autodiscover/autodiscover.xml</RedirectUrl>',
    );
    expect(await text(poxRequest('nobody@source.test'))).toContain('<ErrorCode>500</ErrorCode>');
    expect(await text(Buffer.from('<nonsense/>'))).toContain('<ErrorCode>600</ErrorCode>');
    expect(await text(Buffer.from('<!DOCTYPE x [<!ENTITY e "e">]><x>&e;</x>'))).toContain('<ErrorCode>600</ErrorCode>');
    expect(await text(poxRequest('moved@source.test', 'http://elsewhere.test/schema'))).toContain(
      '<ErrorCode>601</ErrorCode>',
    );
  });

  test('SOAP: each user has an outcome of its own; 2007 has no SOAP form', async () => {
    const { ask, one } = start();
    one.front.autodiscover.redirects.set('moved@source.test', { kind: 'address', address: 'moved@target.test' });
    const here = must(one.world.mailboxes[0], 'a mailbox').address;
    const answer = await ask({
      path: '/autodiscover/autodiscover.svc',
      body: soap(here, 'moved@source.test', 'nobody@source.test'),
    });
    expect([...answer.text.matchAll(/<UserResponse><ErrorCode>(\w+)</g)].map((match) => match[1])).toEqual([
      'NoError',
      'RedirectAddress',
      'InvalidUser',
    ]);
    expect(answer.text).toContain(
      '<Name>ExternalEwsUrl</Name><Value>https://mail.source.test/EWS/Exchange.asmx</Value>',
    );
    expect(answer.text).toContain('<SettingName>GroupingInformation</SettingName>');
    expect(parseXmlBytes(answer.text).root.name).toBe('Envelope');
    const old = start({ organizations: [{ name: 'source', version: '2007' }] });
    expect((await old.ask({ path: '/autodiscover/autodiscover.svc', body: soap('x@source.test') })).status).toBe(404);
  });

  test('plain HTTP sends to the encrypted front, which wants a sign-in', async () => {
    const { connect } = start();
    const get = async (origin: string, path = pox) =>
      (await connect(origin)).request({ method: 'GET', path, headers: {}, body: null }, never);
    const plain = await get('http://autodiscover.source.test');
    expect([plain.status, plain.headers['location']]).toEqual([
      302,
      'https://mail.source.test/autodiscover/autodiscover.xml',
    ]);
    expect((await get('https://autodiscover.source.test')).status).toBe(401);
    expect(
      (
        await get(
          'https://autodiscover.source.test',
          '/autodiscover/autodiscover.json?Email=x@source.test&Protocol=EWS',
        )
      ).status,
    ).toBe(200);
  });
});
