/** `causeway lab`: organizations on loopback until interrupted. The interface of this command is public: `docs/lab.md`. */
import { parseArgs } from 'node:util';
import { storeBehaviours } from './behaviours.ts';
import { edgeBehaviours } from './edge/behaviours.ts';
import { type ControlListener, listenControl } from './edge/control.ts';
import { FaultSpecError, faultPointMeanings, parseFaultSpec } from './edge/fault-spec.ts';
import { type SignInScheme, signInSchemes } from './edge/sign-in.ts';
import { type ThrottlingMode, throttlingModes } from './edge/throttling.ts';
import { graphBehaviours } from './graph/behaviours.ts';
import { shippedThrottling } from './graph/graph-settings.ts';
import {
  createLab,
  type Lab,
  type LabAddresses,
  type LabOptions,
  type LabOrganizationOptions,
  type LabParts,
} from './lab.ts';
import { directoryBehaviours } from './ldap/behaviours.ts';
import { meetingBehaviours } from './meetings/behaviours.ts';
import { type LabVersion, labVersions } from './seams.ts';
import { davBehaviours } from './webdav/behaviours.ts';

export interface LabArguments {
  readonly options: LabOptions;
  readonly portBase?: number;
  readonly json: boolean;
  /** Adds the control interface, and its address to the JSON. */
  readonly control: boolean;
  /** What the lab's people do, in actions a second; 0: nothing. */
  readonly people: number;
  /** Work cycle of the Calendar Repair Assistants; null: they are off. */
  readonly repairCycleMs: number | null;
}

/** CalendarRepairWorkCycle as Exchange is shipped. */
const repairCycleMs = 86_400_000;

/** A command line that cannot be understood; the message says what would be. */
export class LabUsageError extends Error {
  override readonly name = 'LabUsageError';
}

const labUsage = `Usage: causeway lab --org NAME:VERSION [--org NAME:VERSION ...] [options]

Starts organizations that behave like Exchange on 127.0.0.1 and runs until it is interrupted.

  --org NAME:VERSION[:MAILBOXES]
                       an organization; VERSION is one of ${labVersions.join(', ')}; its domain is NAME.test
  --domain ORG:NAME    a further domain in the forest of that organization, below its first one or the head of another tree
  --mailboxes N        mailboxes of each organization that does not say so itself (3)
  --sources N          organizations that hold something from the beginning: the first N (1)
  --items N            mails in the sources, in all of their mailboxes together (0)
  --appointments N     appointments in the sources, in all calendars together (0)
  --contacts N, --tasks N, --notes N
                       the same of contacts, tasks and notes (0)
  --seed N             what everything generated follows from (1)
  --samples DIR        a folder of .eml, .ics and .msg files to mix in: mails with --items, appointments into calendars
  --rebuild-mime       take MIME apart and put it together anew at each export, as Exchange does
  --people RATE        actions a second of the people in the first organization (0)
  --repair-assistant on|off|SECONDS
                       Calendar Repair Assistants: once a day (on), never, or every so many seconds (on)
  --faults SPEC        e.g. drop-after:0.02,server-busy:0.01@GetItem,slow:0.1~200ms
  --throttling MODE    ${throttlingModes.join(', ')} (migration-policy)
  --faster N           windows of the limits of Exchange Online are N times shorter (1)
  --auth LIST          sign-in schemes in their order, of ${signInSchemes.join(',')}
  --max-request-mb N   largest EWS request in MiB (by version); messages may be as large
  --port-base N        first of two ports per organization, one for control, three per organization for LDAP, two for SMTP (any free ones)
  --control            a control interface for tests
  --behaviours         list what is imitated and how we know it, and end
  --json               one line of JSON when ready, instead of a table

Faults: POINT:CHANCE[@SCOPE][~MSms][ xCOUNT], separated by commas; SCOPE is operations, mailbox=ADDRESS, org=NAME, separated by |
${Object.entries(faultPointMeanings)
  .map(([point, meaning]) => `  ${point.padEnd(14)} ${meaning}`)
  .join('\n')}

Example: causeway lab --org source:2010 --org target:2016 --mailboxes 20 --items 10000 --people 5 --json
`;

