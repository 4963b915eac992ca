import { must } from '#kit/assert.ts';
import type { OrganizationAddresses } from '#lab/lab.ts';
import type { Bench, BenchReport } from '../support/bench.ts';
import { runCalendars } from '../support/calendar-run.ts';
import { startAnyLab } from '../support/lab.ts';
import { type NotificationGate, openNotificationGate } from '../support/notification-gate.ts';
import type { ProjectEnd } from '../support/project.ts';
import { against, round } from '../support/results.ts';

/** What is promised of the lag, and how long people leave an event alone so that one change is told from the next. */
const ways = {
  notifications: { p99Ms: 10_000, restSeconds: 15, graceSeconds: 30 },
  polling: { p99Ms: 60_000, restSeconds: 60, graceSeconds: 90 },
} as const;

/**
 * How long a change of a calendar takes between Exchange 2003 and Exchange Online, both ways, with the service's limits on: told by its
 * notifications, or found by asking it where no address of ours can be reached.
 */
export const calendarSingleHop: Bench = async (options): Promise<BenchReport> => {
  const { quick } = options;
  const pairs = options.pairs ?? (quick ? 100 : 1000);
  const way = options.polling ? ways.polling : ways.notifications;
  const gate = options.polling ? null : await openNotificationGate();
  try {
    const lab = await startAnyLab(
      ['2003', 'online'],
      ['--mailboxes', String(pairs), '--items', '0'],
      gate === null ? {} : { env: { NODE_EXTRA_CA_CERTS: gate.ca } },
    );
    try {
      const { lag, idle, rssMb, coreRatio, ...rest } = await runCalendars(
        {
          lab,
          source: davEnd(lab.source),
          target: graphEnd(lab.target, gate),
          pairs,
          load: {
            perSecond: options.changesPerSecond ?? 5,
            seconds: options.seconds ?? (quick ? 60 : 300),
            restSeconds: way.restSeconds,
          },
          graceSeconds: way.graceSeconds,
        },
        options,
      );
      const use = await lab.control.graphUse(lab.target.name);
      const figures = {
        way: options.polling ? 'polling' : 'notifications',
        pairs,
        changes: lag?.changes ?? 0,
        undelivered: lag?.undelivered ?? null,
        p50Ms: lag?.p50Ms ?? null,
        p95Ms: lag?.p95Ms ?? null,
        p99Ms: lag?.p99Ms ?? null,
        byTarget: lag?.byTarget ?? null,
        requestsPerChange: lag && round(lag.requestsPerChange),
        /** By the service, for its limits; and the most of its requests that one mailbox took, over the whole run. */
        refused: use.reduce((sum, one) => sum + one.refused, 0),
        mailboxRequestsMax: Math.max(0, ...use.map(({ requests }) => requests)),
        idleCorePercent: idle && round(idle.corePercent),
        rssMb: round(rssMb),
        coreRatio: round(coreRatio),
        labCpuShare: lag && round(lag.labCpuShare),
        lost: lag?.lost ?? null,
        duplicated: lag?.duplicated ?? null,
        mails: (await lab.control.outbox()).length,
      };
      return {
        figures,
        lines: [
          against('p99 of the lag, ms', figures.p99Ms, `≤ ${way.p99Ms}`, (value) => value <= way.p99Ms),
          against('changes that did not arrive', figures.undelivered, '0', (value) => value === 0),
          against('lost', figures.lost, '0', (value) => value === 0),
          against('duplicated', figures.duplicated, '0', (value) => value === 0),
          against('mails', figures.mails, '0', (value) => value === 0),
        ],
        details: { lag, idle, notificationRequests: gate?.passed ?? null, ...rest },
      };
    } finally {
      await lab.close();
    }
  } finally {
    await gate?.close();
  }
};

const davEnd = ({ name, webdav, ca, admin }: OrganizationAddresses): ProjectEnd => ({
  name,
  endpoint: must(webdav, 'Exchange 2003 speaks WebDAV'),
  user: admin.user,
  password: admin.password,
  ca,
  signIn: `method: forms, user: ${JSON.stringify(admin.user)}, password: 'file:${name}.secret'`,
  lines: ['version: 2003'],
});

function graphEnd(organization: OrganizationAddresses, gate: NotificationGate | null): ProjectEnd {
  const { name, ca, admin } = organization;
  const graph = must(organization.graph, 'Exchange Online speaks Graph');
  const { tenant, clientId } = must(organization.application, 'Exchange Online has an application');
  return {
    name,
    endpoint: graph,
    user: admin.user,
    password: admin.password,
    ca,
    signIn: `method: oauth, tenant: ${tenant}, clientId: ${clientId}, clientSecret: 'file:${name}.secret', authority: ${JSON.stringify(graph)}`,
    lines: [
      'version: online',
      `redirectHosts: [${new URL(graph).hostname}]`,
      ...(gate === null ? [] : [`notifications: { url: ${JSON.stringify(gate.url)}, listen: '${gate.listen}' }`]),
    ],
  };
}
