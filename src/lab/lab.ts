import { channel } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '#kit/assert.ts';
import { type Clock, systemClock } from '#kit/clock.ts';
import { type Random, seededRandom } from '#kit/random.ts';
import type { Transport } from '#kit/transport.ts';
import { type CertificateKind, createAuthority, writeAuthority } from './edge/certificates.ts';
import type { EdgeAnswer, EdgeConnection, EdgeRequest } from './edge/exchange.ts';
import { createFaults } from './edge/faults.ts';
import { FrontEnd, type FrontMode, type FrontSettings } from './edge/front-end.ts';
import { inProcessTransport } from './edge/in-process.ts';
import {
  defaultListenLimits,
  type Listener,
  type ListenLimits,
  listen,
  type TlsSettings,
  type TlsVersion,
} from './edge/listen.ts';
import type { LoopbackListener } from './edge/loopback.ts';
import type { ChannelBindingPolicy } from './edge/ntlm.ts';
import { type Application, createTokenService, type TokenService } from './edge/oauth.ts';
import type { SignInOutcome, SignInScheme } from './edge/sign-in.ts';
import type { Site } from './edge/site.ts';
import { policyOf, Throttle, type ThrottlingMode } from './edge/throttling.ts';
import { Traffic } from './edge/traffic.ts';
import type { GraphSettings } from './graph/graph-settings.ts';
import { migrationRoles } from './graph/permissions.ts';
import { labsMade } from './labs-made.ts';
import { type LdapServerOptions, listenLdap } from './ldap/ldap-server.ts';
import { CalendarLoad } from './load/calendar-load.ts';
import { MailLoad } from './load/mail-load.ts';
import { logOn } from './meetings/control.ts';
import { type MeetingAction, MeetingPeople, meetingActions } from './meetings/meeting-people.ts';
import { Meetings, type MeetingsOptions } from './meetings/meetings.ts';
import { labParts } from './parts.ts';
import type { Endpoint, FaultSpec, Faults, LabVersion, OutboxEntry } from './seams.ts';
import { listenSmtp } from './smtp/smtp-server.ts';
import { guidOf } from './world/account.ts';
import type { Organization, OrganizationOptions, TypedCounts } from './world/organization.ts';
import { createWorld, type World } from './world/world.ts';

export interface LabOrganizationOptions extends Omit<OrganizationOptions, 'domain'> {
  /** Default: `NAME.test`. */
  readonly domain?: string;
  /** Sign-in schemes in the order in which they are offered; default: Negotiate, NTLM, Basic, and Bearer from 2013 on. */
  readonly schemes?: readonly SignInScheme[];
  /** Extended Protection; default: none, as before Exchange 2019 CU14 was shipped. */
  readonly channelBinding?: ChannelBindingPolicy;
  readonly throttling?: ThrottlingMode;
  readonly mode?: FrontMode;
  readonly busyForms?: FrontSettings['busyForms'];
  readonly certificate?: CertificateKind;
  /** TLS versions that are spoken; default 1.2 and 1.3. */
  readonly tls?: { readonly min: TlsVersion; readonly max: TlsVersion };
  /** Besides the one whose secret is the admin's password. */
  readonly applications?: readonly Application[];
  readonly refuseAssertionReplay?: boolean;
  readonly tokenLifeSeconds?: number;
  /** How Graph of an `online` organization behaves; what is left out is as documented. */
  readonly graph?: Partial<GraphSettings>;
}

export interface LabOptions {
  readonly organizations: readonly LabOrganizationOptions[];
  /** Mailboxes of each organization. Default 3. */
  readonly mailboxes?: number;
  /** Items of the sources in all; the other organizations start empty. Default 0. */
  readonly items?: number;
  /** The same of appointments, contacts, tasks and notes. */
  readonly typed?: TypedCounts;
  /** How many organizations are sources, from the first on. Default 1. */
  readonly sources?: number;
  readonly seed?: number | string;
  readonly samplesDir?: string;
  readonly rebuildMime?: boolean;
  readonly faults?: readonly FaultSpec[];
  /** For organizations that do not say otherwise. Default `migration-policy`. */
  readonly throttling?: ThrottlingMode;
  readonly meetings?: MeetingsOptions;
  readonly clock?: Clock;
  readonly limits?: Partial<ListenLimits>;
  /** Told of every fault of the lab's own, besides `Lab.failures`. */
  readonly onFailure?: (error: unknown) => void;
}

