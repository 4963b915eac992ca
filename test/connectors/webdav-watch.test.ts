/** The whole WebDAV connector against a whole lab, over real sockets: what somebody does in a mailbox is heard. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { WatchEvent } from '#connectors/contract.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { davClient } from '#connectors/webdav/client.ts';
import { davHttp } from '#connectors/webdav/http-client.ts';
import { davMailbox } from '#connectors/webdav/mailbox.ts';
import { davWatch } from '#connectors/webdav/watch.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { systemRandom } from '#kit/random.ts';
import { createLab } from '#lab/lab.ts';

test('what people do is heard, mailbox by mailbox, signed in by NTLM over TLS', { timeout: 60_000 }, async () => {
  const lab = createLab({
    organizations: [{ name: 'source', version: '2003' }],
    mailboxes: 2,
    items: 40,
    throttling: 'off',
  });
  const spoolDir = mkdtempSync(join(tmpdir(), 'causeway-watch-'));
  const [org] = (await lab.listen()).orgs;
  const { ca, admin, mailboxes, webdav } = must(org, 'an organization');
  const endpoint = must(webdav, 'Exchange 2003 speaks WebDAV');
  const tls = { ca: [readFileSync(ca, 'utf8')], min: '1.2' } as const;
  const around = { clock: systemClock, random: systemRandom, transport: undiciTransport(), tls };
  const signIn = createSignIn({ method: 'ntlm', user: admin.user, password: async () => admin.password }, around);
  const http = davHttp({ ...around, endpoint, signIn });
  const client = davClient({ http, clock: systemClock, spoolDir });
  const base = new URL(endpoint).pathname;
  const boxes = new Map(
    mailboxes.map(({ address }) => [
      address,
      davMailbox({ client, address, base, clock: systemClock, random: systemRandom }),
    ]),
  );
  const boxOf = (address: string) => must(boxes.get(address), 'a mailbox');
  const watch = davWatch({
    clock: systemClock,
    random: systemRandom,
    requestsOf: (address) => boxOf(address).requests,
    foldersOf: async (address, context) => (await boxOf(address).mailbox.tree(context)).folders.map(({ id }) => id),
    pollEveryMs: 100,
  });
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  const reading = (async () => {
    for await (const event of watch([...boxes.keys()], stop.signal)) events.push(event);
  })();
  const heard = (kind: WatchEvent['kind']) => new Set(events.flatMap((e) => (e.kind === kind ? [e.address] : [])));
  const until = async (what: string, condition: () => boolean) => {
    for (let n = 0; n < 400; n++) {
      if (condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`${what} did not happen: ${JSON.stringify(events)}`);
  };
  try {
    await until('the beginning', () => heard('missed').size === 2);
    const context = { signal: stop.signal, deadlineMs: systemClock.monotonicMs() + 30_000 };
    expect([...heard('changed')]).toEqual([]);
    const [first, second] = [...boxes.keys()] as [string, string];
    const { mailbox } = boxOf(first);
    const inbox = must((await mailbox.roles(context)).get('inbox'), 'an inbox');
    const page = await mailbox.changes(inbox, null, context);
    const [change] = page.changes;
    if (change?.kind !== 'upsert') throw new Error('the inbox is empty');
    const { id, version } = change.head;
    await mailbox.update([{ id, expect: version, set: { flagStatus: 2 }, readReceiptRequested: false }], context);
    await until('a change', () => heard('changed').has(first));
    expect(events.find((e) => e.kind === 'changed')).toMatchObject({ address: first, folder: inbox });
    expect(heard('changed').has(second)).toBe(false);
    expect(heard('unwatchable').size).toBe(0);
    expect((await mailbox.ping(context)).product).toMatch(/^Exchange 2003/);
  } finally {
    stop.abort();
    await reading;
    http.close();
    await lab.close();
    rmSync(spoolDir, { recursive: true, force: true });
  }
});
