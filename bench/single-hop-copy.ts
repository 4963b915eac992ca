/**
 * The bare copier of one hop: what can be had of the service's allowance at all. It fetches every mail of an inbox over WebDAV and imports a stream
 * of that size, which was made before, by Graph: four at a time, as the service allows, and waits when it is told to. No XML parser, no state, nothing
 * of Causeway.
 *
 *   NODE_EXTRA_CA_CERTS=ca.pem node dist/bench-single-hop-copy.js SOURCE TARGET STREAM
 *
 * SOURCE {"url","user","password"} of the mailbox, TARGET {"graph","tenant","clientId","secret","mailbox"}, STREAM a file.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

interface Source {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}
interface Target {
  readonly graph: string;
  readonly tenant: string;
  readonly clientId: string;
  readonly secret: string;
  readonly mailbox: string;
}

const [from, to, file] = process.argv.slice(2) as [string, string, string];
const source = JSON.parse(from) as Source;
const target = JSON.parse(to) as Target;
const data = readFileSync(file).toString('base64');
const authorization = `Basic ${Buffer.from(`${source.user}:${source.password}`).toString('base64')}`;

/** An answer that is not one about limits. */
async function patient(url: string, init: RequestInit): Promise<Response> {
  for (;;) {
    const answer = await fetch(url, init);
    if (answer.status !== 429) return answer;
    await answer.arrayBuffer();
    await delay(Math.ceil(Number(answer.headers.get('retry-after') ?? 1) * 1000));
  }
}
const fine = async (answer: Response): Promise<Response> => {
  if (!answer.ok)
    throw new Error(`HTTP ${answer.status} of ${new URL(answer.url).pathname}: ${(await answer.text()).slice(0, 300)}`);
  return answer;
};

const { access_token } = (await (
  await fine(
    await fetch(`${target.graph}/${target.tenant}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: target.clientId,
        client_secret: target.secret,
        scope: `${target.graph}/.default`,
      }),
    }),
  )
).json()) as { access_token: string };
const bearer = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' };
const json = async (method: string, path: string, body?: object) =>
  (await fine(
    await patient(`${target.graph}/v1.0/${path}`, {
      method,
      headers: bearer,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  ).then((answer) => answer.json())) as Record<string, string>;
const user = `users/${encodeURIComponent(target.mailbox)}`;
const { primaryMailboxId } = await json('GET', `${user}/settings/exchange`);
const { id: folder } = await json('GET', `${user}/mailFolders/inbox`);
const { importUrl } = await json('POST', `admin/exchange/mailboxes/${primaryMailboxId}/createImportSession`);

const inbox = `${source.url}/Inbox`;
const query = `<?xml version="1.0"?><D:searchrequest xmlns:D="DAV:"><D:sql>SELECT "DAV:href" FROM SCOPE('SHALLOW TRAVERSAL OF "${new URL(inbox).pathname}"') WHERE "DAV:isfolder" = false</D:sql></D:searchrequest>`;
const listed = await (
  await fine(
    await fetch(inbox, { method: 'SEARCH', headers: { authorization, 'content-type': 'text/xml' }, body: query }),
  )
).text();
const hrefs = [...listed.matchAll(/<(?:\w+:)?response[^>]*><(?:\w+:)?href>([^<]+)</g)].map(([, href = '']) =>
  href.replaceAll('&amp;', '&'),
);

const before = process.cpuUsage();
const startedMs = performance.now();
let next = 0;
const body = JSON.stringify({ FolderId: folder, Mode: 'create', Data: data });
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (let n = next++; n < hrefs.length; n = next++) {
      await (await fine(await fetch(hrefs[n] ?? '', { headers: { authorization, translate: 'f' } }))).arrayBuffer();
      const answer = await patient(importUrl ?? '', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      await (await fine(answer)).arrayBuffer();
    }
  }),
);
const used = process.cpuUsage(before);
process.stdout.write(
  `${JSON.stringify({ items: hrefs.length, seconds: (performance.now() - startedMs) / 1000, cpuSeconds: (used.user + used.system) / 1e6 })}\n`,
);