/** What the edge is the edge of. Tests of the edge put their own in. */
export interface LabParts {
  /** Who answers EWS requests of an organization. */
  readonly ews: (organization: Organization) => Endpoint;
  /** What else answers on its web front, by its version. */
  readonly sites?: (organization: Organization, front: SiteSurroundings) => readonly Site[];
  /** Somebody who works in an organization's mailboxes: does one thing, and says whether there was anything to do. */
  readonly people: (organization: Organization, random: Random) => () => boolean;
}

/** What a site may use of the front it belongs to. */
export interface SiteSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Faults;
  readonly tokens: TokenService;
  readonly traffic: Traffic;
  readonly options: LabOrganizationOptions;
  /** Applications that may sign in; the first is the migration's. */
  readonly applications: readonly Application[];
  /** By the schemes of the organization: Basic, NTLM, tokens. */
  readonly signIn: (request: EdgeRequest, connection: EdgeConnection) => SignInOutcome;
  /** Address of the organization's HTTPS front as somebody who came by `origin` should be told. */
  readonly secureOrigin: (origin: string) => string;
}

/** One organization in the public line of JSON of `causeway lab`. Fields that its version lacks are left out. */
export interface OrganizationAddresses {
  readonly name: string;
  readonly version: LabVersion;
  readonly domain: string;
  readonly autodiscover?: string;
  /** HTTPS under the lab's CA. */
  readonly ews?: string;
  /** HTTP. */
  readonly ewsPlain?: string;
  /** Service root, HTTPS: `https://HOST`. */
  readonly graph?: string;
  /** Root of all mailboxes, HTTPS: `https://HOST/exchange/`. */
  readonly webdav?: string;
  /** The same by HTTP. */
  readonly webdavPlain?: string;
  /** LDAPS: the first controller of `directory`. */
  readonly ldap?: string;
  readonly directory?: DirectoryAddresses;
  /** Where mail is handed in, with the sign-in of a mailbox: TLS from the first byte, and STARTTLS. */
  readonly submission: { readonly smtps: string; readonly smtp: string };
  /** Path of a PEM file. */
  readonly ca: string;
  readonly admin: { readonly user: string; readonly password: string };
  /** With which a migration signs in by OAuth; its secret is the admin's password. */
  readonly application?: { readonly tenant: string; readonly clientId: string };
  readonly mailboxes: readonly { readonly address: string; readonly user: string; readonly password: string }[];
}

/** How the directory of an organization is reached. */
export interface DirectoryAddresses {
  /** LDAPS, a controller each: two of the first domain, then two of each other one. */
  readonly urls: readonly string[];
  /** LDAP of the first controller, which has to be made TLS by StartTLS. */
  readonly startTls: string;
  /** DN of the domain, with several of the first one. */
  readonly base: string;
  /** All domains of the forest, the first one at the head, with two controllers each as among `urls`. */
  readonly domains: readonly {
    readonly name: string;
    readonly base: string;
    readonly urls: readonly string[];
    /** LDAP of its first controller. */
    readonly startTls: string;
  }[];
  /** LDAPS of the global catalogue on the first controller. */
  readonly catalogue: string;
  /** Sign-in name and password of an account that may do everything. */
  readonly user: string;
  readonly password: string;
  /** One that may write below `writes` only, and not replicate. */
  readonly restricted: { readonly user: string; readonly password: string; readonly writes: readonly string[] };
}

/** One that speaks EWS. */
export type EwsAddresses = OrganizationAddresses &
  Required<Pick<OrganizationAddresses, 'autodiscover' | 'ews' | 'ewsPlain'>>;

