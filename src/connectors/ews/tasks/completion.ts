import type { TaskFields } from '#model/task.ts';

/**
 * Status, share and day of completion, which servers couple: completing a task sets its share to all and its day to today, and taking
 * one of the three back takes back the others. Both ways they are brought into the one form that a server leaves alone.
 * [MS-OXOTASK] 3.1.4.3, and the EWS page of each of the three elements
 */
type Completion = Pick<TaskFields, 'status' | 'percentComplete' | 'completedDay'>;

/** The form of a whole task. */
export function settledCompletion<Fields extends Completion>(fields: Fields): Fields {
  const { status, percentComplete, completedDay } = fields;
  if (status === 'completed' || percentComplete >= 1 || completedDay !== null)
    return { ...fields, status: 'completed', percentComplete: 1 };
  return status === 'not-started' && percentComplete > 0 ? { ...fields, status: 'in-progress' } : fields;
}

/** What is to be written of the three so that a change of some of them leads to the form above. */
export function settledChange(set: Partial<Completion>, before: Completion): Partial<Completion> {
  const { status, percentComplete, completedDay } = set;
  if (status === undefined && percentComplete === undefined && completedDay === undefined) return {};
  // What was not begun has no share.
  const wanted = { ...before, ...(status === 'not-started' ? { percentComplete: 0 } : {}), ...set };
  // The status says most; a share of its own stands against a status that was there before, and a day against both.
  const completes =
    status !== undefined
      ? status === 'completed'
      : percentComplete !== undefined
        ? percentComplete >= 1
        : wanted.status === 'completed' || wanted.completedDay !== null;
  const after = completes ? settledCompletion({ ...wanted, status: 'completed' }) : reopened(wanted);
  return {
    ...(status !== undefined || after.status !== before.status ? { status: after.status } : {}),
    ...(percentComplete !== undefined || after.percentComplete !== before.percentComplete
      ? { percentComplete: after.percentComplete }
      : {}),
    ...(completedDay !== undefined || after.completedDay !== before.completedDay
      ? { completedDay: after.completedDay }
      : {}),
  };
}

function reopened({ status, percentComplete }: Completion): Completion {
  const share = percentComplete >= 1 ? 0 : percentComplete;
  return settledCompletion({
    status: status === 'completed' ? 'not-started' : status,
    percentComplete: share,
    completedDay: null,
  });
}
