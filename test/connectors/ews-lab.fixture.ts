import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { Connection, HttpRequest, HttpResponse, Transport } from '#kit/transport.ts';
import { createLab } from '#lab/lab.ts';
import type { Meetings } from '#lab/meetings/meetings.ts';
import type { EwsVersion } from '#lab/seams.ts';
import type { Organization } from '#lab/world/organization.ts';
import { labMailbox } from '#test/simulation/ews/lab-mailbox.ts';
import type { ConnectorUnderTest } from '#test/suites/connector-suite.ts';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';

const tls = { ca: [], min: '1.2' } as const;
const validates = haveSchemas();

/** The EWS connector with a mailbox of a lab of one version, in this process; every envelope is held against that version's XSD. */
export async function openEwsLab(
  version: EwsVersion,
  itemMaxBytes: number,
  mailboxes = 1,
): Promise<ConnectorUnderTest & { readonly world: Organization; readonly meetings: Meetings }> {
  const clock = new SteppingClock(1_700_000_000_000);
  const random = seededRandom(`suite ${version}`);
  const lab = createLab({
    organizations: [{ name: 'lab', version, itemMaxBytes }],
    mailboxes,
    clock,
    throttling: 'off',
  });
  const { domain, world } = lab.organization('lab');
  const mailbox = must(world.mailbox(must(world.mailboxes[0], 'a mailbox').address), 'a mailbox');
  const spoolDir = mkdtempSync(join(tmpdir(), 'causeway-suite-'));
  const requestedAtMs: number[] = [];
  const problems: string[] = [];
  let latencyMs = 0;

  const validated = (what: string, bytes: Uint8Array) => {
    if (!validates) return;
    for (const problem of validateEnvelope(version, bytes)) problems.push(`${what}: ${problem}`);
  };
  const request = async (connection: Connection, one: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    const body = await collected(one.body);
    requestedAtMs.push(clock.monotonicMs());
    validated('request', body);
    clock.advance(latencyMs);
    const response = await connection.request({ ...one, body }, signal);
    const answer = await collected(response.body);
    if (response.status === 200) validated('answer', answer);
    return { ...response, body: once(answer) };
  };
  const inner = lab.transport();
  const transport: Transport = {
    async connect(...to) {
      const connection = await inner.connect(...to);
      return {
        channelBinding: connection.channelBinding,
        get usable() {
          return connection.usable;
        },
        request: (one, signal) => request(connection, one, signal),
        close: () => connection.close(),
      };
    },
  };
  const surroundings = { clock, random, transport, tls };
  const people = labMailbox(mailbox, lab.outbox);
  const { user, password } = world.admin;
  const http = ewsHttp({
    ...surroundings,
    endpoint: `https://mail.${domain}/EWS/Exchange.asmx`,
    signIn: createSignIn({ method: 'basic', user, password: async () => password }, surroundings),
    compress: false,
  });
  const another = () => ewsConnector({ organization: 'lab', http, impersonate: true, clock, random, spoolDir });
  return {
    connector: another(),
    another,
    people,
    world,
    meetings: lab.meetings,
    clock,
    requestedAtMs,
    setLatency(ms) {
      latencyMs = ms;
    },
    recoverableCount: () => people.recoverable().length,
    forgetCursors: () => lab.faults.set([{ point: 'stale-state', chance: 1, limit: 1 }]),
    async close() {
      http.close();
      await lab.close();
      rmSync(spoolDir, { recursive: true, force: true });
      if (problems.length > 0) throw new Error(`against the schema:\n${[...new Set(problems)].join('\n')}`);
      if (lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: lab.failures[0] });
    },
  };
}

async function collected(body: HttpRequest['body']): Promise<Buffer> {
  if (body === null) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