export function withEws(organization: OrganizationAddresses | undefined): EwsAddresses {
  const one = must(organization, 'the lab has such an organization');
  const needed = (url: string | undefined) => must(url, `Exchange ${one.version} speaks EWS`);
  return { ...one, autodiscover: needed(one.autodiscover), ews: needed(one.ews), ewsPlain: needed(one.ewsPlain) };
}

export interface LabAddresses {
  readonly orgs: readonly OrganizationAddresses[];
}

/** One organization of a running lab, with its knobs and counters. */
export interface LabOrganization {
  readonly name: string;
  readonly version: LabVersion;
  readonly domain: string;
  readonly world: Organization;
  readonly front: FrontEnd;
  readonly throttle: Throttle;
  readonly traffic: Traffic;
  readonly tokens: TokenService;
  /** The first is the migration application: its secret is the admin's password, its role `full_access_as_app`. */
  readonly applications: readonly Application[];
  /** Changes the throttling policy while the lab runs; budgets begin full. @param costFactor see `Throttle.setPolicy`. */
  setThrottling(mode: ThrottlingMode, costFactor?: number): void;
}

export interface Lab {
  readonly world: World;
  /** Attendants, assistants and settings of calendars. What they plan is done when `meetings.runDue` is called. */
  readonly meetings: Meetings;
  /** People of both organizations at work with their calendars, for measuring how long the others wait. */
  readonly calendarLoad: CalendarLoad;
  /** Mail from outside at a steady rate. */
  readonly mailLoad: MailLoad;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly outbox: readonly OutboxEntry[];
  /** Faults of the lab's own: requests it broke on instead of answering. The first hundred; a test expects none. */
  readonly failures: readonly unknown[];
  /** Counts a fault of the lab's own. */
  readonly reportFailure: (error: unknown) => void;
  readonly organizations: readonly LabOrganization[];
  organization(name: string): LabOrganization;
  /** Carries out one request of a connection; `connection.origin` says to whom it goes. */
  handle(request: EdgeRequest, connection: EdgeConnection): Promise<EdgeAnswer>;
  /**
   * The lab in this process: no sockets, the lab's clock. Hosts of an organization are `https://mail.DOMAIN`, `autodiscover.DOMAIN`,
   * `login.DOMAIN` and DOMAIN itself, over https and http, and the addresses it listens on.
   */
  transport(options?: { readonly latencyMs?: number }): Transport;
  /** Opens HTTPS and HTTP on 127.0.0.1. @param portBase first of two ports per organization; default: any free ones. */
  listen(options?: { readonly portBase?: number }): Promise<LabAddresses>;
  /** Lets the people of an organization do so many things, one after the other. @returns how many they did. */
  act(organization: string, actions: number): Promise<number>;
  /** Lets the people of an organization book, answer, move and call off meetings, or do only some of that. @returns how many things they did. */
  meet(organization: string, actions: number, only?: readonly MeetingAction[]): number;
  /**
   * The lab's own time: does what servers have planned as soon as it is due, until the signal. Without it nothing happens by itself,
   * so that a simulation can stop anywhere between.
   */
  live(signal: AbortSignal): Promise<void>;
  /** Makes happen now what would later: what is planned, a client that opens each mailbox that was written to, a cycle of the Repair Assistants. */
  happen(): void;
  close(): Promise<void>;
}

/** How late what is due may be done: less than anybody waits for it, and a look at an empty agenda costs nothing. */
const tickMs = 50;

const hostsOf = (domain: string) => [
  ...['mail', 'autodiscover', 'login', 'graph', 'outlook'].map((host) => `${host}.${domain}`),
  domain,
];

