import type { Directory } from '#connectors/directory/contract.ts';
import { type Finding, failed } from '#jobs/check.ts';
import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import type { DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import type { DirectorySync, Organization, ProjectPair } from '#project/project.ts';
import { SecretError } from '#project/secret.ts';
import { chosenSyncs, withSync } from './commands/directory.ts';
import type { Run } from './session.ts';

/** Mails that `check --replies` looks at when nothing is said. */
const repliesMails = 1000;
/** Pairs that probe mails are sent to when nothing is said. */
const probedPairs = 1;

type Report = (finding: Finding) => void;

/** Whether replies to old mail will arrive when they are written in the target: each pair of organizations for itself. */
export async function checkReplies(
  run: Run,
  chosen: readonly ProjectPair[],
  mails: number | undefined,
  report: Report,
): Promise<void> {
  const services = run.services();
  const { project } = services;
  const collectionOf = ({ collection: name }: ProjectPair) => must(project.collections.get(name), name);
  const hops = new Map<string, ProjectPair[]>();
  for (const pair of chosen) {
    const { source, target } = collectionOf(pair);
    const key = JSON.stringify([source, target]);
    hops.set(key, [...(hops.get(key) ?? []), pair]);
  }
  for (const pairs of hops.values()) {
    const { source: from, target: to } = collectionOf(must(pairs[0], 'a pair'));
    const [source, target] = [from, to].map((name) => must(project.organizations.get(name), name));
    if (!source || !target) continue;
    await withDirectories(run, [source, target], report, async ([ofSource = null, ofTarget = null]) => {
      if (ofTarget === null) {
        report(noDirectory(target, 'whether it knows whom old mail names cannot be read'));
        return;
      }
      const syncs = [...project.directories.values()].filter(
        (sync) => [sync.source, sync.target].includes(from) && [sync.source, sync.target].includes(to),
      );
      const shared = new Set(syncs.flatMap(({ policy }) => policy.sharedDomains));
      for await (const finding of run.jobs.checkReplies(
        {
          connector: await services.connector(from),
          addresses: pairs.map((pair) => pair.source),
          source: ofSource,
          target: ofTarget,
          targetKind: target.directory?.kind ?? 'ad',
          targetDomains: (target.directory?.domains ?? []).filter((domain) => !shared.has(domain)),
          counterpartOf: (guid) => counterpartOf(run, syncs, from, guid),
          mails: mails ?? repliesMails,
        },
        { clock: run.terminal.clock, signal: run.signal },
      ))
        report(finding);
    });
  }
}

async function counterpartOf(
  run: Run,
  syncs: readonly DirectorySync[],
  from: string,
  guid: ObjectGuid,
): Promise<DistinguishedName | null> {
  const store = await run.services().store('look');
  for (const { name, source } of syncs) {
    const [link] = await store.directoryLinks(name, source === from ? 'left' : 'right', [guid]);
    if (link) return source === from ? link.rightDn : link.leftDn;
  }
  return null;
}

/** Where mail goes, by what both directories of each sync say. */
export async function checkRouting(run: Run, report: Report): Promise<void> {
  const services = run.services();
  const store = await services.store('look');
  const around = { clock: run.terminal.clock, signal: run.signal };
  for (const sync of chosenSyncs(services.project, undefined)) {
    try {
      await withSync(run, sync, store, async (opened) => {
        for await (const finding of run.jobs.checkRouting(opened.services, around)) report(finding);
      });
    } catch (error) {
      report(unopened(sync.name, error));
    }
  }
}

/** Mail by every organization that takes submissions, to some of the people. */
export async function probeRouting(run: Run, chosen: readonly ProjectPair[], report: Report): Promise<void> {
  const services = run.services();
  const store = await services.store('look');
  const { clock } = run.terminal;
  for (const pair of chosen) {
    const directories: Promise<Directory>[] = [];
    try {
      const { services: of } = await run.jobs.switchOfPair(services.project, pair, [], store, {
        clock,
        signal: run.signal,
        connect: (name) => services.connector(name),
        openDirectory: (organization) => {
          const opened = run.jobs.openDirectory(organization, clock);
          directories.push(opened);
          return opened;
        },
        progress: () => {},
      });
      const [row] = await store.switches([pair.id]);
      for await (const finding of run.jobs.probeRouting(of, row?.active ?? pair.active, run.signal)) report(finding);
    } catch (error) {
      report(unopened(pair.source, error));
    } finally {
      for (const opened of await Promise.allSettled(directories))
        if (opened.status === 'fulfilled') await opened.value.close();
    }
  }
}

/** So many of them, or one: evenly spread over the list. */
export const probed = (chosen: readonly ProjectPair[], count: number = probedPairs): readonly ProjectPair[] =>
  count >= chosen.length
    ? chosen
    : Array.from({ length: count }, (_, n) => must(chosen[Math.floor((n * chosen.length) / count)], 'within the list'));

/** Directories of organizations, null for those without; closed at the end. */
async function withDirectories(
  run: Run,
  organizations: readonly Organization[],
  report: Report,
  work: (directories: readonly (Directory | null)[]) => Promise<void>,
): Promise<void> {
  const opened: (Directory | null)[] = [];
  try {
    for (const organization of organizations)
      opened.push(
        organization.directory === null ? null : await run.jobs.openDirectory(organization, run.terminal.clock),
      );
    await work(opened);
  } catch (error) {
    report(unopened(organizations.map(({ name }) => name).join(', '), error));
  } finally {
    for (const directory of opened) await directory?.close();
  }
}

const noDirectory = ({ name }: Organization, what: string): Finding => ({
  level: 'error',
  check: 'directory',
  subject: name,
  detail: `the project names no directory of ${name}: ${what}`,
  advice:
    'write directory: { url: ldaps://…, user, password, domains } under the organization (docs/operating/directory.md)',
});

/** One that cannot even be tried does not hide the others. */
export function unopened(subject: string, error: unknown): Finding {
  if (error instanceof FaultError) return failed(subject, error.fault);
  if (!(error instanceof SecretError)) throw error;
  return {
    level: 'error',
    check: 'secret',
    subject,
    detail: error.message,
    advice: 'the project file names where its secrets are: env:NAME or file:PATH, under signIn',
  };
}
