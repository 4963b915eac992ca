/** What goes wrong below SOAP, over real sockets: certificates, headers, and servers that are none. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { type Handler, serve, type TestServer } from '#connectors/http/tls-server.fixture.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { systemClock as clock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { systemRandom as random } from '#kit/random.ts';
import { type EwsAddresses, withEws } from '#lab/lab.ts';
import { projectJsonSchema } from '#project/json-schema.ts';
import { BadWorld, contents, mail, type SideName } from './bad-world.fixture.ts';

let world: BadWorld;
const servers: TestServer[] = [];
const clients: { close(): void }[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) await server.close();
  await world.close();
});

const transport = undiciTransport();

function connector(organization: SideName, endpoint: string, ca: readonly string[], password: string): Connector {
  const tls = { ca, min: '1.2' } as const;
  const { user } = world.lab.organization(organization).world.admin;
  const signIn = createSignIn(
    { method: 'basic', user, password: async () => password },
    { clock, random, transport, tls },
  );
  const http = ewsHttp({ transport, clock, random, endpoint, tls, signIn });
  clients.push(http);
  return ewsConnector({ organization, http, impersonate: true, clock, random, spoolDir: world.spoolDir });
}

async function start(...options: Parameters<typeof BadWorld.open>) {
  world = await BadWorld.open(...options);
  world.deliver(mail('one'));
  const { orgs } = await world.lab.listen();
  const addresses = (side: SideName): EwsAddresses => withEws(orgs.find(({ name }) => name === side));
  const authority = readFileSync(addresses('source').ca, 'utf8');
  const to = (side: SideName, ca: readonly string[]) =>
    connector(side, addresses(side).ews, ca, addresses(side).admin.password);
  return {
    authority,
    pass: (left: readonly string[], right: readonly string[]) =>
      world.pass(0, { left: to('source', left), right: to('target', right), clock }),
  };
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FaultError)) throw new Error('expected a fault', { cause: error });
  return error.fault;
}

const nobodySignedIn = (side: SideName) =>
  expect(world.lab.organization(side).traffic).toMatchObject({ signIns: {}, refusals: {} });

describe('certificates', () => {
  test.each([
    ['expired', /expired/],
    ['wrong-host', /another name/],
    ['self-signed', /signed by itself/],
  ] as const)('%s: refused as `tls` in words, on both sides, and no password is sent', async (certificate, words) => {
    for (const side of ['source', 'target'] as const) {
      const { authority, pass } = await start({ [side]: { certificate } });
      expect(await faultOf(pass([authority], [authority]))).toMatchObject({
        kind: 'fatal',
        code: 'tls',
        detail: expect.stringMatching(words),
      });
      nobodySignedIn(side);
      expect((await world.pairRow()).stoppedBecause).toMatch(/^tls: /);
      expect(contents(world.right())).toEqual([]);
      if (side === 'source') await world.close();
    }
  });

  test('of an unknown authority: refused; with the authority in tls.ca it works', async () => {
    const { authority, pass } = await start();
    expect(await faultOf(pass([], [authority]))).toMatchObject({
      kind: 'fatal',
      code: 'tls',
      detail: expect.stringContaining('tls.ca'),
    });
    nobodySignedIn('source');
    await pass([authority], [authority]);
    expect(contents(world.right())).toEqual(contents(world.left()));
    expect((await world.pairRow()).stoppedBecause).toBeNull();
  });

  test('the authority of somebody else does not help', async () => {
    const { authority, pass } = await start({ source: { certificate: 'self-signed' } });
    expect(await faultOf(pass([authority, authority], [authority]))).toMatchObject({ code: 'tls' });
  });

  test('a variable of the environment does not switch verification off', async () => {
    const { authority, pass } = await start();
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await faultOf(pass([], [authority]))).toMatchObject({ kind: 'fatal', code: 'tls' });
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });

  test('the project file has an authority and a lowest version for TLS, and nothing else', async () => {
    world = await BadWorld.open();
    const names: string[][] = [];
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [name, inner] of Object.entries(value)) {
        if (name === 'tls') names.push(Object.keys((inner as { readonly properties: object }).properties));
        if (name === 'properties')
          // `verifyEvery` and `verifyContents` say how often and how much of a person's copies is compared.
          for (const key of Object.keys(inner as object).filter((one) => !/^verify(Every|Contents)$/.test(one)))
            expect(key).not.toMatch(/insecure|skip|reject|verif|trustall|ignore/i);
        visit(inner);
      }
    };
    visit(JSON.parse(projectJsonSchema()));
    expect(names).toEqual([['ca', 'min']]);
  });
});

describe('servers that are none', () => {
  async function passAt(handler: Handler): Promise<Fault> {
    world = await BadWorld.open();
    world.deliver(mail('one'));
    const server = await serve(handler);
    servers.push(server);
    const left = connector('source', `${server.origin}/EWS/Exchange.asmx`, [], 'secret');
    const fault = await faultOf(world.pass(0, { left, clock }));
    expect(contents(world.right())).toEqual([]);
    return fault;
  }

  test.each([
    ['one huge header', (): Record<string, string> => ({ 'x-huge': 'x'.repeat(100_000) })],
    [
      'many headers',
      () => Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`x-${n}`, 'x'.repeat(60)] as const)),
    ],
  ])('%s: `protocol`', async (_how, headers) => {
    const fault = await passAt((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/xml', ...headers() }).end('<x/>');
    });
    expect(fault).toMatchObject({ kind: 'fatal', code: 'protocol', detail: expect.stringContaining('headers') });
  });

  test('no HTTP at all: transient, nothing is concluded from it', async () => {
    const fault = await passAt((request) => {
      request.socket.end('220 mail.elsewhere.test ESMTP\r\n');
    });
    expect(fault).toMatchObject({ kind: 'transient', detail: expect.stringContaining('not HTTP') });
  });

  test('another service: `protocol`', async () => {
    const fault = await passAt((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"value":[]}');
    });
    expect(fault).toMatchObject({ kind: 'fatal', code: 'protocol' });
  });

  test('a redirect to another server: refused as `redirect`; the password is not sent there', async () => {
    const heard: (string | undefined)[] = [];
    const elsewhere = await serve((request, response) => {
      heard.push(request.headers.authorization);
      response.end();
    });
    servers.push(elsewhere);
    const fault = await passAt((request, response) => {
      request.resume();
      response.writeHead(302, { location: `http://localhost:${elsewhere.port}/EWS/Exchange.asmx` }).end();
    });
    expect(fault).toMatchObject({ kind: 'fatal', code: 'redirect', detail: expect.stringContaining('redirectHosts') });
    expect(heard).toEqual([]);
    expect(elsewhere.connections()).toBe(0);
  });
});