export function createLab(options: LabOptions, parts: LabParts = labParts): Lab {
  const clock = options.clock ?? systemClock;
  const seed = String(options.seed ?? 1);
  const faults = createFaults((point) => seededRandom(`${seed} fault ${point}`), options.faults);
  const organizations = options.organizations.map((one) => ({ ...one, domain: one.domain ?? `${one.name}.test` }));
  const world = createWorld({
    organizations,
    mailboxes: options.mailboxes ?? 3,
    items: options.items ?? 0,
    typed: options.typed ?? {},
    sources: options.sources ?? 1,
    seed,
    ...(options.samplesDir === undefined ? {} : { samplesDir: options.samplesDir }),
    rebuildMime: options.rebuildMime ?? false,
    surroundings: { clock, random: seededRandom(`${seed} world`), faults },
  });
  const meetings = new Meetings(world, options.meetings);

  const fronts = new Map<string, LabOrganization>();
  const secureOrigins = new Map<string, string>();
  const people = new Map<string, () => boolean>();
  const meeting = new Map<string, MeetingPeople>();
  const listeners: (Listener | LoopbackListener)[] = [];
  let directory: string | null = null;
  let connectionId = 0;
  const nextConnectionId = () => ++connectionId;

  const running = organizations.map((one): LabOrganization => {
    const { name, version, domain } = one;
    const organization = world.organization(name);
    const random = seededRandom(`${seed} edge ${name}`);
    const applications: readonly Application[] = [
      {
        clientId: guidOf('application', seed, domain),
        secrets: [organization.admin.password],
        certificates: [],
        roles: version === 'online' ? ['full_access_as_app', ...migrationRoles] : ['full_access_as_app'],
      },
      ...(one.applications ?? []),
    ];
    const traffic = new Traffic();
    const throttle = new Throttle(policyOf(version, one.throttling ?? options.throttling ?? 'migration-policy'), clock);
    const tokens = createTokenService(
      {
        organization: name,
        domain,
        applications: () => applications,
        refuseReplay: one.refuseAssertionReplay ?? false,
        tokenLifeSeconds: one.tokenLifeSeconds ?? 3599,
      },
      { clock, random },
    );
    const secureOrigin = (origin: string) => secureOrigins.get(origin) ?? `https://mail.${domain}`;
    const front: FrontEnd = new FrontEnd(
      {
        name,
        version,
        domain,
        directory: organization,
        ews: parts.ews(organization),
        tokens,
        throttle,
        faults,
        traffic,
        clock,
        random,
        secureOrigin,
        sites:
          parts.sites?.(organization, {
            clock,
            random,
            faults,
            tokens,
            traffic,
            applications,
            options: one,
            secureOrigin,
            signIn: (request, connection) => front.signIn(request, connection),
          }) ?? [],
      },
      {
        schemes: one.schemes ?? [
          'negotiate',
          'ntlm',
          'basic',
          ...(version === '2003' || version === '2007' || version === '2010' ? [] : (['bearer'] as const)),
        ],
        channelBinding: one.channelBinding ?? 'none',
        mode: one.mode ?? { kind: version === 'online' ? 'ews-off' : 'normal' },
        busyForms: one.busyForms ?? 'fault',
        requestMaxBytes: organization.requestMaxBytes,
      },
    );
    const made: LabOrganization = {
      name,
      version,
      domain,
      world: organization,
      front,
      throttle,
      traffic,
      tokens,
      applications,
      setThrottling: (mode, costFactor) => throttle.setPolicy(policyOf(version, mode), costFactor),
    };
    for (const host of hostsOf(domain)) for (const scheme of ['https', 'http']) fronts.set(`${scheme}://${host}`, made);
    return made;
  });

  const failures: unknown[] = [];
  const failed = (error: unknown): void => {
    if (failures.length < 100) failures.push(error);
    options.onFailure?.(error);
  };
  const handle = async (request: EdgeRequest, connection: EdgeConnection): Promise<EdgeAnswer> => {
    const { front } = must(fronts.get(connection.origin), 'a connection leads to an organization');
    try {
      return await front.handle(request, connection);
    } catch (error) {
      // A client that goes away in the middle of its request breaks nothing but its own.
      const left = request.signal.aborted || (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (!left) failed(error);
      throw error;
    }
  };

  async function listenAll(portBase: number | undefined): Promise<LabAddresses> {
    // TLS libraries look at the real time, whatever the lab's clock says.
    const authority = await createAuthority(systemClock.nowMs());
    directory = mkdtempSync(join(tmpdir(), 'causeway-lab-'));
    const ca = writeAuthority(authority, directory);
    const limits = { ...defaultListenLimits, ...options.limits };
    const orgs: OrganizationAddresses[] = [];
    for (const [i, one] of running.entries()) {
      const given = must(organizations[i], 'one organization each');
      const domains = one.version === 'online' ? [] : one.world.forest.domains;
      const controllers = domains.flatMap(({ name, hosts: [first, second] }) => [name, first, second]);
      const hosts = [...new Set([...hostsOf(one.domain), ...controllers])];
      const certificate = await authority.issue(hosts, given.certificate);
      const port = portBase === undefined ? 0 : portBase + 2 * i;
      const tls = { certificate, ...(given.tls ?? { min: 'TLSv1.2' as const, max: 'TLSv1.3' as const }) };
      const anyMethod = one.version === '2003';
      const secure = await listen(handle, tls, port, nextConnectionId, limits, anyMethod);
      listeners.push(secure);
      const plain = await listen(handle, null, port === 0 ? 0 : port + 1, nextConnectionId, limits, anyMethod);
      listeners.push(plain);
      for (const { origin } of [secure, plain]) {
        fronts.set(origin, one);
        secureOrigins.set(origin, secure.origin);
      }
      const ldapBase = portBase === undefined ? undefined : portBase + 2 * running.length + 1 + 3 * i;
      const directoryAddresses = one.version === 'online' ? null : await listenDirectory(one, tls, ldapBase);
      const smtpBase = portBase === undefined ? undefined : portBase + 5 * running.length + 1 + 2 * i;
      const submission = {
        smtps: await listenSubmission(one, tls, 'smtps', smtpBase),
        smtp: await listenSubmission(one, tls, 'smtp', smtpBase === undefined ? undefined : smtpBase + 1),
      };
      orgs.push({
        name: one.name,
        version: one.version,
        domain: one.domain,
        ...(one.version === '2003'
          ? { webdav: `${secure.origin}/exchange/`, webdavPlain: `${plain.origin}/exchange/` }
          : {
              autodiscover: `${secure.origin}/autodiscover/autodiscover.xml`,
              ews: `${secure.origin}/EWS/Exchange.asmx`,
              ewsPlain: `${plain.origin}/EWS/Exchange.asmx`,
            }),
        ...(one.version === 'online' ? { graph: secure.origin } : {}),
        ...(directoryAddresses === null
          ? {}
          : { ldap: directoryAddresses.urls[0] ?? '', directory: directoryAddresses }),
        submission,
        ca,
        admin: { user: one.world.admin.user, password: one.world.admin.password },
        ...(one.version === 'online' && one.applications[0] !== undefined
          ? { application: { tenant: one.domain, clientId: one.applications[0].clientId } }
          : {}),
        mailboxes: one.world.mailboxes.map(({ address, user, password }) => ({ address, user, password })),
      });
    }
    return { orgs };
  }

  /**
   * Of each domain two controllers over LDAPS, and the first by StartTLS; the global catalogue of the first one.
   *
   * @param portBase first of the three ports of the first domain; absent: any free ones. Further domains and the catalogue have any.
   */
  async function listenDirectory(
    one: LabOrganization,
    tls: TlsSettings,
    portBase: number | undefined,
  ): Promise<DirectoryAddresses> {
    const { forest, admin } = one.world;
    const open = async (
      what: Pick<LdapServerOptions, 'scheme' | 'controller' | 'catalogue'>,
      port: number,
    ): Promise<string> => {
      const ldap = { ...what, forest, tls, faults, clock, onFailure: failed, traffic: one.traffic };
      const listener = await listenLdap(ldap, port);
      listeners.push(listener);
      return listener.url;
    };
    const domains: DirectoryAddresses['domains'][number][] = [];
    for (const [n, domain] of forest.domains.entries()) {
      const port = (at: number): number => (portBase === undefined || n > 0 ? 0 : portBase + at);
      domains.push({
        name: domain.name,
        base: domain.dn,
        urls: [
          await open({ scheme: 'ldaps', controller: () => forest.controllersOf(domain).first }, port(0)),
          await open({ scheme: 'ldaps', controller: () => forest.controllersOf(domain).second }, port(1)),
        ],
        startTls: await open({ scheme: 'ldap', controller: () => forest.controllersOf(domain).first }, port(2)),
      });
    }
    const [first] = forest.domains;
    const root = must(domains[0], 'a forest has a domain');
    return {
      urls: domains.flatMap(({ urls }) => urls),
      startTls: root.startTls,
      base: root.base,
      domains,
      catalogue: await open(
        {
          scheme: 'ldaps',
          controller: () => forest.first,
          catalogue: () => forest.catalogueOf(must(first, 'a forest has a domain')),
        },
        0,
      ),
      user: admin.user,
      password: admin.password,
      restricted: { user: forest.restrictedUser, password: forest.restrictedPassword, writes: forest.rights.writes },
    };
  }

  async function listenSubmission(
    one: LabOrganization,
    tls: TlsSettings,
    scheme: 'smtp' | 'smtps',
    port: number | undefined,
  ): Promise<string> {
    const listener = await listenSmtp({ organization: one.world, tls, scheme, onFailure: failed }, port);
    listeners.push(listener);
    return listener.url;
  }

  async function close(): Promise<void> {
    lab.mailLoad.stop();
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
    if (directory !== null) rmSync(directory, { recursive: true, force: true });
    directory = null;
  }

  const lab: Lab = {
    world,
    meetings,
    mailLoad: new MailLoad(world, clock, seededRandom(`${seed} mail load`)),
    calendarLoad: new CalendarLoad(world, meetings, clock, seededRandom(`${seed} calendar load`)),
    clock,
    faults,
    get outbox() {
      return world.outbox;
    },
    failures,
    reportFailure: failed,
    organizations: running,
    organization: (name) =>
      must(
        running.find((one) => one.name === name),
        `the lab has no organization ${name}`,
      ),
    handle,
    transport: ({ latencyMs = 0 } = {}) =>
      inProcessTransport({
        find: (origin) => (fronts.has(origin) ? handle : null),
        clock,
        nextConnectionId,
        latencyMs,
      }),
    async listen({ portBase } = {}) {
      try {
        return await listenAll(portBase);
      } catch (error) {
        await close();
        throw error;
      }
    },
    meet(name, actions, only = meetingActions) {
      const key = `${name} ${only.join(' ')}`;
      const people =
        meeting.get(key) ??
        new MeetingPeople(meetings, world.organization(name), seededRandom(`${seed} meet ${name}`), only);
      meeting.set(key, people);
      let acted = 0;
      for (let n = 0; n < actions; n++) if (people.step() !== null) acted++;
      return acted;
    },
    async act(name, actions) {
      let person = people.get(name);
      if (!person) {
        person = parts.people(world.organization(name), seededRandom(`${seed} people ${name}`));
        people.set(name, person);
      }
      let acted = 0;
      for (let n = 0; n < actions; n++) {
        if (person()) acted++;
        // The servers of the lab live in the same process: they get their turn.
        if (n % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
      }
      return acted;
    },
    async live(signal) {
      while (!signal.aborted) {
        try {
          await clock.sleep(tickMs, signal);
        } catch (error) {
          if (signal.aborted) return;
          throw error;
        }
        try {
          // One thing at a time: the servers of the lab live in the same process and get their turn.
          for (let done = 0; done < 1000 && meetings.agenda.runOne(clock.nowMs()); done++)
            await new Promise((resolve) => setImmediate(resolve));
          for (const { world: one } of running) one.updateRecipients();
        } catch (error) {
          failed(error);
        }
      }
    },
    happen() {
      // Twice: what one of them leaves is found by the others.
      for (let round = 0; round < 2; round++) {
        meetings.runDue();
        for (const { world: one } of running) {
          one.updateRecipients();
          logOn(meetings, one);
          meetings.assistant(one).run();
        }
      }
    },
    close,
  };
  channel(labsMade).publish(lab);
  return lab;
}
