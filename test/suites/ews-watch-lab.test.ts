/** The whole EWS connector against a whole lab: what somebody does in a mailbox is heard. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { WatchEvent } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { systemClock } from '#kit/clock.ts';
import { systemRandom } from '#kit/random.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import { createLab, type Lab, withEws } from '#lab/lab.ts';
import type { EwsVersion } from '#lab/seams.ts';

let lab: Lab | null = null;
const spoolDir = mkdtempSync(join(tmpdir(), 'causeway-watch-'));
afterEach(async () => {
  await lab?.close();
  lab = null;
  rmSync(spoolDir, { recursive: true, force: true });
});

/** Watches the mailboxes of a lab, so many at a time on each connection. */
async function watching(version: EwsVersion, mailboxes: number, perWatch: number) {
  lab = createLab({ organizations: [{ name: 'source', version }], mailboxes, items: 60, throttling: 'off' });
  const org = withEws((await lab.listen()).orgs[0]);
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
  const { watch } = connector;
  if (!watch) throw new Error('the connector cannot watch');
  const reading: Promise<void>[] = [];
  for (let at = 0; at < addresses.length; at += perWatch)
    reading.push(
      (async () => {
        for await (const event of watch(addresses.slice(at, at + perWatch), stop.signal)) events.push(event);
      })(),
    );
  return {
    lab,
    addresses,
    events,
    heard: (kind: WatchEvent['kind']) => new Set(events.flatMap((e) => (e.kind === kind ? [e.address] : []))),
    async until(what: string, condition: () => boolean | Promise<boolean>) {
      for (let n = 0; n < 300; n++) {
        if (await condition()) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`${what} did not happen: ${JSON.stringify(events)}`);
    },
    async end() {
      stop.abort();
      await Promise.all(reading);
      await connector.close();
      http.close();
    },
  };
}

test.each<EwsVersion>(['2010', '2016'])('%s: what somebody does in a mailbox is heard', async (version) => {
  const it = await watching(version, 3, 3);
  try {
    await it.until('the beginning', () => it.heard('missed').size === 3);
    await it.lab.act('source', 30);
    await it.until('a change', () => it.heard('changed').size > 0);
    for (const { address } of it.events) expect(it.addresses).toContain(address);
    expect(it.heard('unwatchable').size).toBe(0);
  } finally {
    await it.end();
  }
  expect(it.lab.failures).toEqual([]);
}, 30_000);

test('of many groups each has a connection', async () => {
  const it = await watching('2016', 12, 1);
  try {
    await it.until('the beginning', () => it.heard('missed').size === 12);
    await it.until('a change in each mailbox', async () => {
      await it.lab.act('source', 30);
      return it.heard('changed').size === 12;
    });
  } finally {
    await it.end();
  }
}, 30_000);
