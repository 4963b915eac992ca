import { afterEach, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { createLab, type Lab } from '../lab.ts';

let lab: Lab | null = null;
afterEach(() => lab?.close());

/** With Node's own HTTP client, which knows nothing of the lab. */
test('Graph is reached over a network: sign-in, pages, an import on the other host', async () => {
  lab = createLab({ organizations: [{ name: 'target', version: 'online' }], mailboxes: 1, items: 60 });
  const address = must((await lab.listen()).orgs[0], 'one organization');
  expect(address.graph).toMatch(/^https:/);
  const origin = new URL(must(address.ewsPlain, 'a plain address')).origin;
  const organization = lab.organization('target');
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: must(organization.applications[0], 'an application').clientId,
    client_secret: address.admin.password,
    scope: 'https://graph.microsoft.com/.default',
  });
  const token = await fetch(`${origin}/${organization.tokens.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: form,
  });
  const { access_token: bearer } = (await token.json()) as { readonly access_token: string };
  const authorization = `Bearer ${bearer}`;
  const json = async (path: string, init: RequestInit = {}) => {
    const url = path.startsWith('http') ? path : `${origin}${path}`;
    const headers = { authorization, 'content-type': 'application/json' };
    const response = await fetch(url, { ...init, headers });
    return (await response.json()) as Record<string, unknown> & { readonly value: readonly Record<string, unknown>[] };
  };
  const user = `/v1.0/users/${must(address.mailboxes[0], 'a mailbox').address}`;
  let count = 0;
  let next: unknown = `${user}/mailFolders/inbox/messages?$select=subject&$top=7`;
  let first: Record<string, unknown> | undefined;
  while (typeof next === 'string') {
    const answer: Awaited<ReturnType<typeof json>> = await json(next);
    first ??= answer.value[0];
    count += answer.value.length;
    next = answer['@odata.nextLink'];
  }
  const mailbox = must(organization.world.mailbox(must(address.mailboxes[0], 'a mailbox').address), 'it');
  expect(count).toBe(mailbox.folder('inbox').count);
  const { primaryMailboxId: id } = await json(`${user}/settings/exchange`);
  const root = `/v1.0/admin/exchange/mailboxes/${String(id)}`;
  const exported = await json(`${root}/exportItems`, {
    method: 'POST',
    body: JSON.stringify({ ItemIds: [first?.['id']] }),
  });
  const { importUrl } = await json(`${root}/createImportSession`, { method: 'POST' });
  const imported = await fetch(String(importUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ FolderId: 'drafts', Mode: 'create', Data: exported.value[0]?.['data'] }),
  });
  expect(imported.status).toBe(200);
  const { itemId } = (await imported.json()) as { readonly itemId: string };
  expect((await json(`${user}/messages/${itemId}?$select=subject`))['subject']).toBe(first?.['subject']);
});
