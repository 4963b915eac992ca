import { describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { systemRandom } from '#kit/random.ts';
import type { Connection, HttpRequest, HttpResponse, Transport } from '#kit/transport.ts';
import { createSignIn } from '../../sign-in/sign-in.ts';
import { type AutodiscoverOptions, autodiscover } from './autodiscover.ts';

type Site = (
  request: HttpRequest,
  signedIn: boolean,
) => { readonly status: number; readonly headers?: HttpResponse['headers']; readonly body?: string };

/** Sites by `scheme://host:port`; others are not in DNS. Remembers who was asked, and who was given credentials. */
function world(sites: Record<string, Site | Fault>) {
  const asked: string[] = [];
  const trusted = new Set<string>();
  const transport: Transport = {
    async connect(origin): Promise<Connection> {
      const site = sites[origin];
      if (site === undefined)
        throw new FaultError({
          kind: 'transient',
          detail: `${origin}: the name is not in DNS (ENOTFOUND)`,
          mayHaveHappened: false,
        });
      if (typeof site !== 'function') throw new FaultError(site);
      return {
        channelBinding: null,
        usable: true,
        close() {},
        async request(request) {
          const signedIn = request.headers['authorization'] !== undefined;
          if (signedIn) trusted.add(origin);
          asked.push(`${signedIn ? '*' : ''}${request.method} ${origin.replace(/:(443|80)$/, '')}${request.path}`);
          const { status, headers = {}, body = '' } = site(request, signedIn);
          return {
            status,
            headers,
            body: (async function* () {
              yield Buffer.from(body);
            })(),
          };
        },
      };
    },
  };
  const surroundings = { clock: systemClock, random: systemRandom, transport, tls: { ca: [], min: '1.2' } as const };
  const signIn = createSignIn({ method: 'basic', user: 'ana', password: async () => 'x' }, surroundings);
  const find = (address: string, more: Partial<AutodiscoverOptions> = {}) =>
    autodiscover(
      address,
      {
        ...surroundings,
        signIn,
        resolveSrv: async () => {
          throw Object.assign(new Error('x'), { code: 'ENOTFOUND' });
        },
        ...more,
      },
      { signal: new AbortController().signal, deadlineMs: systemClock.monotonicMs() + 10_000 },
    );
  return { asked, trusted, find };
}

const challenge = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
const account = (inner: string) =>
  `<Autodiscover xmlns="a"><Response xmlns="b"><Account>${inner}</Account></Response></Autodiscover>`;
const settings = (url: string) =>
  account(`<Action>settings</Action><Protocol><Type>EXPR</Type><EwsUrl>${url}</EwsUrl></Protocol>`);
const notFound: Site = () => ({ status: 404 });
const webSite: Site = () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html/>' });
/** POX only, as Exchange 2007. */
const pox =
  (body: string): Site =>
  (request, signedIn) =>
    !request.path.endsWith('.xml') ? { status: 404 } : signedIn ? { status: 200, body } : challenge;

async function faultOf(work: Promise<unknown>): Promise<Fault & { readonly detail: string }> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof FaultError)) throw new Error(`expected a fault, got ${error}`);
  return error.fault as Fault & { readonly detail: string };
}

const ews = 'https://mail.contoso.test/EWS/Exchange.asmx';

