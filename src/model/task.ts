import type { AttachmentHead, Body, Reminder } from './appointment.ts';
import type { Instant } from './mail.ts';
import type { Recurrence } from './recurrence.ts';
import type { Day } from './wall-time.ts';

/** [MS-OXOTASK]. Each field has a row in `taskProperties`. Dates of tasks are days, whatever the zone. */
export interface TaskFields {
  readonly subject: string;
  readonly body: Body;
  readonly startDay: Day | null;
  readonly dueDay: Day | null;
  readonly completedDay: Day | null;
  readonly status: 'not-started' | 'in-progress' | 'completed' | 'waiting' | 'deferred';
  /** 0 to 1. */
  readonly percentComplete: number;
  readonly actualWorkMinutes: number;
  readonly totalWorkMinutes: number;
  readonly owner: string;
  readonly billing: string;
  readonly mileage: string;
  readonly companies: readonly string[];
  readonly contacts: readonly string[];
  readonly recurrence: Recurrence | null;
  readonly reminder: Reminder;
  readonly reminderAt: Instant | null;
  readonly categories: readonly string[];
  readonly sensitivity: 'normal' | 'personal' | 'private' | 'confidential';
  readonly importance: 'low' | 'normal' | 'high';
  readonly attachments: readonly AttachmentHead[];
}
