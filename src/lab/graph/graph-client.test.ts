import { readFileSync } from 'node:fs';
import { BatchRequestContent, Client, PageIterator } from '@microsoft/microsoft-graph-client';
import { Agent, fetch } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { createLab, type Lab } from '../lab.ts';

let lab: Lab | null = null;
afterEach(() => lab?.close());

/** A client that was not written for the lab, and knows nothing of it. */
test('Microsoft’s own Graph client lists, creates, follows deltas and batches', async () => {
  lab = createLab({ organizations: [{ name: 'target', version: 'online' }], mailboxes: 1, items: 60 });
  const address = must((await lab.listen()).orgs[0], 'one organization');
  const origin = must(address.graph, 'an address of Graph');
  const dispatcher = new Agent({ connect: { ca: readFileSync(address.ca, 'utf8') } });
  const organization = lab.organization('target');
  const { address: person } = must(address.mailboxes[0], 'a mailbox');
  const token = await fetch(`${origin}/${organization.tokens.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    dispatcher,
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: must(organization.applications[0], 'an application').clientId,
      client_secret: address.admin.password,
      scope: 'https://graph.microsoft.com/.default',
    }),
  });
  const { access_token: bearer } = (await token.json()) as { readonly access_token: string };
  // Its own way of fetching knows no certification authority of ours.
  const client = Client.initWithMiddleware({
    baseUrl: `${origin}/`,
    defaultVersion: 'v1.0',
    middleware: {
      async execute(context) {
        const { method = 'GET', headers, body } = context.options ?? {};
        const text = typeof body === 'string' ? { body } : {};
        const sent = { ...(headers as Record<string, string> | undefined), authorization: `Bearer ${bearer}` };
        const answer = await fetch(String(context.request), { method, headers: sent, dispatcher, ...text });
        context.response = answer as unknown as Response;
      },
    },
  });
  const user = `/users/${person}`;

  const seen = new Set<string>();
  const page = await client.api(`${user}/mailFolders/inbox/messages`).top(7).get();
  await new PageIterator(client, page, ({ id }: { readonly id: string }) => seen.add(id).size > 0).iterate();
  const inbox = must(organization.world.mailbox(person), 'it').folder('inbox');
  expect(seen.size).toBe(inbox.count);
  expect(inbox.count).toBeGreaterThan(7);

  const made = await client.api(`${user}/messages`).post({ subject: 'x' });
  expect(made).toMatchObject({ subject: 'x', isDraft: true });
  const delta = await client.api(`${user}/mailFolders/drafts/messages/delta`).get();
  expect(delta.value.map(({ id }: { readonly id: string }) => id)).toContain(made.id);
  const later = await client.api(delta['@odata.deltaLink']).get();
  expect(later.value).toEqual([]);

  const batch = new BatchRequestContent([
    { id: '1', request: new Request(`https://graph.microsoft.com${user}/mailFolders/inbox`) },
    { id: '2', request: new Request(`https://graph.microsoft.com${user}/messages/nothing`) },
  ]);
  const answers = await client.api('/$batch').post(await batch.getContent());
  const status = new Map(answers.responses.map((one: { id: string; status: number }) => [one.id, one.status]));
  expect(status.get('1')).toBe(200);
  expect(status.get('2')).toBeGreaterThanOrEqual(400);
});