describe('the documented order', () => {
  test('the domain, then its host autodiscover, SOAP before POX; the web site gets no password', async () => {
    const { asked, trusted, find } = world({
      'https://contoso.test:443': webSite,
      'https://autodiscover.contoso.test:443': pox(settings(ews)),
    });
    const found = await find('ana@contoso.test');
    expect(found).toMatchObject({ ewsUrls: [ews], address: 'ana@contoso.test' });
    expect(asked).toEqual([
      'POST https://contoso.test/autodiscover/autodiscover.svc',
      'POST https://contoso.test/autodiscover/autodiscover.xml',
      'POST https://autodiscover.contoso.test/autodiscover/autodiscover.svc',
      'POST https://autodiscover.contoso.test/autodiscover/autodiscover.xml',
      '*POST https://autodiscover.contoso.test/autodiscover/autodiscover.xml',
    ]);
    expect([...trusted]).toEqual(['https://autodiscover.contoso.test:443']);
    expect(found.steps.map((step) => step.outcome)).toEqual([
      'protocol: a web page, not Autodiscover',
      'protocol: a web page, not Autodiscover',
      'protocol: HTTP 404 where it should ask for credentials',
      'answered',
    ]);
  });

  test('then the redirect over http, to a host of the domain', async () => {
    const { asked, find } = world({
      'http://autodiscover.contoso.test:80': () => ({
        status: 302,
        headers: { location: 'https://owa.contoso.test/autodiscover/autodiscover.xml' },
      }),
      'https://owa.contoso.test:443': pox(settings(ews)),
    });
    expect((await find('ana@contoso.test')).ewsUrls).toEqual([ews]);
    expect(asked[0]).toBe('GET http://autodiscover.contoso.test/autodiscover/autodiscover.xml');
  });

  test('then the SRV record, lowest priority first', async () => {
    const { asked, find } = world({
      'https://b.contoso.test:8443': pox(settings(ews)),
      'https://a.contoso.test:443': notFound,
    });
    const records = [
      { name: 'b.contoso.test', port: 8443, priority: 2, weight: 0 },
      { name: 'a.contoso.test', port: 443, priority: 1, weight: 0 },
    ];
    expect((await find('ana@contoso.test', { resolveSrv: async () => records })).ewsUrls).toEqual([ews]);
    expect(asked.at(-1)).toBe('*POST https://b.contoso.test:8443/autodiscover/autodiscover.xml');
    expect(asked[0]).toContain('https://a.contoso.test');
  });

  test('or only the address of the project file', async () => {
    const { asked, find } = world({ 'https://mail.contoso.test:443': pox(settings(ews)) });
    await find('ana@elsewhere.test', {
      server: 'https://mail.contoso.test/autodiscover/autodiscover.xml',
      redirectHosts: [],
    });
    expect(asked).toHaveLength(2);
    await find('ana@elsewhere.test', { server: 'mail.contoso.test' });
    expect(asked).toHaveLength(5);
  });
});

describe('redirects', () => {
  test('to another address are followed when its domain is allowed', async () => {
    const { find } = world({
      'https://contoso.test:443': pox(
        account('<Action>redirectAddr</Action><RedirectAddr>ana@fabrikam.test</RedirectAddr>'),
      ),
      'https://autodiscover.fabrikam.test:443': pox(settings('https://mail.fabrikam.test/EWS/Exchange.asmx')),
    });
    expect(await find('ana@contoso.test', { redirectHosts: ['*.fabrikam.test'] })).toMatchObject({
      address: 'ana@fabrikam.test',
    });
    const fault = await faultOf(find('ana@contoso.test'));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'redirect' });
    expect(fault.detail).toContain('add it to redirectHosts');
  });

  test('in a circle of addresses, and in a circle of services', async () => {
    const back = pox(account('<Action>redirectAddr</Action><RedirectAddr>ANA@contoso.test</RedirectAddr>'));
    expect(await faultOf(world({ 'https://contoso.test:443': back }).find('ana@contoso.test'))).toMatchObject({
      kind: 'fatal',
      code: 'redirect',
    });
    const self = pox(
      account(
        '<Action>redirectUrl</Action><RedirectUrl>https://contoso.test/autodiscover/autodiscover.xml</RedirectUrl>',
      ),
    );
    const { asked, find } = world({ 'https://contoso.test:443': self });
    expect((await faultOf(find('ana@contoso.test'))).detail).toContain('in a circle');
    expect(asked.length).toBeLessThan(10);
  });

  test('without end are ended', async () => {
    let n = 0;
    const endless: Site = () => ({ status: 302, headers: { location: `https://contoso.test/${n++}.xml` } });
    const { asked, find } = world({ 'https://contoso.test:443': endless });
    expect((await faultOf(find('ana@contoso.test'))).kind).toBe('fatal');
    expect(asked.length).toBeLessThan(20);
  });

  test('to another host or to http get no question', async () => {
    for (const location of [
      'https://evil.test/autodiscover/autodiscover.xml',
      'http://contoso.test/autodiscover/autodiscover.xml',
    ]) {
      const { asked, trusted, find } = world({
        'http://autodiscover.contoso.test:80': () => ({ status: 302, headers: { location } }),
        'https://evil.test:443': pox(settings(ews)),
        'http://contoso.test:80': pox(settings(ews)),
      });
      expect((await faultOf(find('ana@contoso.test'))).detail).toContain('not asked');
      expect([asked.length, trusted.size]).toEqual([1, 0]);
    }
  });

  test('an EWS address elsewhere is refused', async () => {
    const { find } = world({ 'https://contoso.test:443': pox(settings('https://evil.test/EWS/Exchange.asmx')) });
    expect(await faultOf(find('ana@contoso.test'))).toMatchObject({ kind: 'fatal', code: 'redirect' });
    expect((await find('ana@contoso.test', { redirectHosts: ['evil.test'] })).ewsUrls).toEqual([
      'https://evil.test/EWS/Exchange.asmx',
    ]);
  });
});

