import type { CheckResult } from './repair-checks.ts';

export interface LoggedMeeting {
  readonly subject: string;
  readonly meetingType: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly organizer: string;
  readonly attendee: string;
  readonly cleanId: string;
  readonly checks: readonly CheckResult[];
  /** Messages that corrected it, or would have. */
  readonly rums: readonly { readonly type: string; readonly sent: boolean }[];
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);

/** `03/09/2026 10:00:00`, UTC, as the log has it. */
function clock(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)} ${iso.slice(11, 19)}`;
}

/** What the assistant did in one mailbox: a file `CRA*.xml` below Logging\Calendar Repair Assistant. FACTS §9 */
export interface RepairLog {
  readonly mailbox: string;
  readonly atMs: number;
  readonly mode: string;
  readonly meetings: readonly LoggedMeeting[];
}

export const logNameOf = ({ mailbox, atMs }: RepairLog): string =>
  `CRA${new Date(atMs).toISOString().slice(0, 10).replaceAll('-', '')}-${mailbox}.xml`;

/** @param withSubjects CalendarRepairLogSubjectLoggingEnabled. */
export function writeLog(log: RepairLog, withSubjects = true): string {
  const meetings = log.meetings.map((one) => {
    const checks = one.checks.map(({ type, passed, inconsistencies }) => {
      const open = `<ConsistencyCheck Type="${type}" Result="${passed ? 'Passed' : 'Failed'}"`;
      if (inconsistencies.length === 0) return `${open} />`;
      const inner = inconsistencies.map(
        ({ owner, shouldFix, flag }) => `<Inconsistency Owner="${owner}" ShouldFix="${shouldFix}" Flag="${flag}" />`,
      );
      return `${open}>${inner.join('')}</ConsistencyCheck>`;
    });
    const subject = withSubjects ? ` Subject="${escaped(one.subject)}"` : '';
    const rums = one.rums.map(({ type, sent }) => `<RUM Type="${type}" Sent="${sent}" />`);
    return `<Meeting${subject} MeetingType="${one.meetingType}" StartTime="${clock(one.startMs)}" EndTime="${clock(one.endMs)}" Organizer="${escaped(one.organizer)}" Attendee="${escaped(one.attendee)}"><CleanGlobalObjectId>${one.cleanId}</CleanGlobalObjectId>${checks.join('')}${rums.join('')}</Meeting>`;
  });
  return `<?xml version="1.0" encoding="utf-8"?><CalendarRepairLog Mailbox="${escaped(log.mailbox)}" Time="${clock(log.atMs)}" Mode="${log.mode}">${meetings.join('')}</CalendarRepairLog>`;
}