const parseOptions = {
  org: { type: 'string', multiple: true },
  domain: { type: 'string', multiple: true },
  mailboxes: { type: 'string' },
  sources: { type: 'string' },
  items: { type: 'string' },
  appointments: { type: 'string' },
  contacts: { type: 'string' },
  tasks: { type: 'string' },
  notes: { type: 'string' },
  seed: { type: 'string' },
  samples: { type: 'string' },
  'rebuild-mime': { type: 'boolean' },
  people: { type: 'string' },
  'repair-assistant': { type: 'string' },
  faults: { type: 'string' },
  throttling: { type: 'string' },
  faster: { type: 'string' },
  auth: { type: 'string' },
  'max-request-mb': { type: 'string' },
  'port-base': { type: 'string' },
  control: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** @throws LabUsageError */
export function parseLabArguments(argv: readonly string[]): LabArguments {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(argv);
  } catch (error) {
    throw new LabUsageError(error instanceof Error ? error.message : String(error));
  }
  const number = (name: keyof typeof parseOptions, least: number, most: number, whole = true): number | undefined => {
    const text = values[name];
    if (typeof text !== 'string') return undefined;
    const value = Number(text);
    if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || value < least || value > most || (whole && !Number.isInteger(value))) {
      throw new LabUsageError(
        `--${name} takes a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not ${JSON.stringify(text)}`,
      );
    }
    return value;
  };
  const requestMb = number('max-request-mb', 1, 1024);
  const schemes = values.auth?.split(',').map((word): SignInScheme => {
    const scheme = signInSchemes.find((known) => known === word.trim().toLowerCase());
    if (!scheme) throw new LabUsageError(`--auth takes ${signInSchemes.join(',')}, not ${JSON.stringify(word)}`);
    return scheme;
  });
  const faster = number('faster', 1, 1000) ?? 1;
  const organizations = (values.org ?? []).map((text): LabOrganizationOptions => {
    const [, name = '', wanted = '', mailboxes] =
      /^([a-z][a-z0-9-]{0,30}):([^:]+)(?::([0-9]{1,6}))?$/i.exec(text) ?? [];
    const version = labVersions.find((known): known is LabVersion => known === wanted.toLowerCase());
    if (name === '' || !version)
      throw new LabUsageError(
        `--org takes NAME:VERSION or NAME:VERSION:MAILBOXES with a version of ${labVersions.join(', ')}, not ${JSON.stringify(text)}`,
      );
    return {
      name: name.toLowerCase(),
      version,
      ...(mailboxes === undefined ? {} : { mailboxes: Number(mailboxes) }),
      ...(schemes ? { schemes } : {}),
      ...(version === 'online' && faster > 1 ? { graph: { throttling: { ...shippedThrottling, faster } } } : {}),
      ...(requestMb === undefined
        ? {}
        : { requestMaxBytes: requestMb * 1_048_576, itemMaxBytes: requestMb * 1_048_576 }),
    };
  });
  if (organizations.length === 0) throw new LabUsageError('name at least one organization: --org source:2010');
  if (new Set(organizations.map((one) => one.name)).size < organizations.length)
    throw new LabUsageError('two organizations have the same name');
  const otherDomains = new Map<string, string[]>();
  for (const text of values.domain ?? []) {
    const [, name = '', domain = ''] = /^([a-z0-9-]+):([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/.exec(text.toLowerCase()) ?? [];
    const known = organizations.some((one) => one.name === name && one.version !== 'online');
    const taken = [...organizations.map((one) => `${one.name}.test`), ...[...otherDomains.values()].flat()];
    if (!known || taken.includes(domain))
      throw new LabUsageError(
        `--domain takes ORG:NAME with an organization that has a forest and a domain of its own, not ${JSON.stringify(text)}`,
      );
    otherDomains.set(name, [...(otherDomains.get(name) ?? []), domain]);
  }
  const throttling = throttlingModes.find(
    (known): known is ThrottlingMode => known === (values.throttling ?? 'migration-policy'),
  );
  if (!throttling)
    throw new LabUsageError(
      `--throttling takes ${throttlingModes.join(', ')}, not ${JSON.stringify(values.throttling)}`,
    );
  let faults: LabOptions['faults'];
  try {
    faults = parseFaultSpec(values.faults ?? '');
  } catch (error) {
    if (error instanceof FaultSpecError) throw new LabUsageError(`--faults: ${error.message}`);
    throw error;
  }
  const portBase = number('port-base', 1024, 65_535 - 7 * organizations.length - 1);
  return {
    options: {
      organizations: organizations.map((one) => {
        const others = otherDomains.get(one.name);
        return others === undefined ? one : { ...one, directory: { otherDomains: others } };
      }),
      mailboxes: number('mailboxes', 0, 100_000) ?? 3,
      sources: number('sources', 0, organizations.length) ?? 1,
      items: number('items', 0, 100_000_000) ?? 0,
      typed: {
        appointment: number('appointments', 0, 10_000_000) ?? 0,
        contact: number('contacts', 0, 10_000_000) ?? 0,
        task: number('tasks', 0, 10_000_000) ?? 0,
        note: number('notes', 0, 10_000_000) ?? 0,
      },
      seed: values.seed ?? '1',
      ...(values.samples === undefined ? {} : { samplesDir: values.samples }),
      rebuildMime: values['rebuild-mime'] ?? false,
      faults,
      throttling,
    },
    ...(portBase === undefined ? {} : { portBase }),
    json: values.json ?? false,
    control: values.control ?? false,
    people: number('people', 0, 1000, false) ?? 0,
    repairCycleMs: cycleOf(values['repair-assistant'] ?? 'on'),
  };
}

function cycleOf(word: string): number | null {
  if (word === 'on') return repairCycleMs;
  if (word === 'off') return null;
  const seconds = Number(word);
  if (!/^[0-9]+(\.[0-9]+)?$/.test(word) || seconds < 0.1 || seconds > 604_800)
    throw new LabUsageError(
      `--repair-assistant takes on, off or seconds from 0.1 to 604800, not ${JSON.stringify(word)}`,
    );
  return seconds * 1000;
}

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: parseOptions, strict: true, allowPositionals: false }).values;
}

