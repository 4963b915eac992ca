/** Best first. The rules are published in `docs/operating/verify.md`. */
export const grades = ['perfect', 'good', 'investigate', 'poor'] as const;
export type Grade = (typeof grades)[number];

/** More unexplained differences than this share of the items compared is poor. */
const toleratedShare = 0.001;

export interface GradeInput {
  readonly compared: number;
  /** Items that differ in something nothing explains, copies too many among them. */
  readonly differing: number;
  /** Items missing without an explanation. */
  readonly missing: number;
  /** Differences that are explained. */
  readonly explained: number;
}

export function gradeOf({ compared, differing, missing, explained }: GradeInput): Grade {
  if (missing > 0) return 'poor';
  if (differing > 0) return differing <= compared * toleratedShare ? 'investigate' : 'poor';
  return explained > 0 ? 'good' : 'perfect';
}
