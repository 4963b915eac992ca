import type { ChildProcess } from 'node:child_process';
import { must } from '#kit/assert.ts';
import { type ControlClient, controlClient } from '#lab/control-client.ts';
import { type EwsAddresses, type LabAddresses, type OrganizationAddresses, withEws } from '#lab/lab.ts';
import { startServer } from './processes.ts';
import type { ProjectEnd } from './project.ts';

/** @template Address what is known of an organization. */
export interface LabOf<Address> {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly source: Address;
  readonly target: Address;
  readonly control: ControlClient;
  /** Each source mailbox with the target mailbox of the same name. */
  readonly pairs: readonly (readonly [string, string])[];
  close(): Promise<void>;
}

/** Whatever its organizations speak. */
export type AnyLab = LabOf<OrganizationAddresses>;
export type RunningLab = LabOf<EwsAddresses>;

/** A lab whose organizations speak EWS. */
export async function startLab(
  versions: readonly [string, string],
  args: readonly string[],
  name = 'lab',
): Promise<RunningLab> {
  const lab = await startAnyLab(versions, args, { name });
  return { ...lab, source: withEws(lab.source), target: withEws(lab.target) };
}

/** A lab in a process of its own, with its control interface. @param versions of source and target. */
export async function startAnyLab(
  [sourceVersion, targetVersion]: readonly [string, string],
  args: readonly string[],
  { name = 'lab', env }: { /** Bundle of the lab. */ readonly name?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<AnyLab> {
  const { ready, child, pid, close } = await startServer<
    LabAddresses & { readonly control: { readonly url: string; readonly token: string } }
  >(
    name,
    ['--org', `source:${sourceVersion}`, '--org', `target:${targetVersion}`, ...args, '--control', '--json'],
    env,
  );
  const [source, target] = ready.orgs;
  const twins = new Map(target?.mailboxes.map(({ address }) => [address.split('@')[0], address]));
  return {
    child,
    pid,
    source: must(source, 'a source'),
    target: must(target, 'a target'),
    control: controlClient(ready.control),
    pairs: (source?.mailboxes ?? []).flatMap(({ address }) => {
      const twin = twins.get(address.split('@')[0]);
      return twin === undefined ? [] : [[address, twin] as const];
    }),
    close,
  };
}

/** @param plain HTTP: what is measured is not TLS. */
export const projectEnd = ({ name, ews, ewsPlain, ca, admin }: EwsAddresses, plain: boolean): ProjectEnd => ({
  name,
  endpoint: plain ? ewsPlain : ews,
  user: admin.user,
  password: admin.password,
  ...(plain ? {} : { ca }),
});
