import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { graphConnector } from '#connectors/graph/connector.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { type ProbeResult, probe } from '#jobs/probe/probe.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { graphStateOf } from '#lab/graph/graph-state.ts';
import { createLab } from '#lab/lab.ts';
import { ewsVersions } from '#lab/seams.ts';

const tls = { ca: [], min: '1.2' } as const;

/** What we rely on about meetings is true of the lab, which is where everything else is tested. */
test.each(ewsVersions)('the experiments with meetings are as assumed on %s', async (version) => {
  const clock = new SteppingClock(1_700_000_000_000);
  const lab = createLab({ organizations: [{ name: 'lab', version }], mailboxes: 2, clock, throttling: 'off' });
  const spoolDir = mkdtempSync(join(tmpdir(), 'causeway-probe-'));
  try {
    const { domain, world } = lab.organization('lab');
    const [first, second] = world.mailboxes.map(({ address }) => address);
    const random = seededRandom(`probe ${version}`);
    const surroundings = { clock, random, transport: lab.transport(), tls };
    const { user, password } = world.admin;
    const http = ewsHttp({
      ...surroundings,
      endpoint: `https://mail.${domain}/EWS/Exchange.asmx`,
      signIn: createSignIn({ method: 'basic', user, password: async () => password }, surroundings),
      compress: false,
    });
    const connector = ewsConnector({ organization: 'lab', http, impersonate: true, clock, random, spoolDir });
    const results: ProbeResult[] = [];
    const services = { connector, clock, random, requestDeadlineMs: 600_000, receiptMs: 1, markMs: 2_000 };
    const addresses = [must(first, 'a mailbox'), must(second, 'another one')] as const;
    for await (const result of probe(services, addresses, new AbortController().signal)) results.push(result);
    const meetings = results.filter(({ behaviour }) => /meeting|occurrences|pattern/i.test(behaviour));
    expect(meetings).toHaveLength(7);
    expect(meetings.filter(({ outcome }) => outcome !== 'as-assumed')).toEqual([]);
    expect(lab.outbox.entries.length).toBe(0);
    http.close();
  } finally {
    await lab.close();
    rmSync(spoolDir, { recursive: true, force: true });
  }
});

/** The same for Exchange Online, where nearly all of what we rely on about imports is documented nowhere. */
test('everything is as assumed on Exchange Online over the Graph', async () => {
  const clock = new SteppingClock(1_700_000_000_000);
  const lab = createLab({
    organizations: [{ name: 'lab', version: 'online' }],
    mailboxes: 2,
    clock,
    throttling: 'off',
  });
  try {
    const { domain, world, applications } = lab.organization('lab');
    const [first, second] = world.mailboxes.map(({ address }) => address);
    const surroundings = { clock, random: seededRandom('probe online'), transport: lab.transport(), tls };
    const endpoint = `https://graph.${domain}`;
    const { clientId, secrets } = must(applications[0], 'an application');
    const signIn = createSignIn(
      {
        method: 'oauth',
        tenant: domain,
        clientId,
        credential: { kind: 'secret', secret: async () => must(secrets[0], 'a secret') },
        authority: `https://login.${domain}`,
        scope: `${endpoint}/.default`,
      },
      surroundings,
    );
    const http = graphHttp({ ...surroundings, endpoint, signIn });
    const importHosts = [`outlook.${domain}`];
    const { random } = surroundings;
    const connector = graphConnector({ organization: 'lab', http, endpoint, clock, random, importHosts });
    const services = { connector, clock, random, requestDeadlineMs: 600_000, receiptMs: 1, markMs: 2_000 };
    const addresses = [must(first, 'a mailbox'), must(second, 'another one')] as const;
    const tell = async (): Promise<readonly ProbeResult[]> => {
      const results: ProbeResult[] = [];
      for await (const result of probe(services, addresses, new AbortController().signal)) results.push(result);
      return results;
    };
    const results = await tell();
    expect(results.filter(({ outcome }) => outcome !== 'as-assumed')).toEqual([]);
    expect(results.length).toBeGreaterThanOrEqual(17);
    expect(lab.outbox.entries.length).toBe(0);
    // Where the service is another one than assumed, it says so.
    graphStateOf(world).configure({ attachmentsToDraftsOnly: true });
    const otherwise = (await tell()).filter(({ outcome }) => outcome !== 'as-assumed');
    expect(otherwise).toMatchObject([
      { behaviour: expect.stringContaining('4 MB'), outcome: 'undecided', detail: expect.stringContaining('draft') },
    ]);
    http.close();
  } finally {
    await lab.close();
  }
});
