import type { MeasuredState } from './transitions.ts';

/** Names of what is measured; `--accept NAME` takes one that is not ready. A paragraph each in `docs/operating/switch.md`. */
export const readinessChecks = [
  'mailboxes',
  'directory',
  'redirection',
  'copy',
  'lag',
  'grade',
  'quarantine',
  'deletions',
  'delegates',
  'rivals',
  'autodiscover',
  'clients',
  'download',
] as const;
export type ReadinessCheck = (typeof readinessChecks)[number];

/** One kind of content of the pair, as the store has it. */
export interface TrackFacts {
  readonly kind: string;
  readonly state: 'new' | 'first-pass' | 'in-step' | 'stopped';
  readonly stoppedBecause: string | null;
  readonly lastOutcome: 'complete' | 'partial' | 'stopped' | null;
  readonly quarantined: number;
  readonly held: number;
  /** Age of the oldest change that is not carried over; null: never looked. */
  readonly lagMs: number | null;
}

/** Where an entry of the directory sends mail. */
export interface EntryFacts {
  readonly found: boolean;
  /** Lower case; null: to its own mailbox. Undefined: cannot be read. */
  readonly redirectsTo: string | null | undefined;
  /** Whether old mail can be answered (X500); null: cannot be told. */
  readonly answersOld: boolean | null;
}

/** Everything that was measured of a pair. Null: it could not be read. */
export interface SwitchFacts {
  readonly nowMs: number;
  readonly mailboxes: { readonly source: boolean; readonly target: boolean };
  /** Null: no directory is configured for that organization. */
  readonly entries: { readonly source: EntryFacts | null; readonly target: EntryFacts | null };
  /** Addresses at which each side would be reached from the other. */
  readonly reachedAt: { readonly source: readonly string[]; readonly target: readonly string[] };
  readonly tracks: readonly TrackFacts[];
  readonly lagObjectiveMs: number;
  /** Of the last verify. Null: there was none. */
  readonly grade: { readonly grade: 'perfect' | 'good' | 'investigate' | 'poor'; readonly atMs: number } | null;
  readonly gradeMaxAgeMs: number;
  /** Addresses of people who act for this one, or for whom this one acts, and whether they are switched, or go along now. */
  readonly delegates: readonly { readonly address: string; readonly together: boolean }[] | null;
  /** What others wrote into the calendar under identities that were known. */
  readonly rivals: number;
  /** What Autodiscover of the target organization answers for the target address. */
  readonly autodiscover: { readonly answers: boolean; readonly detail: string } | null;
  /** What the client will have to download after the switch. */
  readonly downloadBytes: number | null;
  readonly clientBytesPerSecond: number;
}

export type Verdict = 'ok' | 'not-ready' | 'unknown' | 'note';

export interface ReadinessFinding {
  readonly check: ReadinessCheck;
  readonly verdict: Verdict;
  readonly detail: string;
  /** What to do about it; null: nothing. */
  readonly advice: string | null;
}

/** Judges the facts, one finding a check in the order of `readinessChecks`. Only `not-ready` stands in the way. */
export function readiness(facts: SwitchFacts): readonly ReadinessFinding[] {
  return [
    mailboxes(facts),
    directory(facts),
    redirection(facts),
    copy(facts),
    lag(facts),
    grade(facts),
    quarantine(facts),
    deletions(facts),
    delegates(facts),
    rivals(facts),
    autodiscover(facts),
    clients(),
    download(facts),
  ];
}

/** What stands in the way and was not accepted by name. */
export const standsInTheWay = (
  findings: readonly ReadinessFinding[],
  accepted: readonly string[],
): readonly ReadinessFinding[] =>
  findings.filter(({ check, verdict }) => verdict === 'not-ready' && !accepted.includes(check));

/** These are never accepted: without them mail would be lost or go round in circles. */
export const neverAccepted: readonly ReadinessCheck[] = ['mailboxes', 'directory', 'redirection'];

/** The state that the facts show. */
export function measuredState(facts: SwitchFacts, accepted: readonly string[]): MeasuredState {
  const open = standsInTheWay(readiness(facts), accepted);
  if (open.some(({ check }) => neverAccepted.includes(check))) return 'new';
  if (facts.tracks.every(({ state }) => state === 'new')) return 'provisioned';
  return open.length === 0 ? 'ready' : 'syncing';
}

const ok = (check: ReadinessCheck, detail: string): ReadinessFinding => ({
  check,
  verdict: 'ok',
  detail,
  advice: null,
});

