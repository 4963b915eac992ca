/** The whole EWS connector against a whole lab: what somebody does in a mailbox is heard. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { WatchEvent } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/ews/sign-in.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { systemClock } from '#kit/clock.ts';
import { systemRandom } from '#kit/random.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import type { LabVersion } from '#lab/seams.ts';

let lab: Lab | null = null;
const spoolDir = mkdtempSync(join(tmpdir(), 'causeway-watch-'));
afterEach(async () => {
  await lab?.close();
  lab = null;
  rmSync(spoolDir, { recursive: true, force: true });
});

test.each<LabVersion>(['2010', '2016'])('%s: what somebody does in a mailbox is heard', async (version) => {
  lab = createLab({ organizations: [{ name: 'source', version }], mailboxes: 3, items: 60, throttling: 'off' });
  const [org] = (await lab.listen()).orgs;
  if (!org) throw new Error('no organization');
  const clock = systemClock;
  const random = systemRandom;
  const transport = undiciTransport();
  const tls: TlsPolicy = { ca: [readFileSync(org.ca, 'utf8')], min: '1.2' };
  const signIn = createSignIn(
    { method: 'ntlm', user: org.admin.user, password: async () => org.admin.password },
    { clock, random, transport, tls },
  );
  const http = ewsHttp({ transport, clock, random, endpoint: org.ews, tls, signIn });
  const connector = ewsConnector({ organization: 'source', http, impersonate: true, clock, random, spoolDir });
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  const addresses = org.mailboxes.map((mailbox) => mailbox.address);
  const watch = connector.watch;
  if (!watch) throw new Error('the connector cannot watch');
  const reading = (async () => {
    for await (const event of watch(addresses, stop.signal)) events.push(event);
  })();
  const until = async (what: string, condition: () => boolean) => {
    for (let n = 0; n < 300; n++) {
      if (condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${what} did not happen: ${JSON.stringify(events)}`);
  };
  const count = (kind: WatchEvent['kind']) => events.filter((event) => event.kind === kind).length;
  try {
    await until('the beginning', () => count('missed') === 3);
    await lab.act('source', 30);
    await until('a change', () => count('changed') > 0);
    expect(new Set(events.map((event) => addresses.includes(event.address)))).toEqual(new Set([true]));
    expect(count('unwatchable')).toBe(0);
  } finally {
    stop.abort();
    await reading;
    await connector.close();
    http.close();
  }
  expect(lab.failures).toEqual([]);
}, 30_000);