describe('failures list every address and why it did not do', () => {
  test('nothing in DNS', async () => {
    const fault = await faultOf(world({}).find('ana@contoso.test'));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'protocol' });
    for (const words of [
      '1) https://contoso.test/autodiscover/autodiscover.svc',
      'not in DNS',
      '5) http://autodiscover.contoso.test',
      'DNS SRV _autodiscover._tcp.contoso.test: no record (ENOTFOUND)',
      'service connection point',
      'Give endpoint',
    ])
      expect(fault.detail).toContain(words);
  });

  test('a wrong password is tried at two hosts, once each', async () => {
    const { asked, find } = world({
      'https://contoso.test:443': () => challenge,
      'https://autodiscover.contoso.test:443': () => challenge,
    });
    expect(await faultOf(find('ana@contoso.test'))).toMatchObject({ kind: 'fatal', code: 'auth' });
    expect(asked.filter((line) => line.startsWith('*'))).toEqual([
      '*POST https://contoso.test/autodiscover/autodiscover.svc',
      '*POST https://autodiscover.contoso.test/autodiscover/autodiscover.svc',
    ]);
  });

  test('a mailbox that is not there', async () => {
    const { find } = world({
      'https://contoso.test:443': pox(account('<Error><ErrorCode>500</ErrorCode><Message>not found</Message></Error>')),
    });
    expect(await faultOf(find('ana@contoso.test'))).toMatchObject({ kind: 'fatal', code: 'mailbox-gone' });
  });

  test('a server that may be back', async () => {
    const { find } = world({
      'https://autodiscover.contoso.test:443': {
        kind: 'transient',
        detail: 'no connection within 30000 ms',
        mayHaveHappened: false,
      },
    });
    expect(await faultOf(find('ana@contoso.test'))).toMatchObject({ kind: 'transient' });
  });

  test('certificates', async () => {
    const { find } = world({
      'https://autodiscover.contoso.test:443': { kind: 'fatal', code: 'tls', detail: 'another name' },
    });
    expect(await faultOf(find('ana@contoso.test'))).toMatchObject({ kind: 'fatal', code: 'tls' });
  });

  test('entities, garbage, and too much', async () => {
    for (const body of ['<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', 'garbage', '', `<x>${'y'.repeat(2_000_000)}</x>`]) {
      const { find } = world({ 'https://contoso.test:443': pox(body) });
      expect((await faultOf(find('ana@contoso.test'))).kind).toBe('fatal');
    }
  });

  test('no address', async () => {
    for (const address of ['ana', '@contoso.test', 'ana@', 'ana@con toso'])
      expect(await faultOf(world({}).find(address))).toMatchObject({ kind: 'fatal', code: 'config' });
  });
});