function mailboxes({ mailboxes: { source, target } }: SwitchFacts): ReadinessFinding {
  if (source && target) return ok('mailboxes', 'both are there');
  const missing = [...(source ? [] : ['source']), ...(target ? [] : ['target'])].join(' and the ');
  return {
    check: 'mailboxes',
    verdict: 'not-ready',
    detail: `the mailbox in the ${missing} cannot be opened`,
    advice: target
      ? 'causeway check says why'
      : 'make the mailbox in the target organization (causeway provision prints the lines), then give the account its rights',
  };
}

function directory({ entries }: SwitchFacts): ReadinessFinding {
  const unknown = (['source', 'target'] as const).filter((side) => entries[side] === null);
  const missing = (['source', 'target'] as const).filter((side) => entries[side]?.found === false);
  if (missing.length > 0)
    return {
      check: 'directory',
      verdict: 'not-ready',
      detail: `no entry has the address of the pair in the directory of the ${missing.join(' and the ')}`,
      advice: 'causeway directory plan shows what the directory sync would make; causeway directory sync makes it',
    };
  if (unknown.length > 0)
    return {
      check: 'directory',
      verdict: 'note',
      detail: `no directory is configured for the ${unknown.join(' and the ')}: its redirection is handed over as commands`,
      advice:
        'organizations.NAME.directory in the project file lets Causeway turn it, and wait until every controller knows',
    };
  const silent = (['source', 'target'] as const).filter((side) => entries[side]?.answersOld === false);
  if (silent.length > 0)
    return {
      check: 'directory',
      verdict: 'not-ready',
      detail: `replies to old mail would bounce: the entry in the ${silent.join(' and the ')} lacks the other side's X500 address`,
      advice: 'run causeway directory sync, then causeway check --replies',
    };
  return ok('directory', 'both entries are there and answer to old addresses');
}

function redirection({ entries: { source, target }, reachedAt }: SwitchFacts): ReadinessFinding {
  const refuse = (detail: string, advice: string): ReadinessFinding => ({
    check: 'redirection',
    verdict: 'not-ready',
    detail,
    advice,
  });
  if (source?.redirectsTo !== null && source?.redirectsTo !== undefined)
    return refuse(
      `the source redirects to ${source.redirectsTo}`,
      'the person was switched by other means, or forwards their mail; remove targetAddress, or set active: target in the project file',
    );
  if (target?.redirectsTo === null)
    return refuse(
      'the target does not redirect to the source, so that mail sent inside of the target organization is not seen by the person',
      'run causeway directory sync, which sets targetAddress on the entry of the target',
    );
  if (target?.redirectsTo !== undefined && !reachedAt.source.includes(target.redirectsTo))
    return refuse(
      `the target redirects to ${target.redirectsTo}, which is no address of the source mailbox`,
      'correct targetAddress of the entry in the target; causeway directory plan shows what belongs there',
    );
  if (source === null || target === null)
    return {
      check: 'redirection',
      verdict: 'unknown',
      detail: 'where mail goes cannot be read on both sides',
      advice: 'causeway check --routing sends a mail each way',
    };
  return ok('redirection', 'mail for either address reaches the source');
}

function copy({ tracks }: SwitchFacts): ReadinessFinding {
  const stopped = tracks.find(({ stoppedBecause }) => stoppedBecause !== null);
  if (stopped)
    return {
      check: 'copy',
      verdict: 'not-ready',
      detail: `${stopped.kind} is stopped: ${stopped.stoppedBecause}`,
      advice: 'docs/operating/faults.md says what each code means',
    };
  const open = tracks.filter(({ state }) => state !== 'in-step');
  return open.length === 0
    ? ok('copy', `complete: ${tracks.map(({ kind }) => kind).join(', ')}`)
    : {
        check: 'copy',
        verdict: 'not-ready',
        detail: `the first copy is not complete: ${open.map(({ kind }) => kind).join(', ')}`,
        advice: 'let causeway run go on; causeway status says how long it will take',
      };
}

function lag({ tracks, lagObjectiveMs }: SwitchFacts): ReadinessFinding {
  const worst = Math.max(0, ...tracks.map(({ lagMs }) => lagMs ?? Number.POSITIVE_INFINITY));
  if (worst <= lagObjectiveMs) return ok('lag', `${Math.round(worst / 1000)} s`);
  return {
    check: 'lag',
    verdict: 'not-ready',
    detail: Number.isFinite(worst)
      ? `a change has been waiting for ${Math.round(worst / 1000)} s, more than the objective of ${Math.round(lagObjectiveMs / 1000)} s`
      : 'it was never looked at',
    advice: 'let causeway run catch up; causeway status names the limit',
  };
}

