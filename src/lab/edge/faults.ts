import { must } from '#kit/assert.ts';
import type { Random } from '#kit/random.ts';
import type { FaultOccasion, FaultPoint, FaultSpec, Faults } from '../seams.ts';
import { faultPoints } from './fault-spec.ts';

interface Armed {
  readonly spec: FaultSpec;
  readonly operations: ReadonlySet<string> | null;
  readonly where: ReadonlySet<string> | null;
  struck: number;
}

/**
 * Seeded faults. Specs of one point are asked in their order and the first that strikes wins; each draws its own number, so
 * adding a spec to one point does not shift the luck of another point's.
 *
 * @param random per point, so that the sequence at one point does not depend on traffic at others.
 */
export function createFaults(random: (point: FaultPoint) => Random, specs: readonly FaultSpec[] = []): Faults {
  const counts = Object.fromEntries(faultPoints.map((point) => [point, 0])) as Record<FaultPoint, number>;
  const luck = new Map(faultPoints.map((point) => [point, random(point)]));
  let armed = new Map<FaultPoint, Armed[]>();

  const lower = (names: readonly string[] | undefined) =>
    names ? new Set(names.map((name) => name.toLowerCase())) : null;
  const arm = (next: readonly FaultSpec[]) => {
    armed = new Map();
    for (const spec of next) {
      const list = armed.get(spec.point) ?? [];
      list.push({ spec, operations: lower(spec.operations), where: lower(spec.where), struck: 0 });
      armed.set(spec.point, list);
    }
  };
  arm(specs);

  return {
    counts,
    set: arm,
    strike(point, occasion) {
      for (const one of armed.get(point) ?? []) {
        if (!concerns(one, occasion)) continue;
        if (one.spec.limit !== undefined && one.struck >= one.spec.limit) continue;
        if (must(luck.get(point), 'every fault point has its luck').next() >= one.spec.chance) continue;
        one.struck++;
        counts[point]++;
        return one.spec;
      }
      return null;
    },
  };
}

function concerns(one: Armed, occasion: FaultOccasion): boolean {
  if (one.operations !== null && !one.operations.has(occasion.operation?.toLowerCase() ?? '')) return false;
  if (one.where === null) return true;
  return one.where.has(occasion.organization.toLowerCase()) || one.where.has(occasion.mailbox?.toLowerCase() ?? '');
}
