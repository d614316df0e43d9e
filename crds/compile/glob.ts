/**
 * Whether `glob` matches every name that `other` matches (`*` any characters, `?` one; `other` may be a plain name).
 * True is certain. False may be wrong only where stars and question marks of both meet.
 */
export function covers(glob: string, other: string): boolean {
  // Greedy with one point to fall back to, on the characters of `other` as they stand: its star is matched by a star only.
  let g = 0;
  let o = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (o < other.length) {
    const wild = glob[g];
    if (wild === '*') {
      starAt = g++;
      resumeAt = o;
    } else if (wild === '?' ? other[o] !== '*' : wild === other[o] && wild !== undefined) {
      g++;
      o++;
    } else if (starAt >= 0) {
      g = starAt + 1;
      o = ++resumeAt;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

/** Whether a text is a glob rather than a name. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}
