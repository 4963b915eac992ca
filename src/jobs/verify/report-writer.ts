import type { ItemId, PairId } from '#model/ids.ts';
import { gradeOf } from './grade.ts';
import { type Finding, type FindingKind, findingKinds, type VerifyReport } from './report.ts';

/** Collects what verify finds. Memory is bounded: findings beyond `findingsMax` are counted and not kept. */
export class ReportWriter {
  compared = 0;
  contents = 0;
  sampled = 0;
  folders = 0;
  private missing = 0;
  private surplus = 0;
  private readonly differing = new Set<string>();
  private readonly inFlight = new Set<string>();
  private readonly findings: Finding[] = [];
  private readonly counts = new Map<FindingKind, { explained: number; unexplained: number }>(
    findingKinds.map((kind) => [kind, { explained: 0, unexplained: 0 }]),
  );
  private readonly notDue = new Map<string, number>();
  private readonly notCarried = new Map<string, { present: number; different: number }>();
  private readonly pair: PairId;
  private readonly findingsMax: number;
  readonly startedAtMs: number;

  constructor(pair: PairId, findingsMax: number, startedAtMs: number) {
    this.pair = pair;
    this.findingsMax = findingsMax;
    this.startedAtMs = startedAtMs;
  }

  find(finding: Finding): void {
    if (this.findings.length < this.findingsMax) this.findings.push(finding);
    const count = this.counts.get(finding.kind);
    if (count) count[finding.explainedBy === null ? 'unexplained' : 'explained']++;
    if (finding.kind === 'extra' || finding.kind === 'duplicate') this.surplus++;
    if (finding.explainedBy !== null) return;
    if (finding.kind === 'missing') this.missing++;
    else this.differing.add(finding.left ?? finding.right ?? finding.folder);
  }

  /** Changed by somebody while it was read. */
  moving(id: ItemId): void {
    this.inFlight.add(id);
  }

  skip(reason: string, items = 1): void {
    if (items > 0) this.notDue.set(reason, (this.notDue.get(reason) ?? 0) + items);
  }

  listed(property: string, different: boolean): void {
    const seen = this.notCarried.get(property) ?? { present: 0, different: 0 };
    seen.present++;
    if (different) seen.different++;
    this.notCarried.set(property, seen);
  }

  write(endedAtMs: number): VerifyReport {
    const explained = [...this.counts.values()].reduce((sum, count) => sum + count.explained, 0);
    const compared = this.compared;
    const missing = this.missing;
    const differing = this.differing.size;
    return {
      pair: this.pair,
      grade: gradeOf({ compared: compared + this.folders, differing, missing, explained }),
      startedAtMs: this.startedAtMs,
      endedAtMs,
      compared,
      contents: this.contents,
      sampled: this.sampled,
      folders: this.folders,
      differing,
      missing,
      surplus: this.surplus,
      notDue: Object.fromEntries(this.notDue),
      inFlight: this.inFlight.size,
      findings: this.findings,
      findingCounts: Object.fromEntries(this.counts) as VerifyReport['findingCounts'],
      notCarried: [...this.notCarried]
        .map(([property, seen]) => ({ property, ...seen }))
        .sort((a, b) => (a.property < b.property ? -1 : 1)),
    };
  }
}
