import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { type ProbeResult, probe } from '#jobs/probe.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
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
    expect(meetings).toHaveLength(6);
    expect(meetings.filter(({ outcome }) => outcome !== 'as-assumed')).toEqual([]);
    expect(lab.outbox.entries.length).toBe(0);
    http.close();
  } finally {
    await lab.close();
    rmSync(spoolDir, { recursive: true, force: true });
  }
});
