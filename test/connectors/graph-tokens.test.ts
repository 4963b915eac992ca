import { describe, expect, test } from 'vitest';
import { graphConnector } from '#connectors/graph/connector.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { createSignIn, type OAuthSettings } from '#connectors/sign-in/sign-in.ts';
import { must } from '#kit/assert.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { HttpRequest, Transport } from '#kit/transport.ts';
import { graphStateOf } from '#lab/graph/graph-state.ts';
import { migrationRoles } from '#lab/graph/permissions.ts';
import { createLab } from '#lab/lab.ts';
import { mailDraft } from './graph-mail.fixture.ts';

const tls = { ca: [], min: '1.2' } as const;
const scopedId = '5c0bed00-0000-4000-8000-000000000001';
const bareId = '5c0bed00-0000-4000-8000-000000000002';

/** A tenant of two mailboxes, and applications: one that may everything, one for a single mailbox, one for nothing. */
function tenant() {
  const clock = new SteppingClock(1_700_000_000_000);
  const scoped = { roles: ['Mail.ReadWrite', 'Calendars.ReadWrite'], mailboxes: [] as string[] };
  const elsewhere = migrationRoles.filter((role) => role !== 'Mail.ReadWrite');
  const lab = createLab({
    organizations: [
      {
        name: 'lab',
        version: 'online',
        applications: [
          { clientId: scopedId, secrets: ['s'], certificates: [], roles: elsewhere, scoped },
          { clientId: bareId, secrets: ['s'], certificates: [], roles: [] },
        ],
      },
    ],
    mailboxes: 2,
    clock,
  });
  const { domain, world, applications } = lab.organization('lab');
  const [first = '', second = ''] = world.mailboxes.map(({ address }) => address);
  scoped.mailboxes.push(first);
  const application = must(applications[0], 'an application');
  const own = must(application.secrets[0], 'a secret');
  /** Told of each request before it is sent. */
  const heard: { before: (request: HttpRequest) => void } = { before: () => {} };
  const inner = lab.transport();
  const transport: Transport = {
    async connect(...to) {
      const connection = await inner.connect(...to);
      return {
        channelBinding: connection.channelBinding,
        get usable() {
          return connection.usable;
        },
        request(request, signal) {
          heard.before(request);
          return connection.request(request, signal);
        },
        close: () => connection.close(),
      };
    },
  };
  const connect = (given: Partial<OAuthSettings> & { readonly secret?: string | (() => string) } = {}) => {
    const { secret = own, ...settings } = given;
    const surroundings = { clock, random: seededRandom('tokens'), transport, tls };
    const endpoint = `https://graph.${domain}`;
    const signIn = createSignIn(
      {
        method: 'oauth',
        tenant: domain,
        clientId: application.clientId,
        credential: { kind: 'secret', secret: async () => (typeof secret === 'string' ? secret : secret()) },
        authority: `https://login.${domain}`,
        scope: `${endpoint}/.default`,
        ...settings,
      },
      surroundings,
    );
    const http = graphHttp({ ...surroundings, endpoint, signIn });
    const importHosts = [`outlook.${domain}`];
    return graphConnector({ organization: 'lab', http, endpoint, clock, random: surroundings.random, importHosts });
  };
  const context = () => ({ signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 60_000 });
  return {
    clock,
    first,
    second,
    connect,
    context,
    heard,
    graph: graphStateOf(world),
    /** What an administrator keeps in Entra. */
    secrets: application.secrets as string[],
    clientId: application.clientId,
    subjects: () =>
      [...must(world.mailbox(first), 'a mailbox').folder('inbox').items()]
        .map(({ content }) => subjectOf(content))
        .sort(),
  };
}

const subjectOf = ({ properties }: { readonly properties: ReadonlyMap<string, { readonly value: unknown }> }) =>
  String(properties.get('0x0037')?.value ?? '');

const letters = (count: number) =>
  Array.from({ length: count }, (_, n) => mailDraft(`Subject: letter ${n}\r\n\r\nbody ${n}\r\n`));