export interface LabStreams {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Ends the lab. */
  readonly signal: AbortSignal;
}

/** Runs a lab until the signal. @returns exit code: 0 ended as asked, 1 could not start, 2 wrong arguments. */
export async function runLab(argv: readonly string[], streams: LabStreams, parts?: LabParts): Promise<number> {
  if (argv.includes('--behaviours')) {
    streams.out(behaviourTable());
    return 0;
  }
  if (argv.includes('--help') || argv.includes('-h')) {
    streams.out(labUsage);
    return 0;
  }
  let given: LabArguments;
  try {
    given = parseLabArguments(argv);
  } catch (error) {
    if (!(error instanceof LabUsageError)) throw error;
    streams.error(`causeway lab: ${error.message}\n\nSee causeway lab --help.\n`);
    return 2;
  }
  const onFailure = (error: unknown) =>
    streams.error(
      `causeway lab: a fault of the lab's own: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  const lab = createLab({ ...given.options, onFailure }, parts);
  let control: ControlListener | null = null;
  try {
    const addresses = await lab.listen(given.portBase === undefined ? {} : { portBase: given.portBase });
    if (given.control)
      control = await listenControl(
        lab,
        given.portBase === undefined ? 0 : given.portBase + 2 * lab.organizations.length,
      );
    streams.out(given.json ? `${jsonLine(addresses, control)}\n` : table(addresses, control));
    for (const { world } of lab.organizations) {
      if (given.repairCycleMs === null) continue;
      const assistant = lab.meetings.assistant(world);
      assistant.settings = { ...assistant.settings, workCycleMs: given.repairCycleMs };
      assistant.start();
    }
    const [first] = lab.organizations;
    await Promise.all([
      lab.live(streams.signal),
      ...(first && given.people > 0 ? [work(lab, first.name, given.people, streams.signal)] : []),
    ]);
    return 0;
  } catch (error) {
    streams.error(`causeway lab: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await control?.close();
    await lab.close();
  }
}

/** People at work until the signal: in small helpings, so that a high rate is no burst. */
async function work(lab: Lab, organization: string, actionsPerSecond: number, signal: AbortSignal): Promise<void> {
  const everyMs = Math.max(100, 1000 / actionsPerSecond);
  let owed = 0;
  while (!signal.aborted) {
    try {
      await lab.clock.sleep(everyMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    owed += (everyMs / 1000) * actionsPerSecond;
    const now = Math.floor(owed);
    owed -= now;
    await lab.act(organization, now);
  }
}

function behaviourTable(): string {
  const order = ['recorded', 'documented', 'assumed'];
  const all = [
    ...edgeBehaviours,
    ...[...storeBehaviours, ...meetingBehaviours, ...davBehaviours, ...graphBehaviours, ...directoryBehaviours].map(
      ({ what, mark, source }) => ({
        name: what,
        mark,
        source,
      }),
    ),
  ];
  const rows = all.sort((a, b) => order.indexOf(a.mark) - order.indexOf(b.mark));
  return rows.map(({ mark, name, source }) => `${mark.padEnd(10)}  ${name}\n${' '.repeat(12)}${source}\n`).join('');
}

function jsonLine(addresses: LabAddresses, control: ControlListener | null): string {
  return JSON.stringify(
    control === null ? addresses : { ...addresses, control: { url: control.url, token: control.token } },
  );
}

function table(addresses: LabAddresses, control: ControlListener | null): string {
  const lines: string[] = [];
  for (const org of addresses.orgs) {
    lines.push(`${org.name}  Exchange ${org.version}  ${org.domain}`);
    const addressLines: readonly (readonly [string, string | undefined])[] = [
      ['EWS', org.ews],
      ['EWS, plain', org.ewsPlain],
      ['Graph', org.graph],
      ['WebDAV', org.webdav],
      ['WebDAV, plain', org.webdavPlain],
      ['Autodiscover', org.autodiscover],
      ['LDAP', org.directory?.urls.join('  ')],
      ['CA', org.ca],
    ];
    for (const [what, address] of addressLines) if (address) lines.push(`  ${what.padEnd(13)} ${address}`);
    lines.push(`  admin         ${org.admin.user}  ${org.admin.password}`);
    for (const { user, password } of org.mailboxes.slice(0, 5)) lines.push(`  mailbox       ${user}  ${password}`);
    if (org.mailboxes.length > 5) lines.push(`  and ${org.mailboxes.length - 5} mailboxes more; --json lists all`);
  }
  if (control) lines.push(`control  ${control.url}  token ${control.token}`);
  return `${lines.join('\n')}\nRunning. Ctrl-C ends it.\n`;
}
