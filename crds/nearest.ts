/** The one of `known` that `word` was probably meant to be, or null: other case, a beginning, or up to a third misspelt. */
export function nearest(word: string, known: readonly string[]): string | null {
  const wanted = word.toLowerCase();
  if (wanted.length < 2 || wanted.length > LENGTH_MAX) return null;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const there = candidate.toLowerCase();
    const near = there === wanted ? 0 : distance(wanted, there);
    const akin = wanted.length > 3 && (there.startsWith(wanted) || wanted.startsWith(there));
    const effective = akin && there.length > 3 ? Math.min(near, 1) : near;
    if (effective < bestDistance) {
      best = candidate;
      bestDistance = effective;
    }
  }
  return best;
}

/** No name of ours is longer; what is longer is no misspelling. */
const LENGTH_MAX = 64;

/** Insertions, deletions, substitutions and swaps of neighbours between two words. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