const named = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `letter ${n}`).sort();

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('signing in to Exchange Online', () => {
  test('a token that has expired is replaced, and nothing is lost', async () => {
    const { clock, first, connect, context } = tenant();
    const box = connect().mailbox(first);
    const before = await box.tree(context());
    clock.advance(3 * 3_600_000);
    expect((await box.tree(context())).folders).toHaveLength(before.folders.length);
  });

  test('another tenant is named as such, with what to do', async () => {
    const { first, connect, context } = tenant();
    const fault = await faultOf(connect({ tenant: 'other.example' }).mailbox(first).tree(context()));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'auth', detail: expect.stringContaining('signIn.tenant') });
  });

  test('a secret that is no more good is named as such', async () => {
    const { first, connect, context } = tenant();
    const fault = await faultOf(connect({ secret: 'wrong' }).mailbox(first).tree(context()));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'auth', detail: expect.stringContaining('secret') });
  });

  test('an application without permissions is told what may be missing', async () => {
    const { first, connect, context } = tenant();
    const fault = await faultOf(connect({ clientId: bareId, secret: 's' }).mailbox(first).tree(context()));
    expect(fault).toMatchObject({
      kind: 'fatal',
      code: 'access-denied',
      detail: expect.stringContaining('permission'),
    });
  });

  test('one that is scoped to a group reaches its mailboxes, and another mailbox is refused', async () => {
    const { first, second, connect, context } = tenant();
    const connector = connect({ clientId: scopedId, secret: 's' });
    const read = async (address: string) => {
      const box = connector.mailbox(address);
      const inbox = must((await box.roles(context())).get('inbox'), 'an inbox');
      return box.changes(inbox, null, context());
    };
    expect((await read(first)).complete).toBe(true);
    expect(await faultOf(read(second))).toMatchObject({ kind: 'fatal', code: 'access-denied' });
  });

  test('a token that is revoked in the middle of a batch is replaced, and nothing is lost or made twice', async () => {
    const { clock, first, connect, context, graph, clientId, heard, subjects } = tenant();
    const box = connect().mailbox(first);
    const inbox = must((await box.roles(context())).get('inbox'), 'an inbox');
    const before = (await box.create(inbox, letters(2), context())).filter((one) => !isFault(one));
    expect(before).toHaveLength(2);
    clock.advance(5_000);
    let imports = 0;
    heard.before = ({ path }) => {
      // The token of what opens the way was good; then an administrator takes it away.
      if (path.includes('importItem') && ++imports === 1) graph.revokeTokens(clientId);
    };
    const more = letters(5).slice(2);
    expect((await box.create(inbox, more, context())).filter(isFault)).toEqual([]);
    expect((await box.changes(inbox, null, context())).changes).toHaveLength(5);
    expect(subjects()).toEqual(named(5));
  });

  test('one that is revoked for good is named as such; what was made is told, and later the rest follows', async () => {
    const { clock, first, connect, context, graph, clientId, heard, subjects } = tenant();
    const connector = connect();
    const box = connector.mailbox(first);
    const inbox = must((await box.roles(context())).get('inbox'), 'an inbox');
    clock.advance(5_000);
    heard.before = ({ path }) => {
      if (path.includes('importItem')) graph.revokeTokens(clientId, 'forever');
    };
    const all = letters(4);
    // An import carries its own authorization: what was begun ends well, and under which id is asked with a token that is none.
    const answers = await box.create(inbox, all, context());
    for (const answer of answers)
      expect(!isFault(answer) || answer.kind === 'fatal' || answer.kind === 'transient').toBe(true);
    const fault = await faultOf(box.tree(context()));
    expect(fault).toMatchObject({
      kind: 'fatal',
      code: 'auth',
      detail: expect.stringContaining('by OAuth (HTTP 401)'),
    });
    expect(fault).toMatchObject({ detail: expect.stringContaining('application') });
    // The administrator gives it back. Whoever comes again looks by the stamps first, and makes what is not there.
    heard.before = () => {};
    graph.restoreTokens(clientId);
    const there = await box.findByStamp(
      inbox,
      all.map(({ stamp }) => stamp),
      context(),
    );
    const open = all.filter(({ stamp }) => !there.has(stamp));
    expect((await box.create(inbox, open, context())).filter(isFault)).toEqual([]);
    expect(subjects()).toEqual(named(4));
  });

  test('a client secret that is rotated in the middle of a run is read anew when the next token is due', async () => {
    const { clock, first, connect, context, secrets, subjects } = tenant();
    let kept = must(secrets[0], 'a secret');
    const box = connect({ secret: () => kept }).mailbox(first);
    const inbox = must((await box.roles(context())).get('inbox'), 'an inbox');
    const all = letters(6);
    await box.create(inbox, all.slice(0, 2), context());
    secrets.splice(0, 1, 'the next secret');
    // The token lives on.
    expect((await box.create(inbox, all.slice(2, 4), context())).filter(isFault)).toEqual([]);
    clock.advance(3 * 3_600_000);
    // Nobody renewed the reference yet.
    const fault = await faultOf(box.changes(inbox, null, context()));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'auth', detail: expect.stringContaining('AADSTS7000215') });
    kept = 'the next secret';
    expect((await box.create(inbox, all.slice(4), context())).filter(isFault)).toEqual([]);
    expect(subjects()).toEqual(named(6));
  });
});
