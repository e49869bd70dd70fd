// SPDX-License-Identifier: BSD-2-Clause
/** Alternates between the sides that are compared, so that all meet the same load of the host. */
export async function inTurns<Side extends string, Result>(
  runs: number,
  sides: Readonly<Record<Side, () => Result | Promise<Result>>>,
  onRun: (run: number) => void,
): Promise<Record<Side, Result[]>> {
  const names = Object.keys(sides) as Side[]; // the keys of the very record that declares the type
  const results = Object.fromEntries(names.map((name): [Side, Result[]] => [name, []])) as Record<Side, Result[]>;
  for (let run = 1; run <= runs; run += 1) {
    onRun(run);
    for (const name of names) results[name].push(await sides[name]());
  }
  return results;
}