function grade({ grade: last, gradeMaxAgeMs, nowMs }: SwitchFacts): ReadinessFinding {
  const refuse = (detail: string, advice: string): ReadinessFinding => ({
    check: 'grade',
    verdict: 'not-ready',
    detail,
    advice,
  });
  if (last === null) return refuse('it was not verified yet', 'causeway switch verifies it when it measures');
  if (nowMs - last.atMs > gradeMaxAgeMs)
    return refuse(
      `it was last verified ${Math.round((nowMs - last.atMs) / 86_400_000)} days ago`,
      'causeway switch verifies it again when it measures',
    );
  if (last.grade === 'perfect' || last.grade === 'good') return ok('grade', last.grade);
  return refuse(`verify says ${last.grade}`, 'causeway verify lists the differences');
}

function quarantine({ tracks }: SwitchFacts): ReadinessFinding {
  const count = tracks.reduce((sum, { quarantined }) => sum + quarantined, 0);
  if (count === 0) return ok('quarantine', 'empty');
  return {
    check: 'quarantine',
    verdict: 'not-ready',
    detail: `${count} items are in quarantine`,
    advice: 'review them with causeway quarantine list; --accept quarantine says that they were',
  };
}

function deletions({ tracks }: SwitchFacts): ReadinessFinding {
  const count = tracks.reduce((sum, { held }) => sum + held, 0);
  if (count === 0) return ok('deletions', 'none is held');
  return {
    check: 'deletions',
    verdict: 'not-ready',
    detail: `${count} deletions are held back by maxDelete`,
    advice: 'look at causeway plan, then raise maxDelete or restore the source',
  };
}

const namedMax = 5;

function delegates({ delegates: all }: SwitchFacts): ReadinessFinding {
  if (all === null)
    return {
      check: 'delegates',
      verdict: 'unknown',
      detail: 'who acts for whom cannot be read here',
      advice: 'causeway waves shows what the directories know',
    };
  const apart = all.filter(({ together }) => !together).map(({ address }) => address);
  if (apart.length === 0)
    return ok('delegates', all.length === 0 ? 'none' : `${all.length}, all here already or in this wave`);
  const more = apart.length > namedMax ? ` and ${apart.length - namedMax} more` : '';
  return {
    check: 'delegates',
    verdict: 'not-ready',
    detail: `would be in the other organization: ${apart.slice(0, namedMax).join(', ')}${more}`,
    advice:
      'switch them together (causeway waves proposes who), or --accept delegates: they lose access until they follow',
  };
}

function rivals({ rivals: count }: SwitchFacts): ReadinessFinding {
  if (count === 0) return ok('rivals', 'none in the last days');
  return {
    check: 'rivals',
    verdict: 'not-ready',
    detail: `others wrote ${count} times into the calendar what was known`,
    advice:
      'causeway check prints the commands against the Calendar Repair Assistant; --accept rivals when they are known',
  };
}

function autodiscover({ autodiscover: answer }: SwitchFacts): ReadinessFinding {
  if (answer === null)
    return {
      check: 'autodiscover',
      verdict: 'unknown',
      detail: 'it was not asked',
      advice: 'in Outlook: Test E-mail AutoConfiguration with the target address',
    };
  if (answer.answers) return ok('autodiscover', answer.detail);
  return {
    check: 'autodiscover',
    verdict: 'not-ready',
    detail: answer.detail,
    advice:
      'Outlook will not find the target mailbox: publish autodiscover.DOMAIN of the target, or --accept autodiscover when profiles are made otherwise',
  };
}

function clients(): ReadinessFinding {
  return {
    check: 'clients',
    verdict: 'note',
    detail: 'versions of Outlook and phones are kept where EWS, Graph and WebDAV do not show them',
    advice:
      'in the source organization: Get-LogonStatistics MAILBOX | fl ClientVersion,UserName ; Get-MobileDeviceStatistics -Mailbox MAILBOX | fl DeviceModel,LastSuccessSync',
  };
}

function download({ downloadBytes, clientBytesPerSecond }: SwitchFacts): ReadinessFinding {
  if (downloadBytes === null)
    return { check: 'download', verdict: 'unknown', detail: 'the size of the target is not known', advice: null };
  const minutes = Math.ceil(downloadBytes / clientBytesPerSecond / 60);
  return {
    check: 'download',
    verdict: 'note',
    detail: `Outlook in cached mode will fetch about ${megabytes(downloadBytes)}, ${minutes} min at ${megabytes(clientBytesPerSecond)}/s`,
    advice: minutes > 60 ? 'switch in the evening, or shorten the time that Outlook keeps offline' : null,
  };
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
