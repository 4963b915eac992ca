/**
 * The lab's control interface: what tests and the demo do to a running lab and ask of it, beside the protocols. HTTP on a port of
 * its own on the loopback, with a bearer token that is new for each run. Not for the outside: it bypasses every right.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { graphStateOf } from '../graph/graph-state.ts';
import type { Lab, LabOrganization } from '../lab.ts';
import {
  ControlRefusal,
  configureAssistant,
  configureCalendar,
  logOn,
  type OutboxSum,
  redirect,
  repairLogs,
  repairNow,
  setMeetingFormat,
  sumOutbox,
} from '../meetings/control.ts';
import { type MeetingAction, meetingActions } from '../meetings/meeting-people.ts';
import type { FaultPoint, OutboxEntry } from '../seams.ts';
import { updateAddressPolicy } from '../world/directory/address-policy.ts';
import {
  answerOldMail,
  configureDirectory,
  configureMailFlow,
  makeOldMail,
  runShell,
  startMailLoad,
  usesOf,
} from './directory-control.ts';
import { FaultSpecError, parseFaultSpec } from './fault-spec.ts';
import type { FrontMode } from './front-end.ts';
import type { AccountState } from './sign-in.ts';
import { snapshot } from './snapshot.ts';
import { type BudgetCounters, throttlingModes } from './throttling.ts';
import type { OperationCounters } from './traffic.ts';

export interface OrganizationStatus {
  readonly name: string;
  readonly version: string;
  readonly tenantId: string;
  /** Client ids; the secret of the first is the admin's password. */
  readonly applications: readonly string[];
  readonly operations: Readonly<Record<string, OperationCounters>>;
  readonly signIns: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
}

export interface LabStatus {
  readonly organizations: readonly OrganizationStatus[];
  readonly faults: Readonly<Record<FaultPoint, number>>;
  /** Messages and receipts that left, by cause. */
  readonly outbox: Readonly<Partial<Record<OutboxEntry['cause'], number>>>;
  /** The same by whose doing it was, and by what machinery acted. */
  readonly outboxByDoing: readonly OutboxSum[];
  /** Commits to the world since it was made, and of them by kind those that are still kept. */
  readonly commits: number;
  readonly commitsByKind: Readonly<Record<string, number>>;
  /** Faults of the lab's own. */
  readonly failures: number;
}

export interface ControlListener {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** An answer that says what was wrong with the question. */
class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const bodyBytesMax = 64 * 1024;
/** Scripts for thousands of people, and lists of them. */
const scriptBytesMax = 16 * 1024 * 1024;

export async function listenControl(lab: Lab, port = 0): Promise<ControlListener> {
  const token = randomBytes(24).toString('base64url');
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, (request, response) => {
    void serve(lab, token, request, response);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(lab: Lab, token: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    if (!authorized(request, token)) throw new Refused(401, 'the control interface wants its bearer token');
    const result = await route(lab, request);
    if (Symbol.iterator in result) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      for (const line of result) {
        if (response.destroyed) return;
        if (!response.write(`${JSON.stringify(line)}\n`))
          await Promise.race([once(response, 'drain'), once(response, 'close')]);
      }
      response.end();
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
    }
  } catch (error) {
    const status = error instanceof Refused ? error.status : error instanceof ControlRefusal ? 400 : 500;
    const message = error instanceof Error ? error.message : String(error);
    if (response.headersSent) response.destroy();
    else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: message }));
  }
}

