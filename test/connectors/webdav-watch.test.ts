/** The whole WebDAV connector against a whole lab, over real sockets: what somebody does in a mailbox is heard. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
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
import { Person } from '#lab/meetings/person.ts';
import type { FolderContent } from '#model/folder.ts';

const often = { fastMs: 100, slowMs: 100 };

/** A lab with two mailboxes, both watched, signed in by NTLM over TLS. */
async function watching(content?: readonly FolderContent[]) {
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
    mailboxOf: boxOf,
    pace: { calendars: often, marks: often, tree: often },
  });
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  const reading = (async () => {
    for await (const event of watch([...boxes.keys()], stop.signal, content && new Set(content))) events.push(event);
  })();
  const heard = (kind: WatchEvent['kind']) => new Set(events.flatMap((e) => (e.kind === kind ? [e.address] : [])));
  const until = async (what: string, condition: () => boolean) => {
    for (let n = 0; n < 400; n++) {
      if (condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`${what} did not happen: ${JSON.stringify(events)}`);
  };
  await until('the beginning', () => heard('missed').size === 2);
  const [first, second] = [...boxes.keys()] as [string, string];
  return {
    lab,
    events,
    heard,
    until,
    boxOf,
    first,
    second,
    context: { signal: stop.signal, deadlineMs: systemClock.monotonicMs() + 30_000 },
    asked: (operation: string) => lab.organization('source').traffic.operations[operation]?.carriedOut ?? 0,
    book: (address: string, subject: string) =>
      new Person(lab.meetings, must(lab.world.mailbox(address), 'a mailbox')).book(
        { subject, startMs: Date.UTC(2026, 4, 4, 9), endMs: Date.UTC(2026, 4, 4, 10) },
        'SendToNone',
      ),
    async close() {
      stop.abort();
      await reading;
      http.close();
      await lab.close();
      rmSync(spoolDir, { recursive: true, force: true });
    },
  };
}

describe('what people do is heard, mailbox by mailbox', { timeout: 60_000 }, () => {
  test('a mail, by the marks of its folder', async () => {
    const it = await watching();
    try {
      expect([...it.heard('changed')]).toEqual([]);
      const { mailbox } = it.boxOf(it.first);
      const inbox = must((await mailbox.roles(it.context)).get('inbox'), 'an inbox');
      const [change] = (await mailbox.changes(inbox, null, it.context)).changes;
      if (change?.kind !== 'upsert') throw new Error('the inbox is empty');
      const { id, version } = change.head;
      await mailbox.update([{ id, expect: version, set: { flagStatus: 2 }, readReceiptRequested: false }], it.context);
      await it.until('a change', () => it.heard('changed').has(it.first));
      expect(it.events.find((e) => e.kind === 'changed')).toMatchObject({ address: it.first, folder: inbox });
      expect(it.heard('changed').has(it.second)).toBe(false);
      expect(it.heard('unwatchable').size).toBe(0);
      expect((await mailbox.ping(it.context)).product).toMatch(/^Exchange 2003/);
    } finally {
      await it.close();
    }
  });

  test('an appointment, by a subscription to its calendar, of which alone is asked', async () => {
    const it = await watching(['calendar']);
    try {
      const { mailbox } = it.boxOf(it.first);
      const calendar = must((await mailbox.roles(it.context)).get('calendar'), 'a calendar');
      expect(it.asked('SUBSCRIBE')).toBe(2);
      it.book(it.first, 'Planning');
      await it.until('a change', () => it.heard('changed').has(it.first));
      expect(it.events.filter((e) => e.kind === 'changed')).toEqual([
        { kind: 'changed', address: it.first, folder: calendar },
      ]);
      expect(it.heard('unwatchable').size).toBe(0);
    } finally {
      await it.close();
    }
  });

  test('a calendar that is new, and one that has another name since', async () => {
    const it = await watching(['calendar']);
    try {
      const { mailbox } = it.boxOf(it.first);
      const { root } = await mailbox.tree(it.context);
      const team = await mailbox.createFolder(root, 'Team', 'IPF.Appointment', it.context);
      await it.until('a subscription to it', () => it.asked('SUBSCRIBE') === 3);
      await it.until('a word of it', () => it.heard('changed').has(it.first));
      await mailbox.renameFolder(team, 'Squad', it.context);
      await it.until('a new subscription', () => it.asked('SUBSCRIBE') === 4);
      const missed = () => it.events.filter((e) => e.kind === 'missed' && e.address === it.first).length;
      await it.until('a word of the gap', () => missed() === 2);
    } finally {
      await it.close();
    }
  });
});
