import { AssertionFailure } from '#kit/assert.ts';
import type { DirectoryPlanInput, DirectoryStep } from './plan.ts';

/** Decides what a directory sync does about the changed objects, or says what it has to know first. */
export function planDirectory(input: DirectoryPlanInput): DirectoryStep {
  throw new AssertionFailure(`no plan for ${input.policy.sync} yet`);
}
