/** Talks to the control interface of a lab in another process: see `edge/control.ts`, which says what each call means. */
import type { LabStatus } from './edge/control.ts';
import type { FrontMode } from './edge/front-end.ts';
import type { AccountState } from './edge/sign-in.ts';
import type { SnapshotLine } from './edge/snapshot.ts';
import type { BudgetCounters, ThrottlingMode } from './edge/throttling.ts';
import type { TrafficEntry } from './edge/traffic.ts';
import type { GraphCounters } from './graph/graph-throttle.ts';
import type { CalendarLoadReport } from './load/calendar-load.ts';
import type { MailLoadReport, TrackedMail } from './load/mail-load.ts';
import type { Replies } from './load/old-mail.ts';
import type { CalendarSettings } from './meetings/calendar-settings.ts';
import type { AssistantChanges } from './meetings/control.ts';
import type { MeetingAction } from './meetings/meeting-people.ts';
import type { OutboxEntry } from './seams.ts';
import type { ShellOutcome } from './world/directory/exchange-shell.ts';
import type { TrueEvent } from './world/ground-truth.ts';
import type { JournalEntry } from './world/journal.ts';

export interface ControlClient {
  status(): Promise<LabStatus>;
  /** @param spec as after `--faults`; empty: none. */
  setFaults(spec: string): Promise<void>;
  /** Lets the people of an organization do so many things. @returns how many they did. */
  people(organization: string, actions: number): Promise<number>;
  /** Lets people of both organizations work with their calendars at a steady rate, and answers when they are done. */
  workWithCalendars(load: {
    readonly perSecond: number;
    readonly seconds: number;
    /** Who takes part: the first so many that are in both organizations. */
    readonly people: number;
    /** How long an event is left alone after it was touched. */
    readonly restSeconds: number;
  }): Promise<CalendarLoadReport>;
  /** How long what they did took to arrive, as far as it has. */
  calendarLoad(): Promise<CalendarLoadReport>;
  /** Lets the people of an organization work with meetings, or do only some of it. @returns how many things they did. */
  meet(organization: string, actions: number, only?: readonly MeetingAction[]): Promise<number>;
  /** @param settings see `CalendarSettings`. */
  configureCalendar(address: string, settings: Partial<CalendarSettings>): Promise<void>;
  redirect(address: string, targetAddress: string | null): Promise<void>;
  /** As Set-MailboxServer does. */
  configureAssistant(organization: string, changes: AssistantChanges): Promise<void>;
  /** Files of the Calendar Repair Assistant, one a mailbox and cycle. */
  repairLogs(organization: string): Promise<readonly { readonly name: string; readonly xml: string }[]>;
  /** One work cycle of the Calendar Repair Assistant, now. */
  repair(organization: string): Promise<{ readonly failed: number; readonly sent: number }>;
  /** Outlook-like clients look at the Inboxes and ring. */
  logOn(organization: string): Promise<{ readonly processed: number; readonly rings: number; readonly late: number }>;
  /** Runs lines of the Exchange Management Shell, of a closed list of cmdlets. */
  shell(organization: string, lines: readonly string[]): Promise<readonly ShellOutcome[]>;
  /** @param settings DNs of subtrees for the restricted account; milliseconds until the other controller has a write. */
  configureDirectory(
    organization: string,
    settings: {
      readonly replicationDelayMs?: number;
      readonly writes?: readonly string[];
      readonly hidden?: readonly string[];
      readonly replicates?: readonly string[];
    },
  ): Promise<void>;
  /** Applies the address policy to everybody. @returns how many recipients it wrote to. */
  updateAddressPolicy(organization: string): Promise<number>;
  configureMailFlow(
    organization: string,
    settings: {
      readonly acceptedDomains?: Readonly<Record<string, 'authoritative' | 'internal-relay'>>;
      readonly mayForwardOutside?: boolean;
      readonly journalTo?: string | null;
      readonly hopMax?: number;
    },
  ): Promise<void>;
  /** Starts mail from outside to these addresses; `perSecond` 0 ends it. */
  startMailLoad(load: {
    readonly to: readonly string[];
    readonly perSecond: number;
    readonly seconds: number;
  }): Promise<void>;
  mailLoad(): Promise<MailLoadReport>;
  /** Mails of the load from that place in their order on, with where each is now. */
  mails(since?: number): Promise<readonly TrackedMail[]>;
  /** Puts mails of colleagues, whose senders are DNs, into an Inbox. @returns how many. */
  addOldMail(address: string, count: number): Promise<number>;
  /** The owner replies to every mail whose sender is a DN. */
  replyToOldMail(address: string): Promise<Replies>;
  /** What the owner did with a mailbox since a time in UTC milliseconds. */
  uses(
    address: string,
    sinceMs?: number,
  ): Promise<{
    readonly logons: readonly { readonly atMs: number; readonly operation: string | null }[];
    readonly sends: readonly { readonly atMs: number; readonly to: readonly string[] }[];
  }>;
  /** From that place in the list on; the first is 0. */
  outbox(since?: number): Promise<readonly OutboxEntry[]>;
  /** From that sequence number on, as far back as they are kept. */
  commits(since?: number): Promise<readonly JournalEntry[]>;
  traffic(organization: string, since?: number): Promise<readonly TrafficEntry[]>;
  budgets(organization: string): Promise<readonly BudgetCounters[]>;
  /** What applications did with each mailbox by Graph, as its limits count it. */
  graphUse(organization: string): Promise<readonly GraphCounters[]>;
  /** @param costFactor what the costs of operations are multiplied with, so that limits are met sooner. */
  setThrottling(organization: string, mode: ThrottlingMode, costFactor?: number): Promise<void>;
  setMode(organization: string, mode: FrontMode): Promise<void>;
  setAccount(user: string, state: AccountState): Promise<void>;
  mailbox(address: string): AsyncIterable<SnapshotLine>;
  /** What takes place in the calendars of a mailbox between two times in UTC milliseconds, series expanded. */
  calendar(address: string, fromMs: number, toMs: number): AsyncIterable<TrueEvent>;
}

