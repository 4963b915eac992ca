import { defaultSwitchPolicy as byDefault, type SwitchMessage, type SwitchPolicy } from '#model/switch.ts';
import { ProjectError } from './problem.ts';
import type { DirectorySync, Submission } from './project.ts';
import type { Complaints } from './read-directory.ts';
import type { ProjectFile } from './schema.ts';
import type { Secret } from './secret.ts';
import { didYouMean } from './suggest.ts';
import { parseDuration, parsePercent } from './values.ts';

type WrittenSubmission = NonNullable<ProjectFile['organizations'][string]['submission']>;

/** Names of checks that may be accepted, for a message that says what was meant. */
const acceptable = ['copy', 'lag', 'grade', 'quarantine', 'deletions', 'delegates', 'rivals', 'autodiscover'];

/**
 * @param syncs Directory syncs of the project: one between the same organizations knows their routing domains.
 * @param read The text of a file by its path as written. Throws ProjectError.
 */
export function switchPolicyOf(
  { source, target, switch: written }: Pick<ProjectFile['collections'][string], 'source' | 'target' | 'switch'>,
  syncs: readonly DirectorySync[],
  read: (path: string) => string,
  { complain }: Complaints,
): SwitchPolicy {
  for (const [at, name] of (written?.accept ?? []).entries())
    if (!acceptable.includes(name))
      complain(
        ['accept', at],
        `there is no check of that name that could be accepted${didYouMean(name, acceptable) || `; known: ${acceptable.join(', ')}`}`,
      );
  const message = (key: 'message' | 'undoMessage'): SwitchMessage | null => {
    const path = written?.[key];
    if (path === undefined) return null;
    try {
      const parsed = parseMessage(read(path));
      if (typeof parsed !== 'string') return parsed;
      complain([key], parsed);
    } catch (error) {
      if (!(error instanceof ProjectError)) throw error;
      for (const problem of error.problems) complain([key], problem.message);
    }
    return null;
  };
  const ms = (key: 'settle' | 'replicationWait' | 'probeWait' | 'verifyEvery'): number | null =>
    written?.[key] === undefined ? null : parseDuration(written[key]);
  return {
    settleMs: ms('settle') ?? byDefault.settleMs,
    replicationMaxMs: ms('replicationWait') ?? byDefault.replicationMaxMs,
    controllers: {
      left: written?.controllers?.source ?? null,
      right: written?.controllers?.target ?? null,
    },
    routing: routingOf(source, target, syncs),
    gradeMaxAgeMs: ms('verifyEvery') ?? byDefault.gradeMaxAgeMs,
    gradeContents: parsePercent(written?.verifyContents ?? '') ?? byDefault.gradeContents,
    clientBytesPerSecond:
      written?.clientMbits === undefined ? byDefault.clientBytesPerSecond : written.clientMbits * 125_000,
    accept: written?.accept ?? [],
    probe: written?.probe ?? true,
    probeMaxMs: ms('probeWait') ?? byDefault.probeMaxMs,
    message: message('message'),
    undoMessage: message('undoMessage'),
  };
}

/** The routing domains of the directory sync between two organizations, whichever way it was written. */
function routingOf(source: string, target: string, syncs: readonly DirectorySync[]): SwitchPolicy['routing'] {
  for (const sync of syncs) {
    if (sync.source === source && sync.target === target) return sync.policy.routing;
    if (sync.source === target && sync.target === source)
      return { left: sync.policy.routing.right, right: sync.policy.routing.left };
  }
  return { left: null, right: null };
}

/** @returns what is wrong with it, when it is no message. */
function parseMessage(text: string): SwitchMessage | string {
  const [first = '', ...rest] = text.replaceAll('\r\n', '\n').split('\n');
  const subject = /^Subject:\s*(\S[^\p{Cc}]{0,200})$/iu.exec(first.trim())?.[1];
  if (subject === undefined) return 'the first line of this file must be "Subject: …"';
  const body = rest.join('\n').trim();
  return body === '' ? 'this file has no text below its subject' : { subject, text: `${body}\n` };
}

export function submissionOf(written: WrittenSubmission, secret: (reference: string) => Secret): Submission {
  const url = new URL(written.url);
  const isImplicit = url.protocol === 'smtps:';
  return {
    host: url.hostname,
    port: url.port === '' ? (isImplicit ? 465 : 587) : Number(url.port),
    tls: isImplicit ? 'implicit' : ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname) ? 'none' : 'starttls',
    from: written.from,
    user: written.user === undefined ? null : written.user.startsWith('env:') ? secret(written.user) : written.user,
    password: written.password === undefined ? null : secret(written.password),
  };
}
