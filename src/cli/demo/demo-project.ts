import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceLimits } from '#connectors/graph/allowance.ts';
import { must } from '#kit/assert.ts';
import type { OrganizationAddresses } from '#lab/lab.ts';
import type { Project } from '#project/project.ts';
import { loadProject } from '#project/read-project.ts';
import type { ReadyLab } from './lab-process.ts';

/** In minutes these people delete what others do in weeks: held deletions would be all that is left to see of a small calendar. */
const demoDeletes = '{ share: 100% }';

/** The project of the demo: what a person would have written by hand. The last organization is the target of all others. */
export async function writeDemoProject(folder: string, { orgs }: ReadyLab, faster: number): Promise<Project> {
  const target = must(orgs.at(-1), 'the lab has a target');
  const sources = orgs.slice(0, -1);
  for (const { name, admin } of orgs) await writeFile(join(folder, `${name}.secret`), admin.password, { mode: 0o600 });
  // One person after the other: two organizations have people of one name.
  let next = 0;
  const collections = sources.map((source) => {
    const pairs = source.mailboxes.flatMap(({ address }) => {
      const twin = target.mailboxes[next++]?.address;
      return twin === undefined ? [] : [`        - ${JSON.stringify(`${address} -> ${twin}`)}\n`];
    });
    return `  from-${source.name}:
    source: ${source.name}
    target: ${target.name}
    policy: { maxDelete: ${demoDeletes} }
    calendar: { direction: both, maxDelete: ${demoDeletes} }
    pairs:
      list:
${pairs.join('')}`;
  });
  const file = join(folder, 'causeway.yaml');
  const text = `version: 1\norganizations:\n${orgs.map((one) => organizationOf(one, faster)).join('')}collections:\n${collections.join('')}`;
  await writeFile(file, text);
  return loadProject(file);
}

/** What a mailbox of Exchange Online allows in 10 minutes, and bytes of uploads in 5 (GDOC `concepts/throttling-limits.md`). */
const { requests, uploadBytes } = serviceLimits;

/** The limits of a service whose windows are so many times shorter. */
const budgetsOf = (faster: number): string => {
  const requestsPerMinute = (requests.max * faster * 60_000) / requests.windowMs;
  const uploadMb = (uploadBytes.max * faster * 60_000) / uploadBytes.windowMs / 2 ** 20;
  return `    budgets: { perMailbox: { requestsPerMinute: ${requestsPerMinute}, bytesPerMinute: ${uploadMb} MB } }\n`;
};

function organizationOf(organization: OrganizationAddresses, faster: number): string {
  const { name, ca, version, graph } = organization;
  return `  ${name}:
    kind: exchange
    version: ${version}
    endpoint: ${JSON.stringify(organization.webdav ?? organization.graph ?? organization.ews)}
    signIn: ${signInOf(organization)}
    tls: { ca: ${JSON.stringify(ca)} }
${graph === undefined ? '' : `    redirectHosts: [${JSON.stringify(new URL(graph).hostname)}]\n${faster === 1 ? '' : budgetsOf(faster)}`}`;
}

function signInOf({ name, version, admin, application, graph }: OrganizationAddresses): string {
  if (application !== undefined)
    return `{ method: oauth, tenant: ${application.tenant}, clientId: ${application.clientId}, clientSecret: 'file:${name}.secret', authority: ${JSON.stringify(graph)} }`;
  const method = version === '2003' ? 'forms' : 'basic';
  return `{ method: ${method}, user: ${JSON.stringify(admin.user)}, password: 'file:${name}.secret' }`;
}