/** @param at `control` of the lab's JSON line. */
export function controlClient(at: { readonly url: string; readonly token: string }): ControlClient {
  async function ask(method: string, path: readonly string[], query: string, body?: object): Promise<Response> {
    const send = () =>
      fetch(`${at.url}/${path.map(encodeURIComponent).join('/')}${query}`, {
        method,
        headers: { authorization: `Bearer ${at.token}` },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    // The lab may just have closed a connection that nobody used for a while; to look again does nothing a second time.
    const answer = await send().catch((error: unknown) => {
      if (method !== 'GET') throw error;
      return send();
    });
    if (answer.ok) return answer;
    const { error } = (await answer.json()) as { readonly error?: string };
    throw new Error(`the lab's control interface answered ${answer.status}: ${error ?? 'no reason'}`);
  }
  const put = async (path: readonly string[], body: object) => {
    await (await ask('PUT', path, '', body)).body?.cancel();
  };
  const post = async <T>(path: readonly string[], body: object): Promise<T> =>
    (await (await ask('POST', path, '', body)).json()) as T;
  async function* lines<T>(path: readonly string[], query = ''): AsyncGenerator<T> {
    const answer = await ask('GET', path, query);
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) yield JSON.parse(part) as T;
    }
    if (rest !== '') throw new Error("the lab's control interface broke off in the middle of a line");
  }
  const all = async <T>(path: readonly string[], since?: number): Promise<readonly T[]> => {
    const list: T[] = [];
    for await (const line of lines<T>(path, since === undefined ? '' : `?since=${since}`)) list.push(line);
    return list;
  };
  return {
    status: async () => (await (await ask('GET', ['status'], '')).json()) as LabStatus,
    setFaults: (spec) => put(['faults'], { spec }),
    people: async (organization, actions) =>
      ((await (await ask('POST', ['people', organization], '', { actions })).json()) as { readonly acted: number })
        .acted,
    workWithCalendars: async (load) =>
      (await (await ask('POST', ['calendar-load'], '', load)).json()) as CalendarLoadReport,
    calendarLoad: async () => (await (await ask('GET', ['calendar-load'], '')).json()) as CalendarLoadReport,
    meet: async (organization, actions, only) =>
      (
        (await (await ask('POST', ['meetings', organization], '', only ? { actions, only } : { actions })).json()) as {
          readonly acted: number;
        }
      ).acted,
    configureCalendar: (address, settings) => put(['calendar', address], settings),
    configureAssistant: (organization, changes) => put(['assistant', organization], changes),
    repairLogs: (organization) => all(['repair', organization]),
    redirect: (address, targetAddress) => put(['redirect', address], { targetAddress }),
    repair: async (organization) =>
      (await (await ask('POST', ['repair', organization], '', {})).json()) as {
        readonly failed: number;
        readonly sent: number;
      },
    logOn: async (organization) =>
      (await (await ask('POST', ['log-on', organization], '', {})).json()) as {
        readonly processed: number;
        readonly rings: number;
        readonly late: number;
      },
    shell: async (organization, lines) =>
      (await post<{ readonly outcomes: readonly ShellOutcome[] }>(['shell', organization], { lines })).outcomes,
    configureDirectory: (organization, settings) => put(['directory', organization], settings),
    updateAddressPolicy: async (organization) =>
      (await post<{ readonly written: number }>(['address-policies', organization], {})).written,
    configureMailFlow: (organization, settings) => put(['mail-flow', organization], settings),
    startMailLoad: async (load) => void (await post(['mail-load'], load)),
    mailLoad: async () => (await (await ask('GET', ['mail-load'], '')).json()) as MailLoadReport,
    mails: (since) => all(['mails'], since),
    addOldMail: async (address, count) =>
      (await post<{ readonly made: number }>(['old-mail', address], { count })).made,
    replyToOldMail: (address) => post(['replies', address], {}),
    uses: async (address, sinceMs = 0) =>
      (await (await ask('GET', ['uses', address], `?since=${sinceMs}`)).json()) as Awaited<
        ReturnType<ControlClient['uses']>
      >,
    outbox: (since) => all(['outbox'], since),
    commits: (since) => all(['commits'], since),
    traffic: (organization, since) => all(['traffic', organization], since),
    budgets: (organization) => all(['budgets', organization]),
    graphUse: (organization) => all(['graph-use', organization]),
    setThrottling: (organization, mode, costFactor = 1) => put(['throttling', organization], { mode, costFactor }),
    setMode: (organization, mode) => put(['mode', organization], mode),
    setAccount: (user, state) => put(['account', user], { state }),
    mailbox: (address) => lines(['mailbox', address]),
    calendar: (address, fromMs, toMs) => lines(['calendar', address], `?from=${fromMs}&to=${toMs}`),
  };
}
