import { describe, expect, test } from 'vitest';
import { graphConnector } from '#connectors/graph/connector.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { createSignIn, type OAuthSettings } from '#connectors/sign-in/sign-in.ts';
import { must } from '#kit/assert.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { migrationRoles } from '#lab/graph/permissions.ts';
import { createLab } from '#lab/lab.ts';

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
  const connect = (given: Partial<OAuthSettings> & { readonly secret?: string } = {}) => {
    const { secret = must(application.secrets[0], 'a secret'), ...settings } = given;
    const surroundings = { clock, random: seededRandom('tokens'), transport: lab.transport(), tls };
    const endpoint = `https://graph.${domain}`;
    const signIn = createSignIn(
      {
        method: 'oauth',
        tenant: domain,
        clientId: application.clientId,
        credential: { kind: 'secret', secret: async () => secret },
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
  return { clock, first, second, connect, context };
}

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
});