function authorized(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** An iterable is sent as NDJSON, an object as JSON. */
async function route(lab: Lab, request: IncomingMessage): Promise<Iterable<unknown> | object> {
  const url = new URL(request.url ?? '/', 'http://control');
  const [what = '', name = '', ...rest] = decoded(url.pathname.slice(1).split('/'));
  const key = `${request.method} ${what}${name ? '/*' : ''}${rest.length > 0 ? '/…' : ''}`;
  const since = Number(url.searchParams.get('since') ?? 0);
  if (!Number.isSafeInteger(since) || since < 0) throw new Refused(400, 'since is a whole number');
  switch (key) {
    case 'GET status':
      return labStatus(lab);
    case 'PUT faults':
      return setFaults(lab, await json(request));
    case 'POST people/*':
      return {
        acted: await lab.act(organization(lab, name).name, wholeNumber(await json(request), 'actions', 1_000_000)),
      };
    case 'POST calendar-load': {
      const body = await json(request);
      const perSecond = wholeNumber(body, 'perSecond', 1000);
      const seconds = wholeNumber(body, 'seconds', 3600);
      const people = wholeNumber(body, 'people', 1_000_000);
      const restSeconds = wholeNumber(body, 'restSeconds', 3600);
      await lab.calendarLoad.run({ perSecond, seconds, people, restSeconds });
      return lab.calendarLoad.report();
    }
    case 'GET calendar-load':
      return lab.calendarLoad.report();
    case 'POST meetings/*': {
      const body = await json(request);
      const actions = wholeNumber(body, 'actions', 100_000);
      return { acted: lab.meet(organization(lab, name).name, actions, meetingActionsOf(body['only'])) };
    }
    case 'PUT calendar/*':
      configureCalendar(lab.meetings, name, await json(request));
      return {};
    case 'GET calendar/*': {
      if (!lab.world.mailbox(name)) throw new Refused(404, `there is no mailbox ${name}`);
      return lab.world.calendar(name, instant(url, 'from'), instant(url, 'to'));
    }
    case 'PUT assistant/*':
      configureAssistant(lab.meetings, organization(lab, name).world, await json(request));
      return {};
    case 'PUT redirect/*':
      redirect(lab.meetings, name, await json(request));
      return {};
    case 'POST shell/*':
      return runShell(organization(lab, name), await json(request, scriptBytesMax));
    case 'PUT directory/*':
      return configureDirectory(organization(lab, name), await json(request));
    case 'POST address-policies/*':
      return { written: updateAddressPolicy(organization(lab, name).world) };
    case 'PUT mail-flow/*':
      return configureMailFlow(organization(lab, name), await json(request));
    case 'POST mail-load':
      return startMailLoad(lab, await json(request, scriptBytesMax));
    case 'GET mail-load':
      return lab.mailLoad.report();
    case 'GET mails':
      return lab.mailLoad.mails(since);
    case 'POST old-mail/*':
      return makeOldMail(lab, name, await json(request));
    case 'POST replies/*':
      return answerOldMail(lab, name);
    case 'GET uses/*':
      return usesOf(lab, name, since);
    case 'PUT meeting-format/*':
      setMeetingFormat(organization(lab, name).world, await json(request));
      return {};
    case 'POST repair/*':
      return repairNow(lab.meetings, organization(lab, name).world);
    case 'GET repair/*':
      return repairLogs(lab.meetings, organization(lab, name).world);
    case 'POST log-on/*':
      return logOn(lab.meetings, organization(lab, name).world);
    case 'GET outbox':
      return lab.outbox.slice(since);
    case 'GET commits':
      return lab.world.journal.since(since);
    case 'GET traffic/*':
      return organization(lab, name).traffic.since(since);
    case 'GET budgets/*':
      return budgets(organization(lab, name));
    case 'GET graph-use/*':
      return graphStateOf(organization(lab, name).world).throttle.counters;
    case 'PUT throttling/*':
      return setThrottling(organization(lab, name), await json(request));
    case 'PUT mode/*':
      return setMode(organization(lab, name), await json(request));
    case 'PUT account/*':
      return setAccount(lab, name, await json(request));
    case 'GET mailbox/*': {
      const mailbox = lab.world.mailbox(name);
      if (!mailbox) throw new Refused(404, `there is no mailbox ${name}`);
      return snapshot(mailbox);
    }
    default:
      throw new Refused(404, `the control interface has no ${request.method} ${url.pathname}`);
  }
}

function meetingActionsOf(wanted: unknown): readonly MeetingAction[] {
  if (wanted === undefined) return meetingActions;
  const chosen = meetingActions.filter((one) => Array.isArray(wanted) && wanted.includes(one));
  if (chosen.length === 0) throw new Refused(400, `only is a list of ${meetingActions.join(', ')}`);
  return chosen;
}

function labStatus(lab: Lab): LabStatus {
  const outbox: Partial<Record<OutboxEntry['cause'], number>> = {};
  for (const { cause } of lab.outbox) outbox[cause] = (outbox[cause] ?? 0) + 1;
  const commitsByKind: Record<string, number> = {};
  for (const { kind } of lab.world.journal.since(0)) commitsByKind[kind] = (commitsByKind[kind] ?? 0) + 1;
  return {
    organizations: lab.organizations.map(({ name, version, traffic, tokens, applications }) => ({
      name,
      version,
      tenantId: tokens.tenantId,
      applications: applications.map((application) => application.clientId),
      operations: traffic.operations,
      signIns: traffic.signIns,
      refusals: traffic.refusals,
    })),
    faults: lab.faults.counts,
    outbox,
    outboxByDoing: sumOutbox(lab.outbox),
    commits: lab.world.journal.length,
    commitsByKind,
    failures: lab.failures.length,
  };
}

function budgets(one: LabOrganization): readonly BudgetCounters[] {
  return one.throttle.counters();
}

function organization(lab: Lab, name: string): LabOrganization {
  const found = lab.organizations.find((one) => one.name === name);
  if (!found)
    throw new Refused(
      404,
      `the lab has no organization ${name}; it has ${lab.organizations.map((one) => one.name).join(', ')}`,
    );
  return found;
}

function setFaults(lab: Lab, body: Fields): object {
  try {
    lab.faults.set(parseFaultSpec(text(body, 'spec')));
  } catch (error) {
    if (error instanceof FaultSpecError) throw new Refused(400, error.message);
    throw error;
  }
  return {};
}

function setThrottling(one: LabOrganization, body: Fields): object {
  const wanted = text(body, 'mode');
  const mode = throttlingModes.find((known) => known === wanted);
  if (!mode) throw new Refused(400, `mode is one of ${throttlingModes.join(', ')}`);
  const costFactor = body['costFactor'] ?? 1;
  if (typeof costFactor !== 'number' || !(costFactor > 0)) throw new Refused(400, 'costFactor is a number above 0');
  one.setThrottling(mode, costFactor);
  return {};
}

function setMode(one: LabOrganization, body: Fields): object {
  const kind = text(body, 'kind');
  let mode: FrontMode;
  switch (kind) {
    case 'normal':
    case 'login-page':
    case 'ews-off':
      mode = { kind };
      break;
    case 'redirect': {
      const status = ([301, 302, 307, 451] as const).find((known) => known === body['status']);
      if (!status) throw new Refused(400, 'status is one of 301, 302, 307, 451');
      mode = { kind, status, location: text(body, 'location') };
      break;
    }
    default:
      throw new Refused(400, 'kind is one of normal, login-page, ews-off, redirect');
  }
  one.front.configure({ mode });
  return {};
}

function setAccount(lab: Lab, user: string, body: Fields): object {
  const domain = user.slice(user.lastIndexOf('@') + 1);
  const one = lab.organizations.find((known) => known.domain === domain);
  if (!one?.world.account(user)) throw new Refused(404, `there is no account ${user}`);
  const wanted = text(body, 'state');
  const state = (['enabled', 'disabled', 'locked'] as const satisfies readonly AccountState[]).find(
    (known) => known === wanted,
  );
  if (!state) throw new Refused(400, 'state is one of enabled, disabled, locked');
  one.front.states.set(user.toLowerCase(), state);
  return {};
}

function decoded(parts: readonly string[]): readonly string[] {
  try {
    return parts.map(decodeURIComponent);
  } catch {
    throw new Refused(400, 'the path is not well encoded');
  }
}

type Fields = Readonly<Record<string, unknown>>;

async function json(request: IncomingMessage, bytesMax = bodyBytesMax): Promise<Fields> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Refused(413, 'the request is too large');
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refused(400, 'the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refused(400, 'the body is not a JSON object');
  return value as Fields;
}

function text(body: Fields, name: string): string {
  const value = body[name];
  if (typeof value !== 'string') throw new Refused(400, `${name} is missing or no text`);
  return value;
}

/** UTC milliseconds of the query. */
function instant(url: URL, name: string): number {
  const value = Number(url.searchParams.get(name) ?? Number.NaN);
  if (!Number.isSafeInteger(value)) throw new Refused(400, `${name} is a time in UTC milliseconds`);
  return value;
}

function wholeNumber(body: Fields, name: string, most: number): number {
  const value = body[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
    throw new Refused(400, `${name} is a whole number up to ${most}`);
  return value;
}
